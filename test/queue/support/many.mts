import { itemsOf } from '../../../tools/n8n/restClient.mts';
import {
	nextAccount,
	nextImage,
	sentOf,
	sourceOf,
	until,
	type Ended,
	type Image,
} from './batch.mts';
import { queue } from './stage.mts';
import { call } from './workflows.mts';

/** Executions of many items each, and tasks that end when the test says so. */

export const IMAGES = 12;

export interface Many {
	id: string;
	images: Image[];
}

/** Starts one with images of its own, or with those of another one. */
export async function beginMany(path: string, images = imagesOfOneAccount()): Promise<Many> {
	return { id: await call(queue.webhook.url, path, { images }), images };
}

/** Until `letTasksEnd` none ends, however long a process takes to start. */
export function holdTasks(): void {
	queue.sandbox.settings.hold = true;
}

export function letTasksEnd(): void {
	const { sandbox } = queue;
	sandbox.settings.hold = false;
	for (const { taskId } of sandbox.held()) sandbox.release(taskId);
}

/** The node sends some jobs at once for each account. */
function imagesOfOneAccount(): Image[] {
	const account = nextAccount();
	return Array.from({ length: IMAGES }, () => nextImage(account));
}

export const allManySent = async (...many: Many[]) =>
	await until('all jobs are sent', () =>
		many.every(({ images }) => sentOf(queue, images).length >= images.length),
	);

/** All is sent, and the tasks are looked at. */
export async function allPoll(...many: Many[]): Promise<void> {
	await allManySent(...many);
	const { requests } = queue.sandbox;
	const before = requests.length;
	await until('the tasks are looked at', () =>
		requests.slice(before).some(({ path }) => path.startsWith('/v1/kling/tasks/')),
	);
}

export const references = ({ images }: Many) => images.map(({ reference }) => reference);

/** References of the items that were taken over from an earlier execution. */
export const reusedIn = ({ execution, images }: Ended<Many>): string[] =>
	itemsOf(execution, 'Upscale').flatMap(({ json }, place) =>
		json.reused === true ? [images[place].reference] : [],
	);

/** It ended well, and each item is the larger version of its own image. */
export async function expectOwnImages({ execution, images }: Ended<Many>): Promise<void> {
	const { status, resultData } = execution;
	expect({ status, error: resultData.error }).toEqual({ status: 'success' });
	const items = itemsOf(execution, resultData.lastNodeExecuted!);
	expect(items.map(({ json }) => json.status)).toEqual(images.map(() => 'succeed'));
	const sources = await Promise.all(items.map(async ({ json }) => await sourceOf(queue, json)));
	expect(sources).toEqual(images.map(({ workId }) => workId));
}

/** Over all executions of these images. */
export const expectEachPaidOnce = (many: Many) =>
	expect(sentOf(queue, many.images).toSorted()).toEqual(references(many).toSorted());

import { itemsOf } from '../../scripts/n8n-api.mts';
import {
	allHave,
	allOver,
	busiest,
	nextImage,
	seeds,
	sentOf,
	sourceOf,
	until,
	type Ended,
	type Image,
} from './support/batch.mts';
import { Figures } from './support/figures.mts';
import { openQueueMode, type QueueMode } from './support/queue-mode.mts';
import { tellRedis } from './support/services.mts';
import { call, get, publish, split, upscale } from './support/workflows.mts';

/**
 * Reuse Earlier Result in n8n's queue mode: something dies, and a new execution gets the same items, or n8n runs the old
 * execution again from its beginning. Either way every image comes out, and none is paid twice over all of it.
 */

const IMAGES = 12;
/** So many are sent before the worker is killed: more than the node sends at once, and not all. */
const SENT_BEFORE = 7;
/** Bull's lists of jobs, in Redis. */
const ACTIVE = 'bull:jobs:active';
const WAITING = 'bull:jobs:wait';

/** An execution of several items. */
interface Batch {
	id: string;
	images: Image[];
}

let queue: QueueMode;
let poll: string;
let pause: string;
let pollWithoutReuse: string;
const figures = new Figures();

beforeAll(async () => {
	queue = await openQueueMode({
		seeds: seeds.slice(0, 100),
		jobMs: 1_000,
		scale: 1,
		accounts: [{ email: 'artist@example.com', maxJobs: 250 }],
	});
	const { api, credential } = queue;
	const options = { replyRef: '={{ $json.reference }}' };
	const reusing = { options: { ...options, reuse: true } };
	poll = await publish(api, credential, split, upscale(reusing));
	pause = await publish(api, credential, split, upscale({ ...reusing, wait: 'callback' }), get());
	pollWithoutReuse = await publish(api, credential, split, upscale({ options }));
}, 1_200_000);
afterAll(async () => {
	await queue?.close();
	figures.print();
}, 60_000);

/** Until `letTasksEnd` no task ends, however long a process takes to start. */
beforeEach(() => void (queue.sandbox.settings.hold = true));

function letTasksEnd(): void {
	const { sandbox } = queue;
	sandbox.settings.hold = false;
	for (const { taskId } of sandbox.held()) sandbox.release(taskId);
}

const newImages = (): Image[] => Array.from({ length: IMAGES }, nextImage);

const begin = async (path: string, images = newImages()): Promise<Batch> => ({
	id: await call(queue.webhook.url, path, { images }),
	images,
});

const allSent = async (...batches: Batch[]) =>
	await until('all jobs are sent', () =>
		batches.every(({ images }) => sentOf(queue, images).length >= images.length),
	);

/** Looks at its tasks again and again, so what it has sent is known to it. */
async function polls(...batches: Batch[]): Promise<void> {
	await allSent(...batches);
	const { requests } = queue.sandbox;
	const before = requests.length;
	await until('the tasks are looked at', () =>
		requests.slice(before).some(({ path }) => path.startsWith('/v1/kling/tasks/')),
	);
}

/** References of the items that were taken over from an earlier execution. */
const reusedIn = ({ execution, images }: Ended<Batch>): string[] =>
	itemsOf(execution, 'Upscale').flatMap(({ json }, place) =>
		json.reused === true ? [images[place].reference] : [],
	);
const references = (images: Image[]) => images.map(({ reference }) => reference);

/** Each item is the larger version of its own image. */
async function expectOwnResults(...batches: Array<Ended<Batch>>): Promise<void> {
	for (const { execution, images } of batches) {
		const { status, resultData } = execution;
		expect({ status, error: resultData.error }).toEqual({ status: 'success' });
		const items = itemsOf(execution, resultData.lastNodeExecuted!);
		expect(items.map(({ json }) => json.status)).toEqual(images.map(() => 'succeed'));
		const sources = await Promise.all(
			items.map(async ({ json }) => await sourceOf(queue, json.taskId)),
		);
		expect(sources).toEqual(images.map(({ workId }) => workId));
	}
}

const expectPaidOnce = ({ images }: Batch) =>
	expect(sentOf(queue, images).toSorted()).toEqual(references(images).toSorted());

describe('a stalled execution that n8n runs again from its beginning, under its old ID', () => {
	test('pays nothing again with Reuse Earlier Result; without it, all', async () => {
		const reusing = await begin(poll);
		const plain = await begin(pollWithoutReuse);
		await polls(reusing, plain);
		for (const worker of [...queue.workers]) await queue.replace(worker, 'kill', 'empty');
		// What Bull does with a stalled job where it allows a second run; n8n 2 allows none (maxStalledCount: 0).
		for (let jobs = 0; jobs < 2; jobs++) {
			await tellRedis(queue.redis.port, `RPOPLPUSH ${ACTIVE} ${WAITING}`);
		}
		const isSentAgain = () => sentOf(queue, plain.images).length >= 2 * IMAGES;
		await until('the one without reuse has sent all again', isSentAgain);
		letTasksEnd();
		const [again] = await allOver(queue, [reusing]);
		await expectOwnResults(again);
		expect(reusedIn(again)).toEqual(references(reusing.images));
		expectPaidOnce(reusing);
		figures.add('run again by Bull: paid, of 12 images, with reuse', IMAGES);
		const paidWithout = sentOf(queue, plain.images).length;
		figures.add('run again by Bull: paid, of 12 images, without reuse', paidWithout);
		expect(paidWithout).toBe(2 * IMAGES);
	}, 300_000);
});

describe('a new execution of the same items, with Reuse Earlier Result', () => {
	test('after a worker was killed while it sent them: takes what was sent, and sends the rest', async () => {
		const { sandbox } = queue;
		sandbox.addFault({
			kind: 'delay',
			after: true,
			delayMs: 1_000,
			method: 'POST',
			path: '/v1/kling/images/upscale',
			times: IMAGES,
		});
		const first = await begin(poll);
		await until('a part is sent', () => sentOf(queue, first.images).length >= SENT_BEFORE);
		const { worker } = await busiest(queue, [first]);
		const replaced = queue.replace(worker, 'kill', 'empty');
		await worker.n8n.ended;
		sandbox.clearFaults();
		const sent = sentOf(queue, first.images);
		expect(sent.length).toBeLessThan(IMAGES);
		const second = await begin(poll, first.images);
		await allSent(second);
		letTasksEnd();
		const [again] = await allOver(queue, [second]);
		await replaced;
		await expectOwnResults(again);
		expect(reusedIn(again).toSorted()).toEqual(sent.toSorted());
		expectPaidOnce(second);
		figures.add('sent before the worker was killed, of 12', sent.length);
	}, 300_000);

	test('after a worker was killed while it polled: takes all', async () => {
		const first = await begin(poll);
		await polls(first);
		const { worker } = await busiest(queue, [first]);
		const replaced = queue.replace(worker, 'kill', 'empty');
		await worker.n8n.ended;
		const second = await begin(poll, first.images);
		await polls(second);
		letTasksEnd();
		const [again] = await allOver(queue, [second]);
		await replaced;
		await expectOwnResults(again);
		expect(reusedIn(again)).toEqual(references(first.images));
		expectPaidOnce(second);
	}, 300_000);

	test.each([
		['main was killed and restarted', async () => await queue.killAndRestartMain()],
		['Redis was restarted', async () => await queue.redis.restart()],
	])(
		'after %s: takes all, and the first goes on too',
		async (_name, die) => {
			const first = [await begin(poll), await begin(pause)];
			await allSent(...first);
			await allHave(queue, first.slice(1), 'waiting');
			await die();
			const second = [await begin(poll, first[0].images), await begin(pause, first[1].images)];
			await polls(...second);
			letTasksEnd();
			const ended = await allOver(queue, [...first, ...second]);
			await expectOwnResults(...ended);
			const reused = ended.map(reusedIn);
			expect(reused).toEqual([[], [], ...second.map(({ images }) => references(images))]);
			second.forEach(expectPaidOnce);
		},
		300_000,
	);
});

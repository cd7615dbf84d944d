import type { IBinaryKeyData, INodeExecutionData } from 'n8n-workflow';

import { klingError } from '../../runtime/problems';
import type { TaskModel } from '../../transport/types';
import { downloadImage } from './download';
import type { JobContext, Kit } from '../../runtime/context';
import { outputOf, readTask, type OutputKind, type TaskImage } from '../../tasks/task';

export interface OutputSettings {
	output: OutputKind;
	/** Binary field for the image, or `undefined` when nothing is to be downloaded. */
	binaryPropertyName?: string;
	/** Download the file without watermark where the account may have it. */
	withoutWatermark?: boolean;
}

/** What the node itself knows of a task, whatever the API's answer holds. */
export interface TaskRef {
	taskId: string;
	account?: string;
	replyRef?: string;
	/** The job was not sent by this execution, see Reuse Earlier Result. */
	reused?: boolean;
	[key: string]: string | boolean | undefined;
}

/**
 * Turns a task into output items, linked to their input item: one, or with `images` one per image.
 *
 * @throws KlingError when images are asked for and the task has none
 */
export async function buildItems(
	this: JobContext,
	kit: Kit,
	model: TaskModel,
	known: TaskRef,
	settings: OutputSettings,
	itemIndex: number,
): Promise<INodeExecutionData[]> {
	const { output } = settings;
	const { images } = readTask(model);
	if (output === 'images') assertImages.call(this, model, known.taskId, itemIndex);
	return await Promise.all(
		outputOf(model, known, output).map(async (json, position) => {
			const wanted = output === 'images' ? [images[position]] : images;
			const files = await downloadAll.call(this, kit, wanted, known, settings, itemIndex);
			const { reused } = known;
			return {
				json: { ...json, ...(reused && { reused }) },
				...files,
				pairedItem: { item: itemIndex },
			};
		}),
	);
}

/**
 * For whoever needs images: a task that failed, is still running or came to nothing is an error of the item.
 *
 * @throws KlingError
 */
export function assertImages(
	this: JobContext,
	model: TaskModel,
	taskId: string,
	itemIndex: number,
): void {
	const { status, finished, failed, message, images } = readTask(model);
	const fail = (text: string, description: string) =>
		klingError(
			this.getNode(),
			{ message: text, description, details: { taskId, status } },
			itemIndex,
		);
	if (!finished) {
		throw fail(
			`Task ${taskId} has no images yet (status: ${status})`,
			"Set 'Wait for Result' to 'Wait Until Finished', or get the task again later.",
		);
	}
	if (failed) {
		throw fail(
			`Task ${taskId} failed: ${message ?? 'Kling gave no reason'}`,
			'This is the reason that Kling gives. Often its moderation has refused the image, or the account is out of credits.',
		);
	}
	// assumes: succeed-without-works
	if (images.length === 0) {
		throw fail(
			`Task ${taskId} finished without an image`,
			'Kling reported success but named no image file. Get the task again in a moment. If there is still no image, look the task up on the Kling website.',
		);
	}
}

/**
 * The output of a task whose result was waited for.
 *
 * @throws KlingError when the task failed, or an image cannot be downloaded
 */
export async function buildResult(
	this: JobContext,
	kit: Kit,
	model: TaskModel,
	known: TaskRef,
	settings: OutputSettings,
	itemIndex: number,
): Promise<INodeExecutionData[]> {
	assertImages.call(this, model, known.taskId, itemIndex);
	return await buildItems.call(this, kit, model, known, settings, itemIndex);
}

/** `{ binary }` with the first image in the named field, further ones in `<field>_2`, `<field>_3` and so on. */
async function downloadAll(
	this: JobContext,
	kit: Kit,
	images: TaskImage[],
	{ taskId, account }: TaskRef,
	{ binaryPropertyName: field, withoutWatermark }: OutputSettings,
	itemIndex: number,
): Promise<{ binary?: IBinaryKeyData }> {
	if (!field || images.length === 0) return {};
	const files = await Promise.all(
		images.map((image) =>
			downloadImage.call(this, kit, { image, taskId, account, withoutWatermark, itemIndex }),
		),
	);
	const named = files.map((file, position) => [
		position === 0 ? field : `${field}_${position + 1}`,
		file,
	]);
	return { binary: Object.fromEntries(named) as IBinaryKeyData };
}

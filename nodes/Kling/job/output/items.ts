import type { IBinaryKeyData, INodeExecutionData } from 'n8n-workflow';

import type { Context } from '../../runtime/context';
import { klingError } from '../../runtime/problems';
import type { Task, TaskImage, TaskRef } from '../../tasks/task';
import { downloadImage } from './download';
import { outputOf, type OutputKind } from './formats';

export interface OutputSettings {
	output: OutputKind;
	/** Binary field for the image, or `undefined` when nothing is to be downloaded. */
	binaryPropertyName?: string;
	/** Download the file without watermark where the account may have it. */
	withoutWatermark?: boolean;
}

/**
 * Turns a task into output items, linked to their input item: one, or with `images` one per image.
 *
 * @throws KlingError when images are asked for and the task has none, or an image cannot be downloaded
 */
export async function buildItems(
	context: Context,
	task: Task,
	ref: TaskRef,
	settings: OutputSettings,
): Promise<INodeExecutionData[]> {
	const { output } = settings;
	if (output === 'images') assertImages(context, task, ref);
	const { itemIndex, reused } = ref;
	return await Promise.all(
		outputOf(task, ref, output).map(async (json, position) => {
			const wanted = output === 'images' ? [task.images[position]] : task.images;
			const files = await downloadAll(context, wanted, ref, settings);
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
export function assertImages(context: Context, task: Task, { taskId, itemIndex }: TaskRef): void {
	const { status, finished, failed, message, images } = task;
	const fail = (text: string, description: string) => {
		const details = { taskId, status };
		return klingError(context.node, { message: text, description, details }, itemIndex);
	};
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
	context: Context,
	task: Task,
	ref: TaskRef,
	settings: OutputSettings,
): Promise<INodeExecutionData[]> {
	assertImages(context, task, ref);
	return await buildItems(context, task, ref, settings);
}

/** `{ binary }` with the first image in the named field, further ones in `<field>_2`, `<field>_3` and so on. */
async function downloadAll(
	context: Context,
	images: TaskImage[],
	ref: TaskRef,
	{ binaryPropertyName: field, withoutWatermark }: OutputSettings,
): Promise<{ binary?: IBinaryKeyData }> {
	if (!field || images.length === 0) return {};
	const files = await Promise.all(
		images.map(async (image) => await downloadImage(context, image, ref, withoutWatermark)),
	);
	const named = files.map((file, position) => [
		position === 0 ? field : `${field}_${position + 1}`,
		file,
	]);
	return { binary: Object.fromEntries(named) as IBinaryKeyData };
}

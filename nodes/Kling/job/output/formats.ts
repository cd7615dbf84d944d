import type { IDataObject } from 'n8n-workflow';

import type { Task, TaskRef } from '../../tasks/task';
import { withoutEmpty } from '../../transport/json';

/** What a user can have of a task: see `simplify`, `raw` and `imageItems`. */
export type OutputKind = 'simplified' | 'raw' | 'images';

/** What is known of a task besides the API's answer. */
type Known = Omit<TaskRef, 'itemIndex'>;

/** The "Simplified" output (docs/fields.md). Fields that the API did not fill are left out. */
export function simplify(task: Task, known: Known): IDataObject {
	const { taskId, status, finished, type, images, message, createdAt, updatedAt, creditsLeft } =
		task;
	return withoutEmpty({
		taskId: taskId ?? known.taskId,
		status,
		finished,
		type,
		imageUrl: images[0]?.url,
		images: images.map(withoutEmpty),
		// The API's word for a success is "success", which tells nobody anything. assumes: success-message
		message: status === 'succeed' ? undefined : message,
		account: known.account,
		replyRef: known.replyRef,
		createdAt,
		updatedAt,
		creditsLeft,
	});
}

/**
 * The "Raw" output: the API's model as it came, but for one name. n8n takes an item with a field `error` for a failed
 * one, so the vendor's `error` is called `vendorError`.
 */
export function raw({ raw: model }: Task): IDataObject {
	const { error, ...rest } = model;
	return error === undefined ? rest : { ...rest, vendorError: error };
}

/** The "Images" output: one object per image, with the names that Upscale's fields have. */
export function imageItems(task: Task, known: Known): IDataObject[] {
	const { taskId, type, images, createdAt } = task;
	const { account } = known;
	return images.map((image) =>
		withoutEmpty({ taskId: taskId ?? known.taskId, ...image, type, createdAt, account }),
	);
}

/** What a task is in the chosen output: one object, or with `images` one per image, which can be none. */
export function outputOf(task: Task, known: Known, output: OutputKind): IDataObject[] {
	if (output === 'images') return imageItems(task, known);
	return [output === 'raw' ? raw(task) : simplify(task, known)];
}

import type { IDataObject } from 'n8n-workflow';

import { vendorText } from '../runtime/problems';
import type { TaskModel } from '../transport/types';

/** What a user can have of a task: see `simplify`, `raw` and `imageItems`. */
export type OutputKind = 'simplified' | 'raw' | 'images';

/** One image of a task. `workId` is what Upscale asks for as Image. */
export interface TaskImage extends IDataObject {
	workId?: string;
	url: string;
	width?: number;
	height?: number;
	coverUrl?: string;
}

/** What a task model says, with everything that may be missing or of a wrong type sorted out. */
export interface TaskState {
	taskId?: string;
	type?: string;
	/** `submitted`, `processing`, `succeed`, `failed`, or whatever the API said; `unknown` when it said nothing. */
	status: string;
	/** The task will not change any more. */
	finished: boolean;
	/** Finished, and not with a result. */
	failed: boolean;
	/** The vendor's words about the task: why it failed, or a remark. */
	message?: string;
	images: TaskImage[];
	/** ISO 8601. */
	createdAt?: string;
	updatedAt?: string;
}

/** Whatever it is, its fields can be asked for. */
export const record = (value: unknown): Record<string, unknown> =>
	typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

export const text = (value: unknown): string | undefined =>
	typeof value === 'string' && value.trim() !== '' ? value : undefined;

const size = (value: unknown): number | undefined =>
	typeof value === 'number' && value > 0 ? value : undefined;

/** Objects of JSON can make `Number` throw: `{"toString": 1}`. */
export const numberOf = (value: unknown): number =>
	typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN;

/** Ids are numbers in answers (strings past 2^53, see `parseJson`) and always strings in ours. */
export const idText = (value: unknown): string | undefined =>
	typeof value === 'number' ? String(value) : text(value);

/** assumes: times */
function isoTime(epochMs: unknown): string | undefined {
	const date = new Date(typeof epochMs === 'number' && epochMs > 0 ? epochMs : NaN);
	return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

export const worksOf = (model: TaskModel): Array<Record<string, unknown>> =>
	Array.isArray(model.works) ? model.works.map(record) : [];

/**
 * The work that stands for its task where nothing else does: one that is still running, then one that came to something.
 */
function leadingWork(model: TaskModel): Record<string, unknown> {
	const works = worksOf(model);
	const running = works.find(({ status_final }) => status_final === false);
	return running ?? works.find(({ status_name }) => status_name === 'succeed') ?? record(works[0]);
}

/**
 * The images of a task: works whose file is one (`contentType` "image"; when it is missing, a file that is not told to
 * be anything else), in the API's order. One that is not finished has no link. assumes: image-work, while-processing
 */
export function imagesOf(model: TaskModel): TaskImage[] {
	return worksOf(model).flatMap((work) => {
		const file = record(work.resource);
		const url = text(file.resource);
		if (!url || (text(work.contentType) ?? 'image') !== 'image') return [];
		return [
			{
				workId: idText(work.workId),
				url,
				width: size(file.width),
				height: size(file.height),
				coverUrl: text(record(work.cover).resource),
			},
		];
	});
}

/**
 * Decides by `status_final` and `status_name`, never by the number (kling-api.md, "GET /v1/kling/tasks"); they stand at
 * the top, in `task` and in every work. In a list there may be nothing but works.
 * assumes: three-levels, status-names
 */
export function readTask(model: TaskModel): TaskState {
	const task = record(model.task);
	const work = leadingWork(model);
	const told = [record(model), task].filter(
		({ status_name, status_final }) => text(status_name) ?? typeof status_final === 'boolean',
	);
	const levels = told.length > 0 ? told : [work];
	const status = levels.map((level) => text(level.status_name)).find(Boolean) ?? 'unknown';
	const final = levels
		.map((level) => level.status_final)
		.find((value) => typeof value === 'boolean');
	const finished = typeof final === 'boolean' ? final : ['succeed', 'failed'].includes(status);
	const images = imagesOf(model);
	return {
		taskId: idText(task.id) ?? idText(work.taskId),
		type: text(task.type) ?? text(record(task.taskInfo).type) ?? text(work.type),
		status,
		finished,
		// A final status with a name that is not documented counts as success only if there is something to show for it.
		failed: finished && status !== 'succeed' && (status === 'failed' || images.length === 0),
		message: vendorText(model) ?? vendorText(task),
		images,
		createdAt: isoTime(task.createTime) ?? isoTime(work.createTime),
		updatedAt: isoTime(task.updateTime),
	};
}

/** The "Simplified" output (docs/fields.md). Fields that the API did not fill are left out. */
export function simplify(model: TaskModel, known: { taskId: string } & IDataObject): IDataObject {
	const { taskId, status, finished, type, images, message, createdAt, updatedAt } = readTask(model);
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
	});
}

/**
 * The "Raw" output: the API's model as it came, but for one name. n8n takes an item with a field `error` for a failed
 * one, so the vendor's `error` is called `vendorError`.
 */
export function raw(model: TaskModel): IDataObject {
	const { error, ...rest } = model;
	return error === undefined ? rest : { ...rest, vendorError: error };
}

/** The "Images" output: one object per image, with the names that Upscale's fields have. */
export function imageItems(
	model: TaskModel,
	known: { taskId: string } & IDataObject,
): IDataObject[] {
	const { taskId, type, images, createdAt } = readTask(model);
	return images.map(({ workId, url, width, height, coverUrl }) =>
		withoutEmpty({
			taskId: taskId ?? known.taskId,
			workId,
			url,
			width,
			height,
			coverUrl,
			type,
			createdAt,
			account: known.account,
		}),
	);
}

/** What a task is in the chosen output: one object, or with `images` one per image, which can be none. */
export function outputOf(
	model: TaskModel,
	known: { taskId: string } & IDataObject,
	output: OutputKind,
): IDataObject[] {
	if (output === 'images') return imageItems(model, known);
	return [output === 'raw' ? raw(model) : simplify(model, known)];
}

function withoutEmpty(data: IDataObject): IDataObject {
	return Object.fromEntries(
		Object.entries(data).filter(([, value]) => value !== undefined && value !== ''),
	);
}

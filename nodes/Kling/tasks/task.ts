import type { IDataObject } from 'n8n-workflow';

import { vendorText } from '../runtime/problems';
import { idText, isoTime, numberOf, record, records, text } from '../transport/json';
import type { TaskModel } from '../transport/types';

/** Which task of which item: what the node itself knows, whatever the API's answer holds. */
export interface TaskRef {
	taskId: string;
	itemIndex: number;
	account?: string;
	replyRef?: string;
	/** The job was not sent by this execution, see Reuse Earlier Result. */
	reused?: boolean;
}

/** One image of a task. `workId` is what Upscale asks for as Image. */
export interface TaskImage extends IDataObject {
	workId?: string;
	url: string;
	width?: number;
	height?: number;
	coverUrl?: string;
}

/** What an answer says about a task, with everything that may be missing or of a wrong type sorted out. */
export interface Task {
	taskId?: string;
	type?: string;
	/** `submitted`, `processing`, `succeed`, `failed`, or whatever the API said; `unknown` when it said nothing. */
	status: string;
	/** The task will not change any more. */
	finished: boolean;
	/** Finished, and not with a result. */
	failed: boolean;
	/** A success that names no file of any kind: it may still fill, see `TaskLooks`. */
	isEmpty: boolean;
	/** The vendor's words about the task: why it failed, or a remark. */
	message?: string;
	images: TaskImage[];
	/** ISO 8601. */
	createdAt?: string;
	updatedAt?: string;
	/** When Kling expects it to end, in epoch ms (kling-api.md, "GET /v1/kling/tasks"). assumes: eta-time */
	etaMs?: number;
	/** What the account has left, in Kling credits, where the API tells it. */
	creditsLeft?: number;
	/** All times at which the task and its works were made, in epoch ms. In the vendor's example they are some ms apart. */
	createTimesMs: number[];
	/** The API's model as it came. */
	raw: TaskModel;
}

/** The type of an upscale's task (kling-api.md, "GET /v1/kling/tasks"). */
export const UPSCALE_TYPE = 'mmu_image_upscale_aiweb';

/** The last moment that JavaScript has a date for. */
const MAX_TIME_MS = 8.64e15;

const positive = (value: unknown): number | undefined =>
	typeof value === 'number' && value > 0 ? value : undefined;

/**
 * Reads an answer, or an entry of a list, which may have nothing but works. Never throws, whatever it holds.
 *
 * It goes by `status_final` and `status_name`, never by the number (kling-api.md, "GET /v1/kling/tasks"); they stand at
 * the top, in `task` and in every work. assumes: three-levels, status-names
 */
export function parseTask(model: TaskModel): Task {
	const task = record(model.task);
	const works = records(model.works);
	const work = leadingWork(works);
	const told = [record(model), task].filter(
		({ status_name, status_final }) => text(status_name) ?? typeof status_final === 'boolean',
	);
	const levels = told.length > 0 ? told : [work];
	const status = levels.map((level) => text(level.status_name)).find(Boolean) ?? 'unknown';
	const final = levels
		.map((level) => level.status_final)
		.find((value) => typeof value === 'boolean');
	const finished = typeof final === 'boolean' ? final : ['succeed', 'failed'].includes(status);
	const images = imagesOf(works);
	// A final status with a name that is not documented counts as success only if there is something to show for it.
	const failed = finished && status !== 'succeed' && (status === 'failed' || images.length === 0);
	return {
		taskId: idText(task.id) ?? idText(work.taskId),
		type: text(task.type) ?? text(record(task.taskInfo).type) ?? text(work.type),
		status,
		finished,
		failed,
		isEmpty: finished && !failed && !works.some(hasFile),
		message: vendorText(model) ?? vendorText(task),
		images,
		// assumes: times
		createdAt: isoTime(positive(task.createTime)) ?? isoTime(positive(work.createTime)),
		updatedAt: isoTime(positive(task.updateTime)),
		etaMs: numberOf(model.etaTime),
		creditsLeft: creditsLeft(model),
		createTimesMs: [task, ...works]
			.map(({ createTime }) => numberOf(createTime))
			.filter((timeMs) => timeMs > 0 && timeMs <= MAX_TIME_MS),
		raw: model,
	};
}

/** "Points are hundredths of a credit" (kling-api.md, "Credits"). assumes: points-are-hundredths, balance */
export function creditsOf(points: unknown): number | undefined {
	const credits = numberOf(points) / 100;
	return Number.isFinite(credits) ? credits : undefined;
}

/** An empty list of points means that nothing is told (kling-api.md, "Credits"). assumes: user-points */
function creditsLeft({ userPoints }: TaskModel): number | undefined {
	const { points, total } = record(userPoints);
	return Array.isArray(points) && points.length > 0 ? creditsOf(total) : undefined;
}

const hasFile = ({ resource }: Record<string, unknown>): boolean =>
	text(record(resource).resource) !== undefined;

/**
 * The work that stands for its task where nothing else does: one that is still running, then one that came to something.
 */
function leadingWork(works: Array<Record<string, unknown>>): Record<string, unknown> {
	const running = works.find(({ status_final }) => status_final === false);
	return running ?? works.find(({ status_name }) => status_name === 'succeed') ?? record(works[0]);
}

/**
 * The images of a task: works whose file is one (`contentType` "image"; when it is missing, a file that is not told to
 * be anything else), in the API's order. One that is not finished has no link. assumes: image-work, while-processing
 */
function imagesOf(works: Array<Record<string, unknown>>): TaskImage[] {
	return works.flatMap((work) => {
		const file = record(work.resource);
		const url = text(file.resource);
		if (!url || (text(work.contentType) ?? 'image') !== 'image') return [];
		return [
			{
				workId: idText(work.workId),
				url,
				width: positive(file.width),
				height: positive(file.height),
				coverUrl: text(record(work.cover).resource),
			},
		];
	});
}

/** Whether an answer says at least something that a task would. */
export const isTask = ({ status, taskId, images }: Task): boolean =>
	status !== 'unknown' || taskId !== undefined || images.length > 0;

/**
 * When a task was made, in epoch ms, or NaN. By which of its times the API pages is not documented: with the latest, a page
 * begins too early rather than too late, so nothing is left out.
 */
export const createdMs = ({ createTimesMs }: Task): number =>
	createTimesMs.length > 0 ? Math.max(...createTimesMs) : NaN;

/** How long the task took by its own times, in ms; they may be missing. */
export function durationMs({ raw }: Task): number | undefined {
	const { createTime, updateTime } = record(raw.task);
	const ms = numberOf(updateTime) - numberOf(createTime);
	return ms > 0 ? ms : undefined;
}

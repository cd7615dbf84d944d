import type { INode } from 'n8n-workflow';

import type { KlingApi } from '../transport/client';
import { unwrap, klingError, type Problem } from '../runtime/problems';
import type { TaskModel } from '../transport/types';
import type { Kit } from '../runtime/context';
import { retryTransient } from '../runtime/retry';
import { idText, readTask, record, text, worksOf } from './task';

/** Right after creation a task can be unknown for a moment. assumes: early-404 */
export const EARLY_404_MS = 15_000;

/** Past that time a 404 must come so many times in a row before the task counts as gone. */
export const LOOKS_AT_MISSING = 3;

/** "`succeed` with an empty `works` happens" (kling-api.md, marked V); so long it may still fill. assumes: succeed-without-works */
export const EMPTY_SUCCESS_MS = 10_000;

/** A success that names no file of any kind. */
export function isEmptySuccess(model: TaskModel): boolean {
	const { finished, failed } = readTask(model);
	const hasFile = worksOf(model).some(({ resource }) => text(record(resource).resource));
	return finished && !failed && !hasFile;
}

export const NOT_A_TASK: Problem = {
	message: 'The answer of useapi.net is not a task',
	description:
		"It has neither a task ID nor a status. Try again in a moment. If this happens again, check the 'Base URL' of the credential.",
};

/**
 * The task as it is now, whatever its state.
 *
 * @throws KlingError when the API gives no task
 */
export async function lookAtTask(
	node: INode,
	{ api, cancellation }: Kit,
	taskId: string,
	account: string | undefined,
	itemIndex: number,
): Promise<TaskModel> {
	const result = await retryTransient(cancellation, () => api.getTask(taskId, account));
	const fail = (trouble: Problem) =>
		klingError(node, { ...trouble, details: { taskId } }, itemIndex);
	const got = unwrap(result);
	if (got.trouble) throw fail(got.trouble);
	const model = got.body as TaskModel;
	if (!isTask(model)) throw fail(NOT_A_TASK);
	return model;
}

/** Whether an answer says at least something that a task would. */
export function isTask(model: TaskModel): boolean {
	const { status, taskId, images } = readTask(model);
	return status !== 'unknown' || taskId !== undefined || images.length > 0;
}

/**
 * The ids of the jobs that run now, over all accounts, in one call; `undefined` when the API gives no list. It is a hint
 * and no more: nothing is documented about how fresh it is.
 */
export async function runningJobs(api: KlingApi): Promise<Set<string> | undefined> {
	const { body } = unwrap(await api.getRunningJobs()) as { body?: unknown };
	if (!Array.isArray(body)) return undefined;
	return new Set(body.flatMap((job) => idText(record(job).id) ?? []));
}

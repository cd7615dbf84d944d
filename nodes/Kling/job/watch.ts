import type { INode } from 'n8n-workflow';

import type { KlingApi } from '../transport/client';
import { bodyOrTrouble, klingError, mayPass, type Trouble } from '../transport/errors';
import type { TaskModel } from '../transport/types';
import type { Halt } from './halt';
import { readTask } from './result';

/** Pauses between two looks when no interval is set: a fifth of the time already waited, within these bounds. */
const PAUSE_SHARE = 0.2;
const MIN_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 15_000;
/** Right after creation a task can be unknown for a moment (kling-api.md, marked T); how long is our assumption. */
const EARLY_404_MS = 15_000;

export interface Watch {
	taskId: string;
	account?: string;
	itemIndex: number;
	/** Time limit in ms, from the first call of `watchTask`. */
	timeoutMs: number;
	/** Fixed pause in ms; without it the pause grows with the time waited. */
	pollIntervalMs?: number;
	/** A task that was only just made is not done yet: pause before the first look. */
	justSubmitted: boolean;
}

/**
 * Looks at a task until it is finished.
 *
 * Everything that may pass is waited out within the time limit: 429, 5xx, lost connections, broken answers, an early
 * 404. What cannot get better (400, 401, 402, a lasting 404) ends the watch at once.
 *
 * @returns the finished task's model, failed or not
 * @throws KlingError when the time limit is over, or the API says something that waiting does not mend
 */
export async function watchTask(
	node: INode,
	api: KlingApi,
	halt: Halt,
	watch: Watch,
): Promise<TaskModel> {
	const { taskId, account, itemIndex, timeoutMs, pollIntervalMs } = watch;
	const startMs = Date.now();
	const deadlineMs = startMs + timeoutMs;
	const pauseMs = () =>
		pollIntervalMs ??
		Math.min(Math.max((Date.now() - startMs) * PAUSE_SHARE, MIN_PAUSE_MS), MAX_PAUSE_MS);
	const fail = (trouble: Trouble) =>
		klingError(node, { ...trouble, details: { taskId, ...trouble.details } }, itemIndex);

	let status = 'unknown';
	let lastTrouble: Trouble | undefined;
	let seen = false;
	let nextLookMs = startMs + (watch.justSubmitted ? pauseMs() : 0);

	for (;;) {
		await halt.pause(Math.min(nextLookMs, deadlineMs));
		const result = await api.getTask(taskId, account);
		halt.check();

		nextLookMs = Date.now() + pauseMs();
		const got = bodyOrTrouble(result);
		lastTrouble = got.trouble;
		if (!got.trouble) {
			const model = got.body as TaskModel;
			const state = readTask(model);
			if (state.finished) return model;
			({ status } = state);
			seen = true;
		} else if (result.outcome === 'answered') {
			const isEarly404 = result.status === 404 && !seen && Date.now() - startMs < EARLY_404_MS;
			if (!mayPass(result) && !isEarly404) throw fail(got.trouble);
			nextLookMs = Math.max(nextLookMs, Date.now() + (result.retryAfterMs ?? 0));
		}
		if (Date.now() >= deadlineMs) throw fail(timedOut(taskId, status, timeoutMs, lastTrouble));
	}
}

/**
 * Looks at a task once, whatever its state.
 *
 * @throws KlingError when the API gives no task
 */
export async function lookAtTask(
	node: INode,
	api: KlingApi,
	taskId: string,
	account: string | undefined,
	itemIndex: number,
): Promise<TaskModel> {
	const result = await api.getTask(taskId, account);
	const fail = (trouble: Trouble) =>
		klingError(node, { ...trouble, details: { taskId } }, itemIndex);
	const got = bodyOrTrouble(result);
	if (got.trouble) throw fail(got.trouble);
	const model = got.body as TaskModel;
	const { status, taskId: shownId, images } = readTask(model);
	if (status === 'unknown' && !shownId && images.length === 0) throw fail(NOT_A_TASK);
	return model;
}

const NOT_A_TASK: Trouble = {
	message: 'The answer of useapi.net is not a task',
	description:
		'It says neither which task it is nor how it is doing. Try again in a moment; if it stays, check the Base URL of the credential.',
};

function timedOut(taskId: string, status: string, timeoutMs: number, last?: Trouble): Trouble {
	const trouble = last ? ` The last answer was: ${last.message}.` : '';
	return {
		message: `Task ${taskId} did not finish within ${timeoutMs / 1000} seconds (last status: ${status})`,
		description: `It may still finish: fetch it later with Task → Get and this task ID, or raise Time Limit under Options.${trouble}`,
		details: { status },
	};
}

import { sleep } from 'n8n-workflow';

import { isEmptySuccess } from '../tasks/fetchTask';
import { readTask } from '../tasks/task';
import type { KlingApi } from '../transport/client';
import { unwrap, type Problem } from '../runtime/problems';
import type { ApiResult, TaskModel } from '../transport/types';

/** Before the second look, the third and so on: a minute in all, since nobody is known to repeat a lost callback. */
const PAUSES_MS = [2_000, 4_000, 8_000, 16_000, 30_000];
/** A Retry-After beyond this is not waited for. */
const MAX_RETRY_AFTER_MS = 60_000;
/**
 * n8n keeps some 12 MB for every call that is not done (n8n 2.41, an expression engine for each). Calls about one task
 * wait together, and useapi.net runs at most 50 jobs an account, so more than this are not of this n8n's jobs.
 */
const MAX_WAITING = 150;
/**
 * Of a task that the API does not know: one that was only just made may be unknown for a moment (kling-api.md, marked T),
 * but most such calls are made up, and must take neither memory nor the turn of a true one.
 */
const LOOKS_AT_UNKNOWN = 2;
const MAX_WAITING_FOR_UNKNOWN = 5;
/** So many looks at a success that names no file: some 14 seconds. */
const LOOKS_AT_EMPTY = 4;

/** What calls of all triggers of this n8n process wait for before their next look. */
const waiting = new Set<string>();

export interface Wanted {
	/** Of several callers with the same key one waits; it does so for all of them. */
	key: string;
	taskId: string;
	account?: string;
	/** The caller says that the task is finished. */
	saysFinished: boolean;
}

/** A task as the API tells it, or why it cannot be had. */
export type Look =
	| { model: TaskModel; trouble?: undefined }
	| { model?: undefined; trouble: Problem };

/**
 * Reads a task, again while that may bring more: after a 429, a 5xx, a lost connection or a broken answer; once more
 * after a 404; and while the API says that a task still runs which the caller says is finished, since it may tell later
 * than it calls. assumes: callback-lag
 */
export async function lookPatiently(api: KlingApi, wanted: Wanted): Promise<Look> {
	for (let looks = 1; ; looks++) {
		const result = await api.getTask(wanted.taskId, wanted.account);
		const look = understand(result, wanted.taskId);
		const pauseMs = PAUSES_MS[looks - 1];
		if (pauseMs === undefined || !mayBringMore(result, look, wanted, looks)) return look;
		waiting.add(wanted.key);
		await sleep(Math.max(pauseMs, Math.min(retryAfterMs(result), MAX_RETRY_AFTER_MS)));
		waiting.delete(wanted.key);
	}
}

function understand(result: ApiResult, wantedId: string): Look {
	const got = unwrap(result);
	if (got.trouble) return { trouble: got.trouble };
	const model = got.body as TaskModel;
	const { taskId = wantedId, status, finished } = readTask(model);
	const isThatTask = taskId === wantedId && (finished || status !== 'unknown');
	return isThatTask ? { model } : { trouble: NOT_THE_TASK };
}

const NOT_THE_TASK: Problem = {
	message: 'The answer of useapi.net is not about this task',
	description: "If this happens again, check the 'Base URL' of the credential.",
};

function mayBringMore(
	result: ApiResult,
	look: Look,
	{ key, saysFinished }: Wanted,
	looks: number,
): boolean {
	if (waiting.has(key) || waiting.size >= MAX_WAITING) return false;
	if (!look.trouble) {
		const { finished } = readTask(look.model);
		// A success without any file may still fill.
		if (isEmptySuccess(look.model)) return looks < LOOKS_AT_EMPTY;
		return saysFinished && !finished;
	}
	if (result.outcome !== 'answered') return true;
	const { status } = result;
	if (status === 404) return looks < LOOKS_AT_UNKNOWN && waiting.size < MAX_WAITING_FOR_UNKNOWN;
	return status === 429 || status >= 500 || look.trouble === NOT_THE_TASK;
}

const retryAfterMs = (result: ApiResult): number =>
	(result.outcome === 'answered' && result.retryAfterMs) || 0;

import { sleep } from 'n8n-workflow';

import type { Problem } from '../runtime/problems';
import {
	fetchTaskOnce,
	LAG_PAUSES_MS,
	TaskLooks,
	type Look,
	type Verdict,
} from '../tasks/fetchTask';
import type { Task } from '../tasks/task';
import type { KlingApi } from '../transport/client';

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
const GRACE = { missingMs: 0, missingLooks: 2, emptyMs: 10_000 };
const MAX_WAITING_FOR_UNKNOWN = 5;

/** What calls of all triggers of this n8n process wait for before their next look. */
const waiting = new Set<string>();

/** What a caller says. */
export interface Notice {
	/** Of several callers with the same key one waits; it does so for all of them. */
	key: string;
	taskId: string;
	account?: string;
	/** The caller says that the task is finished. */
	saysFinished: boolean;
}

/** A task as the API tells it, or why it cannot be had. */
export type Confirmation =
	| { task: Task; problem?: undefined }
	| { task?: undefined; problem: Problem };

/**
 * Reads a task, again while that may bring more: after a 429, a 5xx, a lost connection or a broken answer; once more
 * after a 404; and while the API says that a task still runs which the caller says is finished, since it may tell later
 * than it calls. assumes: callback-lag
 */
export async function confirm(api: KlingApi, notice: Notice): Promise<Confirmation> {
	const looks = new TaskLooks(Date.now(), GRACE);
	for (let attempt = 0; ; attempt++) {
		const look = ofThatTask(await fetchTaskOnce(api, notice), notice.taskId);
		const verdict = looks.classify(look);
		const pauseMs = LAG_PAUSES_MS[attempt];
		if (pauseMs === undefined || !mayBringMore(look, verdict, notice)) return look;
		waiting.add(notice.key);
		const retryAfterMs = look.task ? 0 : Math.min(look.retryAfterMs, MAX_RETRY_AFTER_MS);
		await sleep(Math.max(pauseMs, retryAfterMs));
		waiting.delete(notice.key);
	}
}

/** A call can be made up, so its task must be the one that the API shows, and say how it is doing. */
function ofThatTask(look: Look, wantedId: string): Look {
	if (!look.task) return look;
	const { taskId = wantedId, finished, status } = look.task;
	const isThatTask = taskId === wantedId && (finished || status !== 'unknown');
	return isThatTask ? look : { problem: NOT_THE_TASK, is: 'transient', retryAfterMs: 0 };
}

const NOT_THE_TASK: Problem = {
	message: 'The answer of useapi.net is not about this task',
	description: "If this happens again, check the 'Base URL' of the credential.",
};

function mayBringMore(look: Look, verdict: Verdict, { key, saysFinished }: Notice): boolean {
	if (waiting.has(key) || waiting.size >= MAX_WAITING) return false;
	if (verdict === 'found') return saysFinished && !look.task!.finished;
	const isUnknown = !look.task && look.is === 'missing';
	return verdict !== 'final' && !(isUnknown && waiting.size >= MAX_WAITING_FOR_UNKNOWN);
}

import { isTransient, klingError, unwrap, type Problem } from '../runtime/problems';
import type { Context } from '../runtime/context';
import { retryTransient } from '../runtime/retry';
import type { KlingApi } from '../transport/client';
import { idText, record } from '../transport/json';
import type { ApiResult, TaskModel } from '../transport/types';
import { isTask, parseTask, type Task, type TaskRef } from './task';

/** What one call of GET /tasks/{id} brought, read once. */
export type Look =
	| { task: Task; problem?: undefined }
	| {
			task?: undefined;
			problem: Problem;
			/** `missing`: the API does not know the task (404). `transient`: another answer may come later. */
			is: 'missing' | 'transient' | 'final';
			retryAfterMs: number;
	  };

/** How long a task that was just made may be unknown, and a success without its files. */
export interface Grace {
	/** From when on the task is known to us. assumes: early-404 */
	missingMs: number;
	/** Past that time a 404 must come so many times in a row. */
	missingLooks: number;
	/** "`succeed` with an empty `works` happens" (kling-api.md, marked V). assumes: succeed-without-works */
	emptyMs: number;
}

export const GRACE: Grace = { missingMs: 15_000, missingLooks: 3, emptyMs: 10_000 };

/**
 * Before each further look where a caller says that a task is finished and GET does not say so yet: a minute in all, since
 * nobody is known to repeat a lost callback. assumes: callback-lag
 */
export const LAG_PAUSES_MS = [2_000, 4_000, 8_000, 16_000, 30_000];

/**
 * - `found`: the task, running or finished.
 * - `tooNew`: it is not there yet, or its files are not.
 * - `transient`: the answer tells nothing, the next one may.
 * - `final`: waiting does not mend it.
 */
export type Verdict = 'found' | 'tooNew' | 'transient' | 'final';

/** Tells what the looks at one task mean, each in the light of those before. */
export class TaskLooks {
	/** The API has shown the task. */
	wasSeen = false;
	private missed = 0;
	/** Epoch ms. */
	private emptySinceMs?: number;

	/** @param sinceMs since when the task is known to us, epoch ms */
	constructor(
		private readonly sinceMs: number,
		private readonly grace = GRACE,
	) {}

	classify(look: Look): Verdict {
		const nowMs = Date.now();
		const { missingMs, missingLooks, emptyMs } = this.grace;
		if (look.task) {
			this.wasSeen = true;
			this.missed = 0;
			if (!look.task.isEmpty) return 'found';
			this.emptySinceMs ??= nowMs;
			return nowMs < this.emptySinceMs + emptyMs ? 'tooNew' : 'found';
		}
		this.missed = look.is === 'missing' ? this.missed + 1 : 0;
		if (look.is !== 'missing') return look.is;
		// One that was there is gone for good. assumes: unknown-task
		const mayAppear = nowMs - this.sinceMs < missingMs || this.missed < missingLooks;
		return !this.wasSeen && mayAppear ? 'tooNew' : 'final';
	}
}

export const NOT_A_TASK: Problem = {
	message: 'The answer of useapi.net is not a task',
	description:
		"It has neither a task ID nor a status. Try again in a moment. If this happens again, check the 'Base URL' of the credential.",
};

/** One look at a task. */
export async function fetchTaskOnce(
	api: KlingApi,
	{ taskId, account }: Pick<TaskRef, 'taskId' | 'account'>,
): Promise<Look> {
	return readAnswer(await api.getTask(taskId, account));
}

/** A look that asks a few times more where the answer may pass. @throws the reason to stop */
export async function fetchTask(
	{ api, cancellation }: Pick<Context, 'api' | 'cancellation'>,
	{ taskId, account }: Pick<TaskRef, 'taskId' | 'account'>,
): Promise<Look> {
	return readAnswer(
		await retryTransient(cancellation, async () => await api.getTask(taskId, account)),
	);
}

function readAnswer(result: ApiResult): Look {
	const got = unwrap(result);
	const retryAfterMs = (result.outcome === 'answered' && result.retryAfterMs) || 0;
	if (got.problem) {
		const kind = isTransient(result) ? 'transient' : 'final';
		const isMissing = got.problem.httpCode === '404';
		return { problem: got.problem, is: isMissing ? 'missing' : kind, retryAfterMs };
	}
	const task = parseTask(got.body as TaskModel);
	return isTask(task) ? { task } : { problem: NOT_A_TASK, is: 'transient', retryAfterMs };
}

/**
 * The task as it is now, whatever its state.
 *
 * @throws KlingError when the API gives no task
 */
export async function getTask(context: Context, ref: TaskRef): Promise<Task> {
	const { taskId, itemIndex } = ref;
	const { task, problem } = await fetchTask(context, ref);
	if (problem) throw klingError(context.node, { ...problem, details: { taskId } }, itemIndex);
	return task;
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

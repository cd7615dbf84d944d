import type { INode } from 'n8n-workflow';

import type { KlingApi } from '../../transport/client';
import { unwrap, klingError, isTransient, type Problem } from '../../runtime/problems';
import type { ApiResult, TaskModel } from '../../transport/types';
import type { Cancellation } from '../../runtime/cancellation';
import {
	EARLY_404_MS,
	EMPTY_SUCCESS_MS,
	isEmptySuccess,
	LOOKS_AT_MISSING,
	runningJobs,
} from '../../tasks/fetchTask';
import { numberOf, readTask, record } from '../../tasks/task';
import { DurationEstimate } from './durations';

/** Pauses between two looks when no interval is set: a fifth of the time already waited in vain, within these bounds. */
const BACKOFF_FACTOR = 0.2;
const MIN_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 15_000;
/** Where it is known how long a task takes, the shortest pause is this part of it. */
const MIN_PAUSE_OF_TASK_TIME = 0.05;
const MIN_KNOWN_PAUSE_MS = 500;
/** For this many tasks one list of running jobs is cheaper than a look at each. */
const LIST_FROM = 3;
/** So long a list is believed that a task still runs, where nothing is known about how long tasks take. */
const LIST_TRUST_MS = 20_000;
/** The watch looks up this often, so that a task that has just been sent is not overlooked. */
const STEP_MS = 250;

export interface Watch {
	taskId: string;
	account?: string;
	itemIndex: number;
	/** Time limit in ms, from the first call of `waitFor`. */
	timeoutMs: number;
	/** Fixed pause in ms; without it the pause grows with the time waited. */
	pollIntervalMs?: number;
	/** A task that was only just made is not done yet: pause before the first look. */
	justSubmitted: boolean;
}

/** A task under watch. Times are epoch ms. */
interface Watched extends Watch {
	startMs: number;
	deadlineMs: number;
	nextLookMs: number;
	/** When the task itself was last read; the list of running jobs is believed for a while only. */
	lastReadMs: number;
	isBeingRead: boolean;
	/** The API has shown the task itself, so a 404 is no early one. */
	seen: boolean;
	/** The list of running jobs has named it: once it does not, the task is worth a look. */
	wasListed: boolean;
	/** Looks that the API answered with 404, one after another. */
	missedLooks: number;
	/** When it was first told as a success without a file, epoch ms. */
	emptySinceMs?: number;
	status: string;
	lastTrouble?: Problem;
	resolve(model: TaskModel): void;
	reject(error: unknown): void;
	timeOut(): void;
}

/**
 * Looks at the tasks of a batch until they are finished, with few calls: where several are due at once it asks for the
 * list of running jobs and reads only those that are not on it. The list is never the last word: a task counts as
 * finished by its own answer, and one that stays on the list is read itself after a while, in case the list is wrong.
 */
export class TaskPoller {
	private readonly watched = new Set<Watched>();
	private readonly times = new DurationEstimate();
	private isRunning = false;

	constructor(
		private readonly node: INode,
		private readonly api: KlingApi,
		private readonly cancellation: Cancellation,
	) {}

	/**
	 * Everything that may pass is waited out within the time limit: 429, 5xx, lost connections, broken answers, an early
	 * 404. What cannot get better (400, 401, 402, a lasting 404) ends the watch at once.
	 *
	 * @returns the finished task's model, failed or not
	 * @throws KlingError when the time limit is over, or the API says something that waiting does not mend
	 */
	async waitFor(watch: Watch): Promise<TaskModel> {
		return (await this.start(watch, (task) => {
			task.reject(this.error(task, timedOut(task)));
		}))!;
	}

	/** As `waitFor`, but gives `undefined` when the time limit is over. */
	async waitUntil(watch: Watch): Promise<TaskModel | undefined> {
		return await this.start(watch, (_task, giveUp) => giveUp());
	}

	private async start(
		watch: Watch,
		onTimeOut: (task: Watched, giveUp: () => void) => void,
	): Promise<TaskModel | undefined> {
		const startMs = Date.now();
		let task!: Watched;
		const finished = new Promise<TaskModel | undefined>((resolve, reject) => {
			const end = (then: () => void) => {
				this.watched.delete(task);
				then();
			};
			task = {
				...watch,
				startMs,
				deadlineMs: startMs + watch.timeoutMs,
				nextLookMs: startMs,
				lastReadMs: startMs,
				isBeingRead: false,
				seen: false,
				wasListed: false,
				missedLooks: 0,
				status: 'unknown',
				resolve: (model) => end(() => resolve(model)),
				reject: (error) => end(() => reject(error)),
				timeOut: () => onTimeOut(task, () => end(() => resolve(undefined))),
			};
		});
		if (watch.justSubmitted) this.postpone(task);
		this.watched.add(task);
		if (!this.isRunning) void this.run();
		return await finished;
	}

	private async run(): Promise<void> {
		this.isRunning = true;
		try {
			while (this.watched.size > 0) {
				await this.tick();
				const untilMs = Math.min(...[...this.watched].map(dueMs), Date.now() + STEP_MS);
				await this.cancellation.sleepUntil(untilMs);
			}
		} catch (error) {
			this.watched.forEach((task) => task.reject(error));
		} finally {
			this.isRunning = false;
		}
	}

	private async tick(): Promise<void> {
		const nowMs = Date.now();
		const dueBy = (ms: number) => [...this.watched].filter((task) => dueMs(task) <= ms);
		const due = dueBy(nowMs);
		if (due.length === 0) return;
		// Those that are due in a moment come along: one list serves all.
		const alike = dueBy(nowMs + this.minPauseMs);
		if (alike.length < LIST_FROM) {
			due.forEach((task) => void this.read(task));
			return;
		}
		const listed = await runningJobs(this.api);
		this.cancellation.throwIfAborted();
		for (const task of this.watched) {
			const isDue = alike.includes(task);
			const hasLeft = listed && (task.seen || task.wasListed);
			if (task.isBeingRead || !(isDue || hasLeft)) continue;
			const isListed = listed?.has(task.taskId) ?? false;
			if (isListed) task.wasListed = true;
			if (isListed && this.trustsList(task)) this.postpone(task);
			else void this.read(task);
		}
	}

	/** Only until the task's own time limit, and not for longer than one slow round or one task's time. */
	private trustsList(task: Watched): boolean {
		const nowMs = Date.now();
		const slowRoundMs = Math.max(LIST_TRUST_MS, this.times.expectedMs * (1 + BACKOFF_FACTOR));
		return nowMs < task.deadlineMs && nowMs - task.lastReadMs < slowRoundMs;
	}

	/** One look serves all items that wait for the same task. */
	private async read({ taskId, account }: Watched): Promise<void> {
		const tasks = [...this.watched].filter(
			(task) => task.taskId === taskId && task.account === account && !task.isBeingRead,
		);
		if (tasks.length === 0) return;
		tasks.forEach((task) => (task.isBeingRead = true));
		try {
			const result = await this.api.getTask(taskId, account);
			this.cancellation.throwIfAborted();
			for (const task of tasks) {
				task.lastReadMs = Date.now();
				this.postpone(task);
				this.handleResponse(task, result);
				if (this.watched.has(task) && Date.now() >= task.deadlineMs) task.timeOut();
			}
		} catch (error) {
			tasks.forEach((task) => task.reject(error));
		} finally {
			tasks.forEach((task) => (task.isBeingRead = false));
		}
	}

	private handleResponse(task: Watched, result: ApiResult): void {
		const got = unwrap(result);
		task.lastTrouble = got.trouble;
		if (!got.trouble) {
			const model = got.body as TaskModel;
			const { finished, failed, status } = readTask(model);
			task.seen = true;
			task.missedLooks = 0;
			task.status = status;
			if (!finished || this.mayStillFill(task, model)) return;
			// What fails often does so at once.
			if (task.justSubmitted && !failed)
				this.times.add(taskTimeMs(model) ?? Date.now() - task.startMs);
			task.resolve(model);
		} else if (result.outcome === 'answered') {
			const isMissing = result.status === 404;
			task.missedLooks = isMissing ? task.missedLooks + 1 : 0;
			if (!isTransient(result) && !(isMissing && this.mayStillAppear(task))) {
				task.reject(this.error(task, got.trouble));
			}
			task.nextLookMs = Math.max(task.nextLookMs, Date.now() + (result.retryAfterMs ?? 0));
		}
	}

	/** A 404 is the last word only about a task that was there, or that stays away past the grace for new ones. assumes: unknown-task, early-404 */
	private mayStillAppear({ seen, startMs, missedLooks }: Watched): boolean {
		return !seen && (Date.now() - startMs < EARLY_404_MS || missedLooks < LOOKS_AT_MISSING);
	}

	/** A success without any file is looked at again for some seconds. */
	private mayStillFill(task: Watched, model: TaskModel): boolean {
		if (!isEmptySuccess(model)) return false;
		const nowMs = Date.now();
		task.emptySinceMs ??= nowMs;
		const untilMs = Math.min(task.emptySinceMs + EMPTY_SUCCESS_MS, task.deadlineMs);
		task.nextLookMs = Math.min(task.nextLookMs, nowMs + MIN_PAUSE_MS);
		return nowMs < untilMs;
	}

	/** To when the task may be finished, or, past that, by a part of the time it is overdue. */
	private postpone(task: Watched): void {
		const nowMs = Date.now();
		const { expectedMs } = this.times;
		const expectedAtMs = task.startMs + (task.justSubmitted ? expectedMs : 0);
		const pauseMs = clamp((nowMs - expectedAtMs) * BACKOFF_FACTOR, this.minPauseMs, MAX_PAUSE_MS);
		task.nextLookMs =
			task.pollIntervalMs === undefined
				? Math.max(expectedAtMs, nowMs + pauseMs)
				: nowMs + task.pollIntervalMs;
	}

	private get minPauseMs(): number {
		const { expectedMs } = this.times;
		return expectedMs === 0
			? MIN_PAUSE_MS
			: clamp(expectedMs * MIN_PAUSE_OF_TASK_TIME, MIN_KNOWN_PAUSE_MS, MIN_PAUSE_MS);
	}

	private error(task: Watched, trouble: Problem) {
		const details = { taskId: task.taskId, ...trouble.details };
		return klingError(this.node, { ...trouble, details }, task.itemIndex);
	}
}

const clamp = (value: number, min: number, max: number) => Math.min(Math.max(value, min), max);

/** There is one last look at the time limit. */
const dueMs = ({ isBeingRead, nextLookMs, deadlineMs }: Watched) =>
	isBeingRead ? Infinity : Math.min(nextLookMs, deadlineMs);

/** By the task's own times, which tell it exactly; they may be missing. */
function taskTimeMs(model: TaskModel): number | undefined {
	const { createTime, updateTime } = record(model.task);
	const ms = numberOf(updateTime) - numberOf(createTime);
	return ms > 0 ? ms : undefined;
}

function timedOut({ taskId, status, timeoutMs, lastTrouble }: Watched): Problem {
	const trouble = lastTrouble ? ` The last error was: ${lastTrouble.message}.` : '';
	return {
		message: `Task ${taskId} did not finish within ${timeoutMs / 1000} seconds (last status: ${status})`,
		description: `It may still finish: get it later with Task → Get and this task ID, or raise 'Time Limit' under 'Options'.${trouble}`,
		forAgent: `It may still finish. Call this again with the same values to go on waiting: that costs nothing.${trouble}`,
		details: { status },
	};
}

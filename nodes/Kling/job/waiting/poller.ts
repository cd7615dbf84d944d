import type { Context } from '../../runtime/context';
import { klingError, type Problem } from '../../runtime/problems';
import { fetchTaskOnce, runningJobs, TaskLooks, type Look } from '../../tasks/fetchTask';
import { durationMs, type Task, type TaskRef } from '../../tasks/task';
import { DurationEstimate } from './durations';

/** Pauses between two looks when no interval is set: this part of the time already waited in vain, within these bounds. */
const BACKOFF_FACTOR = 0.22;
const MIN_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 15_000;
/** The first look at a task that was just sent, while nothing is known about how long tasks take: one of 3 s is seen soon. */
const FIRST_LOOK_MS = 3_400;
/** Of one or two such tasks the next looks come sooner, and the later ones make up for it. */
const FEW_BACKOFF_FACTOR = 0.25;
/** Where it is known how long a task takes, the shortest pause is this part of it. */
const MIN_PAUSE_OF_TASK_TIME = 0.06;
const MIN_KNOWN_PAUSE_MS = 500;
/** Kling's own estimate counts once two looks in a row told about the same. */
const SAME_ETA_MS = 500;
/** For this many tasks one list of running jobs is cheaper than a look at each. */
const LIST_FROM = 3;
/** So long a list is believed that a task still runs, where nothing is known about how long tasks take. */
const LIST_TRUST_MS = 20_000;
/** The watch looks up this often, so that a task that has just been sent is not overlooked. */
const STEP_MS = 250;

export interface Watch {
	ref: TaskRef;
	/** Time limit in ms, from the first call of `waitFor`. */
	timeoutMs: number;
	/** Fixed pause in ms; without it the pause grows with the time waited. */
	pollIntervalMs?: number;
	/** A task that was only just made is not done yet: pause before the first look. */
	justSubmitted: boolean;
	/** Whoever asks for the same later, in an execution that knows nothing of this one, pays for it again. */
	paysAgain?: boolean;
}

/** A task under watch. Times are epoch ms. */
interface Watched extends Watch {
	startMs: number;
	deadlineMs: number;
	nextLookMs: number;
	/** When the task itself was last read; the list of running jobs is believed for a while only. */
	lastReadMs: number;
	isBeingRead: boolean;
	looks: TaskLooks;
	/** The last look at it that saw it running; 0 if none did. */
	ranAtMs: number;
	/** The last list of running jobs that named it, 0 if none did: once one does not, the task is worth a look. */
	listedAtMs: number;
	/** Kling's estimate of its end, as the last look told it. */
	etaMs?: number;
	status: string;
	lastProblem?: Problem;
	/** At the time limit: with an error, or without a result. */
	failsAtLimit: boolean;
	resolve(finished?: Task): void;
	reject(error: unknown): void;
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

	constructor(private readonly context: Context) {}

	/**
	 * Everything that may pass is waited out within the time limit: 429, 5xx, lost connections, broken answers, an early
	 * 404. What cannot get better (400, 401, 402, a lasting 404) ends the watch at once.
	 *
	 * @returns the finished task, failed or not
	 * @throws KlingError when the time limit is over, or the API says something that waiting does not mend
	 */
	async waitFor(watch: Watch): Promise<Task> {
		return (await this.watch(watch, true))!;
	}

	/** As `waitFor`, but gives `undefined` when the time limit is over. */
	async waitUntil(watch: Watch): Promise<Task | undefined> {
		return await this.watch(watch, false);
	}

	private async watch(watch: Watch, failsAtLimit: boolean): Promise<Task | undefined> {
		const startMs = Date.now();
		return await new Promise((resolve, reject) => {
			const end = (then: () => void) => {
				this.watched.delete(task);
				then();
			};
			const task: Watched = {
				...watch,
				failsAtLimit,
				startMs,
				deadlineMs: startMs + watch.timeoutMs,
				nextLookMs: startMs,
				lastReadMs: startMs,
				isBeingRead: false,
				looks: new TaskLooks(startMs),
				ranAtMs: 0,
				listedAtMs: 0,
				status: 'unknown',
				resolve: (finished) => end(() => resolve(finished)),
				reject: (error) => end(() => reject(error as Error)),
			};
			if (watch.justSubmitted) this.postpone(task, this.times.firstLookMs());
			this.watched.add(task);
			if (!this.isRunning) void this.run();
		});
	}

	private async run(): Promise<void> {
		this.isRunning = true;
		try {
			while (this.watched.size > 0) {
				await this.tick();
				const nowMs = Date.now();
				// A task that is being read now may be due at its limit, before the next step.
				const limitsMs = [...this.watched].map(({ deadlineMs }) => deadlineMs);
				const wakeMs = [...this.watched].map(dueMs).concat(limitsMs.filter((ms) => ms > nowMs));
				await this.context.cancellation.sleepUntil(Math.min(nowMs + STEP_MS, ...wakeMs));
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
		const listed = await runningJobs(this.context.api);
		this.context.cancellation.throwIfAborted();
		for (const task of this.watched) {
			const isDue = alike.includes(task);
			const hasLeft = listed && (task.looks.wasSeen || task.listedAtMs > 0);
			if (task.isBeingRead || !(isDue || hasLeft)) continue;
			const isListed = listed?.has(task.ref.taskId) ?? false;
			if (isListed) task.listedAtMs = nowMs;
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
	private async read({ ref }: Watched): Promise<void> {
		const { taskId, account } = ref;
		const tasks = [...this.watched].filter(
			(task) => task.ref.taskId === taskId && task.ref.account === account && !task.isBeingRead,
		);
		if (tasks.length === 0) return;
		tasks.forEach((task) => (task.isBeingRead = true));
		try {
			const askedAtMs = Date.now();
			const look = await fetchTaskOnce(this.context.api, ref);
			this.context.cancellation.throwIfAborted();
			for (const task of tasks) {
				task.lastReadMs = Date.now();
				this.postpone(task);
				this.handleResponse(task, look, askedAtMs);
				if (!this.watched.has(task) || Date.now() < task.deadlineMs) continue;
				if (task.failsAtLimit) task.reject(this.error(task, timedOut(task)));
				else task.resolve();
			}
		} catch (error) {
			tasks.forEach((task) => task.reject(error));
		} finally {
			tasks.forEach((task) => (task.isBeingRead = false));
		}
	}

	private handleResponse(watched: Watched, look: Look, askedAtMs: number): void {
		const { task, problem } = look;
		const verdict = watched.looks.classify(look);
		watched.lastProblem = problem;
		if (problem) {
			if (verdict === 'final') watched.reject(this.error(watched, problem));
			watched.nextLookMs = Math.max(watched.nextLookMs, Date.now() + look.retryAfterMs);
			return;
		}
		watched.status = task.status;
		if (!task.finished) {
			watched.ranAtMs = askedAtMs;
			this.heedEstimate(watched, task);
			return;
		}
		const nowMs = Date.now();
		if (verdict === 'tooNew' && nowMs < watched.deadlineMs) {
			watched.nextLookMs = Math.min(watched.nextLookMs, nowMs + MIN_PAUSE_MS);
			return;
		}
		// What fails often does so at once.
		if (watched.justSubmitted && !task.failed) this.learn(watched, task, askedAtMs);
		watched.resolve(task);
	}

	private learn({ startMs, ranAtMs, listedAtMs }: Watched, task: Task, askedAtMs: number): void {
		this.times.add({
			ranMs: Math.max(0, ranAtMs - startMs),
			listedMs: Math.max(0, listedAtMs - startMs),
			seenMs: askedAtMs - startMs,
			toldMs: durationMs(task),
		});
	}

	/**
	 * While no task of this batch has ended, the next look waits for Kling's estimate, for at most as long as the task was
	 * waited for: a wrong one costs no more than that one pause. assumes: eta-time
	 */
	private heedEstimate(watched: Watched, { etaMs }: Task): void {
		const isSame = Math.abs(etaMs! - watched.etaMs!) <= SAME_ETA_MS;
		watched.etaMs = etaMs;
		if (!isSame || this.times.expectedMs > 0 || watched.pollIntervalMs !== undefined) return;
		const nowMs = Date.now();
		const longestMs = Math.min(nowMs - watched.startMs, MAX_PAUSE_MS);
		const lookAtMs = Math.min(etaMs! + MIN_KNOWN_PAUSE_MS, nowMs + longestMs);
		if (etaMs! > nowMs) watched.nextLookMs = lookAtMs;
	}

	/** To when the task may be finished, or, past that, by a part of the time it is overdue. */
	private postpone(task: Watched, expectedMs = this.times.expectedMs): void {
		const { startMs, justSubmitted, pollIntervalMs } = task;
		const nowMs = Date.now();
		if (pollIntervalMs !== undefined) {
			task.nextLookMs = nowMs + pollIntervalMs;
			return;
		}
		const isUnknown = justSubmitted && expectedMs === 0;
		const areFew = isUnknown && this.watched.size < LIST_FROM;
		const [factor, minMs] = areFew ? [FEW_BACKOFF_FACTOR, 0] : [BACKOFF_FACTOR, this.minPauseMs];
		const expectedAtMs = startMs + (justSubmitted ? expectedMs : 0);
		const pauseMs = clamp((nowMs - expectedAtMs) * factor, minMs, MAX_PAUSE_MS);
		const earliestMs = isUnknown ? startMs + FIRST_LOOK_MS : expectedAtMs;
		task.nextLookMs = Math.max(earliestMs, nowMs + pauseMs);
	}

	private get minPauseMs(): number {
		const { expectedMs } = this.times;
		return expectedMs === 0
			? MIN_PAUSE_MS
			: clamp(expectedMs * MIN_PAUSE_OF_TASK_TIME, MIN_KNOWN_PAUSE_MS, MIN_PAUSE_MS);
	}

	private error({ ref }: Watched, problem: Problem) {
		const details = { taskId: ref.taskId, ...problem.details };
		return klingError(this.context.node, { ...problem, details }, ref.itemIndex);
	}
}

const clamp = (value: number, min: number, max: number) => Math.min(Math.max(value, min), max);

/** There is one last look at the time limit. */
const dueMs = ({ isBeingRead, nextLookMs, deadlineMs }: Watched) =>
	isBeingRead ? Infinity : Math.min(nextLookMs, deadlineMs);

function timedOut({ ref, status, timeoutMs, lastProblem, paysAgain }: Watched): Problem {
	const last = lastProblem ? ` The last error was: ${lastProblem.message}.` : '';
	return {
		message: `Task ${ref.taskId} did not finish within ${timeoutMs / 1000} seconds (last status: ${status})`,
		description: `It may still finish: get it later with Task → Get and this task ID, or raise 'Time Limit' under 'Options'.${last}`,
		forAgent: paysAgain
			? `It may still finish. Do not ask for it again, since that could spend credits twice: look up the task with this ID later, or tell the user the ID.${last}`
			: `It may still finish. Call this again with the same values to go on waiting: that costs nothing.${last}`,
		details: { status },
	};
}

import type { Context } from '../../runtime/context';
import {
	klingError,
	oddAnswer,
	unwrap,
	type KlingError,
	type Problem,
} from '../../runtime/problems';
import { retryTransient } from '../../runtime/retry';
import { fetchTaskOnce } from '../../tasks/fetchTask';
import { originOf, tellsInputs, type Origin } from '../../tasks/origin';
import { createdMs, parseTask, UPSCALE_TYPE, type Task } from '../../tasks/task';
import { TaskPages } from '../../tasks/taskPages';
import { idText, record, text } from '../../transport/json';

/** No list is read further back than so many tasks. */
const MAX_TASKS = 500;
/** Tasks that are read one by one, in one go. */
const MAX_READS = 100;
/** assumes: clock-skew */
const CLOCK_SKEW_MS = 120_000;
/** Clocks that are set by the network differ by less. A job of a slower clock is taken at the last look. */
const SURE_MS = 500;

/** A job as the API tells it, with what it was made of. */
export interface KnownJob extends Origin {
	taskId: string;
	type?: string;
	finished: boolean;
	failed: boolean;
	hasImages: boolean;
	/** Epoch ms, or NaN. */
	madeMs: number;
}

/** What to look for in the API's lists. */
export interface Wanted {
	account?: string;
	/** What it was made of: an image of Kling's, or the link that was sent. assumes: enhance-tells-input-url */
	fromWorkId?: string;
	inputUrl?: string;
	/** The type of its task; where it is not known, the job is none of those that are known to be something else. */
	type?: string;
	/** What it was surely not asked for, where that is told (`taskInfo.arguments`). */
	otherArgs?: Record<string, string>;
	/** Nothing older can be it: the task that made the source image. */
	sourceTaskId?: string;
	/** Nothing older can be it, in epoch ms by this machine's clock. */
	sinceMs?: number;
	/** Tasks that are known to be of other jobs. */
	isOther?: (taskId: string) => boolean;
}

/**
 * - `found`: it runs or has succeeded. What has failed is nothing to go on with, and may be an older one. It is not sure
 *   that it is the one that was sent when it was made some time before, by this machine's clock.
 * - `absent`: the lists tell of other jobs what they are of, and it is not among them.
 * - `untold`: the lists can be read, but do not tell for sure what every job is of.
 * - `unreadable`: the lists cannot be read.
 */
export type Sighting =
	| { is: 'found'; taskId: string; isSure: boolean }
	| { is: 'absent' | 'untold' }
	| { is: 'unreadable'; problem: Problem };

/**
 * Looks in the API's own lists whether a job is there already: GET /scheduler has the running ones, GET /tasks all that
 * began before (kling-api.md, "an upscale can be recognised by what it is of"). This outlives executions and restarts.
 *
 * The lists of an account are read once, as far back as somebody asks for: a new look takes a new object.
 */
export class EarlierJobs {
	private readonly lists = new Map<string, AccountList>();

	/** @param read tasks that earlier looks have read: what a task was made of never changes */
	constructor(
		private readonly context: Context,
		private readonly read = new Map<string, KnownJob>(),
	) {}

	/** @throws the reason to stop */
	async find(wanted: Wanted): Promise<Sighting> {
		const { account = '' } = wanted;
		const list =
			this.lists.get(account) ?? new AccountList(this.context, this.read, wanted.account);
		this.lists.set(account, list);
		try {
			await list.readBackTo(wanted);
		} catch (error) {
			this.context.cancellation.throwIfAborted();
			const { problem, message, description } = error as KlingError;
			return {
				is: 'unreadable',
				problem: problem ?? { message, description: description ?? '' },
			};
		}
		return list.find(wanted);
	}
}

/** The lists of one account, read as far back as was asked for. */
class AccountList {
	private readonly jobs = new Map<string, KnownJob>();
	private readonly pages: TaskPages;
	private isComplete = false;
	/** When the oldest task so far was made, epoch ms. */
	private oldestMs = Infinity;
	private reading: Promise<void>;

	constructor(
		private readonly context: Context,
		private readonly read: Map<string, KnownJob>,
		private readonly account?: string,
	) {
		const { api, cancellation, node } = context;
		this.pages = new TaskPages(
			{
				ask: async (query) =>
					await retryTransient(cancellation, async () => await api.getTasks(query)),
				fail: (problem) => klingError(node, problem),
			},
			account ? { email: account } : {},
		);
		this.reading = this.readRunning();
		// Whoever asks first hears of it.
		this.reading.catch(() => {});
	}

	/** Callers share the pages, so they read one after another. */
	async readBackTo(wanted: Wanted): Promise<void> {
		const mine = this.reading.then(async () => {
			while (!this.isFarEnough(wanted)) await this.readPage();
			await this.readTasks(this.silent(wanted).map(({ taskId }) => taskId));
		});
		this.reading = mine;
		mine.catch(() => {});
		await mine;
	}

	find(wanted: Wanted): Sighting {
		const { sinceMs } = wanted;
		const same = this.recent(wanted).filter((job) => !job.failed && matches(wanted, job));
		const best =
			sinceMs === undefined
				? // A success without a file is of no use.
					(same.find(({ finished, hasImages }) => finished && hasImages) ??
					same.find(({ finished }) => !finished))
				: newest(same);
		if (best) {
			const isSure = sinceMs === undefined || best.madeMs > sinceMs - SURE_MS;
			return { is: 'found', taskId: best.taskId, isSure };
		}
		const someTell = [...this.jobs.values()].some(tellsInputs);
		const mayBeIt = [...this.silent(wanted), ...this.ofOtherLinks(wanted)];
		return { is: someTell && mayBeIt.length === 0 ? 'absent' : 'untold' };
	}

	/** The API may tell a link of its own for the one that was sent: any job that nobody else is known to have sent may be it. */
	private ofOtherLinks(wanted: Wanted): KnownJob[] {
		if (!wanted.inputUrl) return [];
		return this.recent(wanted).filter((job) => !job.failed && isAlike(wanted, job));
	}

	/** Jobs that could be the one, if they only told what they are of. */
	private silent(wanted: Wanted): KnownJob[] {
		return this.recent(wanted).filter((job) => {
			const tells = tellsInputs(job) && (job.type !== undefined || wanted.type === undefined);
			return !tells && isAlike(wanted, job);
		});
	}

	private recent({ sinceMs = -Infinity, isOther = () => false }: Wanted): KnownJob[] {
		const fromMs = sinceMs - CLOCK_SKEW_MS;
		return [...this.jobs.values()].filter(
			({ madeMs, taskId }) => !(madeMs < fromMs) && !isOther(taskId),
		);
	}

	private isFarEnough({ sourceTaskId = '', sinceMs = -Infinity }: Wanted): boolean {
		return (
			this.isComplete ||
			this.pages.isBlocked ||
			this.jobs.size >= MAX_TASKS ||
			this.jobs.has(sourceTaskId) ||
			this.oldestMs < sinceMs - CLOCK_SKEW_MS
		);
	}

	private async readPage(): Promise<void> {
		const entries = await this.pages.next();
		if (!entries) this.isComplete = true;
		for (const entry of entries ?? []) {
			const job = toKnownJob(entry);
			this.add(job);
			if (job.madeMs < this.oldestMs) this.oldestMs = job.madeMs;
		}
	}

	/** In what shape a running task stands in the list of tasks is not told, so each is read. assumes: scheduler-lists-running */
	private async readRunning(): Promise<void> {
		const { api, cancellation, node } = this.context;
		const got = unwrap(await retryTransient(cancellation, api.getRunningJobs));
		if (got.problem) throw klingError(node, got.problem);
		if (!Array.isArray(got.body)) {
			throw klingError(node, oddAnswer('The answer of useapi.net is not a list of jobs'));
		}
		const own = got.body.map(record).filter(({ email }) => {
			return !this.account || !text(email) || text(email) === this.account;
		});
		await this.readTasks(own.flatMap(({ id }) => idText(id) ?? []));
	}

	/** assumes: list-tells-inputs, task-tells-inputs */
	private async readTasks(taskIds: string[]): Promise<void> {
		await Promise.all(
			taskIds.slice(0, MAX_READS).map(async (taskId) => {
				const before = this.read.get(taskId);
				if (before && tellsInputs(before)) return this.add(before);
				const ref = { taskId, account: this.account };
				const { task } = await fetchTaskOnce(this.context.api, ref);
				this.context.cancellation.throwIfAborted();
				// One that cannot be read tells nothing, and may be the one that is wanted.
				const job = { ...toKnownJob(task ?? parseTask({})), taskId };
				this.read.set(taskId, job);
				this.add(job);
			}),
		);
	}

	/** An entry of a list may tell less than the task itself, or be older. */
	private add(job: KnownJob): void {
		const before = this.jobs.get(job.taskId) ?? job;
		const { fromWorkIds, inputUrls } = tellsInputs(job) ? job : before;
		const { finished, failed } = before.finished ? before : job;
		this.jobs.set(job.taskId, {
			...job,
			type: job.type ?? before.type,
			fromWorkIds,
			inputUrls,
			args: { ...before.args, ...job.args },
			finished,
			failed,
			hasImages: job.hasImages || before.hasImages,
			madeMs: Number.isFinite(job.madeMs) ? job.madeMs : before.madeMs,
		});
	}
}

const newest = (jobs: KnownJob[]): KnownJob | undefined =>
	jobs.toSorted((a, b) => (b.madeMs || 0) - (a.madeMs || 0))[0];

/** Whether it can be the wanted one by what is told of it, but for what it is of. */
function isAlike({ type, otherArgs = {} }: Wanted, job: KnownJob): boolean {
	if (type) return !job.type || job.type === type;
	// A generation from the same link has a prompt (kling-api.md, "GET /v1/kling/tasks").
	const isKnown = job.type === UPSCALE_TYPE || 'prompt' in job.args;
	const isOther = ([name, value]: [string, string]) => job.args[name]?.toLowerCase() === value;
	return !isKnown && !Object.entries(otherArgs).some(isOther);
}

function matches(wanted: Wanted, job: KnownJob): boolean {
	const { type, fromWorkId, inputUrl } = wanted;
	if (fromWorkId) return job.type === type && job.fromWorkIds.includes(fromWorkId);
	const isOfLink = job.inputUrls.some((url) => inputUrl && addressOf(url) === addressOf(inputUrl));
	return isOfLink && isAlike(wanted, job);
}

/** An address can be written in several ways. */
const addressOf = (url: string): string => (URL.canParse(url) ? new URL(url).href : url);

function toKnownJob(task: Task): KnownJob {
	const { taskId = '', type, finished, failed, images } = task;
	return {
		...originOf(task),
		taskId,
		type,
		finished,
		failed,
		hasImages: images.length > 0,
		madeMs: createdMs(task),
	};
}

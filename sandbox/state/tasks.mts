import type { ContentType, Outcome, SandboxSeed, Settings, StatusName } from '../options.mts';
import type { Files } from './files.mts';
import type { Image } from './images.mts';
import { PIXEL_PNG } from './images.mts';
import type { PictureFolder } from './pictures.mts';
import { PIXEL } from './pictures.mts';
import { failed, fromPictureSet, fromSeed } from './sources.mts';

/** Every task there is, and what a new one goes through. */

/** New ids are this far apart: the one after a task's id is its work's. */
const ID_STEP = 10n;
/** After this part of its time a task is no longer `submitted` but `processing`. */
const SUBMITTED_SHARE = 0.25;

export interface Work {
	workId: bigint;
	contentType: ContentType;
	/** Path on the CDN; empty while there is no file. */
	path: string;
	width: number;
	height: number;
	/** The file on disk; absent for a result, which `Files` keeps. */
	file?: string;
}

/** What a job is made from. */
export interface Input {
	url: string;
	/** Absent for an image that Kling did not make. */
	workId?: bigint;
}

/** Ids are bigints so that those above 2^53 stay exact; times are epoch milliseconds. */
export interface Task {
	id: bigint;
	/** The Kling account; absent for a task that every account has. */
	email?: string;
	type: string;
	statusName: StatusName;
	createTime: number;
	updateTime: number;
	prompt: string;
	works: Work[];
	inputs: Input[];
	/** By name. */
	args: Record<string, string>;
	outcome: Outcome;
	error?: string;
	message?: string;
	replyUrl?: string;
	replyRef?: string;
	/** true: out of the scheduler, so that it holds no slot and calls nobody back. */
	isUntracked?: boolean;
}

export interface Job extends Pick<Task, 'prompt' | 'inputs' | 'args' | 'outcome'> {
	kind: 'upscale' | 'enhance';
	email: string;
	replyUrl?: string;
	replyRef?: string;
	/** Makes the result. */
	draw: () => Promise<Image>;
}

export class TaskStore {
	/** The highest number of jobs that ran at once, by account. */
	readonly peakJobs = new Map<string, number>();
	/** Called when a task begins processing and when it ends. */
	onChange: (task: Task) => void = () => {};

	private created: Task[] = [];
	private seeds: Task[] = [];
	private deleted = new Set<bigint>();
	private nextId: bigint;
	private timers = new Set<NodeJS.Timeout>();
	/** Tasks that would have ended, and how each ends. */
	private held = new Map<Task, () => void>();
	private drawings = new Set<Promise<unknown>>();
	private closed = false;

	constructor(
		private settings: Settings,
		private folder: PictureFolder,
		private files: Files,
	) {
		this.nextId = BigInt(settings.firstTaskId);
	}

	async seed(seeds: SandboxSeed[]) {
		const pictures = this.settings.onePixel
			? [PIXEL]
			: (await this.folder.sets()).flatMap((set) => set.pictures);
		this.seeds = seeds.map((seed) => fromSeed(seed, pictures));
	}

	/** Every task an account has, newest first. */
	async list(email: string): Promise<Task[]> {
		return (await this.all())
			.filter((task) => task.email === undefined || task.email === email)
			.filter(({ id }) => !this.deleted.has(id))
			.sort((a, b) => b.createTime - a.createTime || (b.id > a.id ? 1 : -1));
	}

	async find(id: bigint, email: string): Promise<Task | undefined> {
		return (await this.list(email)).find((task) => task.id === id);
	}

	/** The works that are gone with it; nothing for a task that has none. Pictures and results stay on the CDN. */
	async delete(id: bigint, email: string): Promise<Work[] | undefined> {
		const task = await this.find(id, email);
		if (!task || task.works.length === 0) return undefined;
		this.deleted.add(id);
		return task.works;
	}

	/** For the CDN, which knows no accounts. */
	async findWork(workId: bigint): Promise<Work | undefined> {
		return (await this.all()).flatMap((task) => task.works).find((work) => work.workId === workId);
	}

	private async all(): Promise<Task[]> {
		const fromPictures = (await this.folder.sets()).map(fromPictureSet);
		return [...this.created, ...this.seeds, ...fromPictures];
	}

	running(email?: string): Task[] {
		return this.created.filter(
			(task) =>
				!isFinal(task.statusName) &&
				!task.isUntracked &&
				(email === undefined || task.email === email),
		);
	}

	/** false when no such task runs. */
	untrack(id: bigint): boolean {
		const task = this.running().find((one) => one.id === id);
		if (task) task.isUntracked = true;
		return task !== undefined;
	}

	/** Not yet in lists. */
	isUnlisted({ createTime }: Task): boolean {
		const { listLagMs } = this.settings;
		return listLagMs > 0 && createTime > Date.now() - listLagMs;
	}

	/** Those that `hold` keeps running, oldest first. */
	listHeld(): Task[] {
		return [...this.held.keys()];
	}

	/** Throws when none of that id is held. */
	release(id: string) {
		const task = this.listHeld().find((candidate) => String(candidate.id) === id);
		if (!task) throw new Error(`Task ${id} is not held`);
		this.held.get(task)!();
		this.held.delete(task);
	}

	/** The number of tasks that POSTs have made. */
	get createdCount() {
		return this.created.length;
	}

	create(job: Job): Task {
		const { kind, email, prompt, inputs, args, outcome, replyUrl, replyRef } = job;
		const now = Date.now();
		const task: Task = {
			...{ email, prompt, inputs, args, outcome, replyUrl, replyRef },
			id: this.nextId,
			// The real type of an enhance is not known.
			type: `mmu_image_${kind}_aiweb`,
			statusName: 'submitted',
			createTime: now,
			updateTime: now,
			works: [],
		};
		this.nextId += ID_STEP;
		this.created.push(task);
		this.peakJobs.set(email, Math.max(this.peakJobs.get(email) ?? 0, this.running(email).length));
		this.after(this.settings.jobMs * SUBMITTED_SHARE, () => this.process(task, job));
		return task;
	}

	async close() {
		this.closed = true;
		this.timers.forEach((timer) => clearTimeout(timer));
		await Promise.all(this.drawings);
	}

	private after(delayMs: number, then: () => void) {
		const timer = setTimeout(() => {
			this.timers.delete(timer);
			then();
		}, delayMs);
		this.timers.add(timer);
	}

	private process(task: Task, job: Job) {
		if (task.outcome === 'vanishes') {
			this.deleted.add(task.id);
			task.statusName = 'failed';
			return;
		}
		const workId = task.id + 1n;
		const work = { workId, contentType: 'image' as const, path: '', width: 0, height: 0 };
		this.change(task, { statusName: 'processing', works: [work] });
		const drawn = this.finish(task, work, job);
		this.drawings.add(drawn);
		void drawn.then(() => this.drawings.delete(drawn));
		this.after(this.settings.jobMs * (1 - SUBMITTED_SHARE), () => {
			const end = () => void drawn.then((finish) => finish());
			if (this.settings.hold) this.held.set(task, end);
			else end();
		});
	}

	/** Makes the image while the task runs; what it returns ends the task. */
	private async finish(task: Task, work: Work, { kind, draw }: Job): Promise<() => void> {
		const fail = (why?: object) => () =>
			this.change(task, { ...failed(kind), ...why, statusName: 'failed', works: [] });
		if (task.outcome === 'fails') return fail();
		try {
			const { bytes, ...size } = this.settings.onePixel ? PIXEL_PNG : await draw();
			const path = `/results/${work.workId}.png`;
			this.files.keep(path, { bytes });
			return () =>
				this.change(task, { statusName: 'succeed', works: [{ ...work, path, ...size }] });
		} catch (error) {
			return fail({ error: `The source image cannot be read: ${(error as Error).message}` });
		}
	}

	/** Those who are called back know it at once, those who ask when `readLagMs` is over. */
	private change(task: Task, changes: Partial<Task>) {
		if (this.closed) return;
		const { readLagMs } = this.settings;
		const changed = { ...changes, updateTime: Date.now() };
		if (readLagMs === 0) Object.assign(task, changed);
		else this.after(readLagMs, () => void Object.assign(task, changed));
		if (!task.isUntracked) this.onChange({ ...task, ...changed });
	}
}

export function isFinal(statusName: StatusName) {
	return statusName === 'succeed' || statusName === 'failed';
}

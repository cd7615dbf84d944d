import { extname } from 'node:path';
import type { ContentType, Outcome, SandboxSeed, Settings, StatusName } from './options.mts';
import type { Picture, PictureFolder, PictureSet } from './pictures.mts';
import { PIXEL, stableId } from './pictures.mts';
import type { Results, UpscaledImage } from './results.mts';

/** Every task there is: made by POSTs, seeded, or standing for a picture; and what a new one goes through. */

const TYPE_SOURCE = 'mmu_img2img_aiweb';
const TYPE_UPSCALE = 'mmu_image_upscale_aiweb';
/** New ids are this far apart: the one after a task's id is its work's. */
const ID_STEP = 10n;
/** After this part of its time a task is no longer `submitted` but `processing`. */
const SUBMITTED_SHARE = 0.25;
const FAILED_ERROR = 'Image upscale failed. (sandbox: the picture is named so)';
const FAILED_MESSAGE = 'Service busy';

export interface Work {
	workId: bigint;
	contentType: ContentType;
	/** Path on the CDN; empty while there is no file. */
	path: string;
	width: number;
	height: number;
	/** The file on disk; absent for an upscaled image, which `Results` keeps. */
	file?: string;
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
	from?: { task: Task; work: Work };
	outcome: Outcome;
	error?: string;
	message?: string;
	replyUrl?: string;
	replyRef?: string;
}

export interface NewTask {
	source: Task;
	work: Work;
	email: string;
	replyUrl?: string;
	replyRef?: string;
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
		private results: Results,
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
		const fromPictures = (await this.folder.sets()).map(fromPictureSet);
		return [...this.created, ...this.seeds, ...fromPictures]
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
		const fromPictures = (await this.folder.sets()).map(fromPictureSet);
		return [...this.created, ...this.seeds, ...fromPictures]
			.flatMap((task) => task.works)
			.find((work) => work.workId === workId);
	}

	running(email?: string): Task[] {
		return this.created.filter(
			(task) => !isFinal(task.statusName) && (email === undefined || task.email === email),
		);
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

	create({ source, work, email, replyUrl, replyRef }: NewTask): Task {
		const now = Date.now();
		const task: Task = {
			id: this.nextId,
			email,
			type: TYPE_UPSCALE,
			statusName: 'submitted',
			createTime: now,
			updateTime: now,
			prompt: source.prompt,
			works: [],
			from: { task: source, work },
			outcome: source.outcome,
			replyUrl,
			replyRef,
		};
		this.nextId += ID_STEP;
		this.created.push(task);
		this.peakJobs.set(email, Math.max(this.peakJobs.get(email) ?? 0, this.running(email).length));
		this.after(this.settings.jobMs * SUBMITTED_SHARE, () => this.process(task));
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

	private process(task: Task) {
		const workId = task.id + 1n;
		const { contentType } = task.from!.work;
		const works = [{ workId, contentType, path: '', width: 0, height: 0 }];
		this.change(task, { statusName: 'processing', works });
		const drawn = this.draw(task, workId);
		this.drawings.add(drawn);
		void drawn.then(() => this.drawings.delete(drawn));
		this.after(this.settings.jobMs * (1 - SUBMITTED_SHARE), () => {
			const end = () => void drawn.then((finish) => finish());
			if (this.settings.hold) this.held.set(task, end);
			else end();
		});
	}

	/** Makes the image while the task runs; what it returns ends the task. */
	private async draw(task: Task, workId: bigint): Promise<() => void> {
		const { work } = task.from!;
		const { contentType } = work;
		const fail = (error: string) => () =>
			this.change(task, { statusName: 'failed', works: [], error, message: FAILED_MESSAGE });
		if (task.outcome === 'fails') return fail(FAILED_ERROR);
		const finish = (size: UpscaledImage) => () => {
			const works = [{ workId, contentType, path: `/results/${workId}.png`, ...size }];
			this.change(task, { statusName: 'succeed', works });
		};
		if (this.settings.onePixel) return finish(this.results.keepPixel(workId));
		try {
			const source = work.file ?? this.results.get(work.workId);
			if (!source) return fail('The source image is gone');
			return finish(await this.results.upscale(workId, source, this.settings.scale));
		} catch (error) {
			return fail(`The source image cannot be read: ${(error as Error).message}`);
		}
	}

	/** Those who are called back know it at once, those who ask when `readLagMs` is over. */
	private change(task: Task, changes: Partial<Task>) {
		if (this.closed) return;
		const { readLagMs } = this.settings;
		const changed = { ...changes, updateTime: Date.now() };
		if (readLagMs === 0) Object.assign(task, changed);
		else this.after(readLagMs, () => void Object.assign(task, changed));
		this.onChange({ ...task, ...changed });
	}
}

export function isFinal(statusName: StatusName) {
	return statusName === 'succeed' || statusName === 'failed';
}

function outcomeFrom(name: string): Outcome {
	if (name.includes('forbidden')) return 'forbidden';
	return name.includes('fails') ? 'fails' : 'succeeds';
}

/** "harbour-set/dawn.jpg" becomes "harbour set dawn". */
function promptFrom(name: string) {
	return name.replace(/\.\w+$/, '').replaceAll(/[-_/]+/g, ' ');
}

function pictureWork(picture: Picture, workId: bigint, contentType: ContentType = 'image'): Work {
	const { file, width, height } = picture;
	const extension = contentType === 'image' ? extname(picture.name).toLowerCase() : '.mp4';
	const path = `/pictures/${workId}${extension}`;
	return { workId, contentType, path, file, width, height };
}

function fromPictureSet({ name, pictures }: PictureSet): Task {
	const createTime = Math.max(...pictures.map(({ modified }) => modified));
	return {
		id: stableId(name),
		type: TYPE_SOURCE,
		statusName: 'succeed',
		createTime,
		updateTime: createTime,
		prompt: promptFrom(name),
		works: pictures.map((picture) => pictureWork(picture, stableId(`${picture.name} work`))),
		outcome: outcomeFrom(name),
	};
}

function fromSeed(seed: SandboxSeed, pictures: Picture[]): Task {
	const picture = seed.picture ? pictures.find((p) => p.name === seed.picture) : pictures[0];
	if (!picture) throw new Error(`Seed ${seed.taskId}: no picture ${seed.picture ?? 'at all'}`);
	const statusName = seed.status ?? 'succeed';
	const id = BigInt(seed.taskId);
	const createTime = seed.createTime ?? Date.now();
	const hasWorks = statusName === 'succeed' && !seed.withoutWorks;
	return {
		id,
		email: seed.email,
		type: seed.contentType === 'video' ? 'm2v_img2video_hq' : TYPE_SOURCE,
		statusName,
		createTime,
		updateTime: createTime,
		prompt: seed.prompt ?? promptFrom(picture.name),
		works: hasWorks ? [pictureWork(picture, BigInt(seed.workId ?? id + 1n), seed.contentType)] : [],
		outcome: seed.upscale ?? outcomeFrom(picture.name),
		error: statusName === 'failed' ? (seed.error ?? FAILED_ERROR) : undefined,
		message: seed.message ?? (statusName === 'failed' ? FAILED_MESSAGE : undefined),
	};
}

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a caller may say about the sandbox, and what it does when nothing is said. */

export const SANDBOX_TOKEN = 'user:1234-sandbox';
export const BUNDLED_PICTURES = join(fileURLToPath(new URL('.', import.meta.url)), 'pictures');

export type StatusName = 'submitted' | 'processing' | 'succeed' | 'failed';
export type ContentType = 'image' | 'video' | 'audio';
/** What a job leads to: a result, a refusal (500) at once, a task that ends `failed`, or one that is a 404 after a while. */
export type Outcome = 'succeeds' | 'forbidden' | 'fails' | 'vanishes';

export interface SandboxAccount {
	email: string;
	/** Jobs that may run at once, 1 to 50. */
	maxJobs: number;
	/** On a paid Kling plan, so that files without watermark may be downloaded. Default true. */
	paid?: boolean;
	/** Kling credits of its plan, which ends on 31 January 2030. Default 100000. */
	credits?: number;
	/** Credits bought on top, until 30 June 2031; spent after those of the plan. Default 0. */
	topUp?: number;
}

/** An extra task with fixed ids, beside those made from the pictures folder. */
export interface SandboxSeed {
	taskId: string;
	/** Default: taskId + 1. Only a `succeed` task has a work. */
	workId?: string;
	/** Path below the pictures folder, `lighthouse.jpg` or `harbour-set/dawn.jpg`. Default: the first picture. */
	picture?: string;
	/** Default `succeed`. */
	status?: StatusName;
	/** The account it belongs to. Default: every account, as with the pictures. */
	email?: string;
	/** A `succeed` task with an empty `works`. */
	withoutWorks?: boolean;
	contentType?: ContentType;
	prompt?: string;
	/** Epoch milliseconds. Default: the sandbox's start. */
	createTime?: number;
	/** Why a `failed` task failed. */
	error?: string;
	message?: string;
	/** Default: what the picture's name says. */
	upscale?: Outcome;
}

export interface SandboxOptions {
	/** Port of the API; 0, the default, takes a free one. */
	port?: number;
	/** Port of the result files, which stand on another origin than the API; 0, the default, takes a free one. */
	cdnPort?: number;
	token?: string;
	accounts?: SandboxAccount[];
	/** How long a task runs, in milliseconds. */
	jobMs?: number;
	/** true: a task whose time is over runs on until `sandbox.release` lets it end. Default false. */
	hold?: boolean;
	picturesFolder?: string;
	/** How many times larger an upscaled image is, along each side. */
	scale?: number;
	/** Pixels along the long side of an enhanced image. */
	longSidePx?: { '2k': number; '4k': number };
	/** What an enhance leads to. Default: what the image's name says. */
	enhance?: Outcome;
	/** A job for which the credits are not enough: a task that is a 404 after a while, or a 500 and no task. */
	outOfCredits?: 'vanishes' | 'refused';
	/** true: `userPoints` in a task tells the balance. Default false: an empty list, as on the vendor's page. */
	tellsPoints?: boolean;
	/** true: a running task tells when it should end (`etaTime`), a finished one 0. Default false: no such field. */
	tellsEta?: boolean;
	/** A task's own times: `moving` ones are those of the read, `doubled` ones make it twice as long. Default `right`. */
	taskTimes?: 'right' | 'moving' | 'missing' | 'doubled';
	/** A smaller result file is filled up to so many bytes: zeros after the image's end, where no reader looks. Default 0. */
	resultBytes?: number;
	seeds?: SandboxSeed[];
	/** false: every /v1 call answers 402. */
	subscription?: boolean;
	/** Id of the first new task, as text so that it may exceed 2^53. */
	firstTaskId?: string;
	/** Tells a receiver, and resolves with its HTTP status. Default: by HTTP. */
	deliver?: (url: string, body: string) => Promise<number>;
	/** Which callbacks are sent: all, none, or none about how a task ended, as if those were lost. Default: all. */
	callbacks?: 'all' | 'none' | 'withoutFinal';
	/** The most tasks on a page of GET /tasks, whatever its pageSize. */
	listPageLimit?: number;
	/** GET /tasks: createdBefore and createdAfter take in the moment itself. */
	listTakesInMoment?: boolean;
	/** GET /tasks: entries are whole models instead of works only, and tasks without works are among them. */
	listWholeModels?: boolean;
	/** How long an answer to a callback is waited for, in milliseconds. */
	callbackTimeoutMs?: number;
	/** How long after its callback a change of a task's status shows in GETs, in milliseconds. */
	readLagMs?: number;
	/** How long a new task stays out of GET /tasks and of the running jobs, in milliseconds. */
	listLagMs?: number;
	/** true: no file is read or drawn. There are only seeds, and every image is one pixel. */
	onePixel?: boolean;
	/** Sent as Retry-After with a 429. Default: no such header, as none is documented. */
	retryAfterSeconds?: number;
}

type Optional = 'retryAfterSeconds' | 'deliver' | 'enhance';
export type Settings = Required<Omit<SandboxOptions, Optional>> & Pick<SandboxOptions, Optional>;

export const DEFAULTS: Settings = {
	port: 0,
	cdnPort: 0,
	token: SANDBOX_TOKEN,
	accounts: [{ email: 'artist@example.com', maxJobs: 5 }],
	jobMs: 6_000,
	hold: false,
	picturesFolder: BUNDLED_PICTURES,
	scale: 4,
	longSidePx: { '2k': 2_560, '4k': 5_120 },
	outOfCredits: 'vanishes',
	tellsPoints: false,
	tellsEta: false,
	taskTimes: 'right',
	resultBytes: 0,
	seeds: [],
	subscription: true,
	firstTaskId: '500000010',
	callbacks: 'all',
	callbackTimeoutMs: 10_000,
	listPageLimit: 200,
	listTakesInMoment: false,
	listWholeModels: false,
	readLagMs: 0,
	listLagMs: 0,
	onePixel: false,
};

import type { Seen, Trial } from '../fault-stage.mts';
import type { CallName } from '../fault-table.mts';
import { fetchingTheCleanFile, fetchingTheFile } from './output.mts';
import { getting, listing, deleting, picking } from './reading.mts';
import { upscaling, enhancing, uploading, lookingFor } from './submission.mts';
import {
	watching,
	watchingOwn,
	suspending,
	beingCalledBack,
	watchingABatch,
	triggering,
} from './waiting.mts';
import { GET_TASK, GET_TASKS, GET_ACCOUNTS, GET_SCHEDULER } from './where.mts';

/** How each call of the fault table is brought about on n8n's own engine, and what is seen of it. */

/** By the ways in which a call can come about. */
type Trials = Record<string, (trial: Trial) => Promise<Seen>>;
export const ENHANCE_FILE = 'Enhance, a file';
/** Younger than the 15 seconds in which a task may be unknown. */
export const NEW_TASK = 'Upscale, a new task';
/** Older than them. */
export const OLD_S = 60;

const locator = (value: string) => ({ __rl: true, mode: 'list', value });

export const trials: Record<CallName, Trials> = {
	upscale: {
		'Wait Until Finished': upscaling('poll'),
		'Pause Until Called Back': upscaling('callback'),
		"Don't Wait": upscaling('none'),
		[ENHANCE_FILE]: enhancing({}),
		'Enhance, a link': enhancing({ imageUrl: 'https://shop.example.com/shoe.jpg' }),
	},
	upload: { Enhance: uploading },
	lostJob: {
		'Running jobs': lookingFor(GET_SCHEDULER, 'lostJob'),
		Tasks: lookingFor(GET_TASKS, 'lostJob'),
	},
	earlierJob: {
		'Running jobs': lookingFor(GET_SCHEDULER, 'earlierJob'),
		Tasks: lookingFor(GET_TASKS, 'earlierJob'),
	},
	watch: { 'Task → Get': watching, Upscale: watchingOwn },
	get: { 'Task → Get': getting },
	beforeSuspending: { Upscale: suspending },
	calledBack: {
		[NEW_TASK]: beingCalledBack(100),
		'Upscale, an old task': beingCalledBack(OLD_S * 1_000),
	},
	runningJobs: { Upscale: watchingABatch },
	triggered: { 'Kling Trigger': triggering },
	list: { 'Task → Get Many': listing },
	delete: { 'Task → Delete': deleting },
	pickers: {
		Account: picking('searchAccounts', GET_ACCOUNTS, () => ({})),
		Task: picking('searchTasks', GET_TASKS, () => ({})),
		Image: picking('searchImages', GET_TASK, ({ source }) => ({ taskId: locator(source.taskId) })),
	},
	cleanFile: { Upscale: fetchingTheCleanFile },
	file: { Upscale: fetchingTheFile },
};

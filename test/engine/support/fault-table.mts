import type { FaultName, Outcome } from './faults.mts';

/**
 * What the package promises for each call of the API and each thing that can go wrong with it. The engine test
 * `fault-table.test.mts` tries every line; `docs/reliability.md` shows them.
 */

/** What comes of a fault that happens once, and of one that stays: the same, unless there are two. */
export type Promised = Outcome | [once: Outcome, lasting: Outcome];

export interface CallPromises {
	/** As a heading. */
	title: string;
	/** What it is for, and what holds for all its lines. */
	about: string;
	promises: Record<FaultName, Promised>;
}

/** For a call that spends nothing: what comes of every fault that may pass, and what is the same everywhere. */
const inAnyCall = (promised: Promised) => ({
	'429': promised,
	'500': promised,
	'502': promised,
	'503': promised,
	hang: promised,
	stall: promised,
	resetBefore: promised,
	resetAfter: promised,
	truncated: promised,
	html: promised,
	empty: promised,
	huge: promised,
	slow: 'fine' as const,
	bigIds: 'exact' as const,
});

const CALLS = {
	upscale: {
		title: 'POST /v1/kling/images/upscale, /enhance: a job is sent',
		about: 'The calls that spend credits, the same in all three ways to wait.',
		promises: {
			'401': 'refused',
			'402': 'refused',
			'404': 'refused',
			'429': ['nextSlot', 'noSlot'],
			'500': 'refused',
			'502': 'lookedUp',
			'503': 'lookedUp',
			slow: 'fine',
			hang: 'lookedUp',
			stall: 'found',
			resetBefore: 'lookedUp',
			resetAfter: 'found',
			truncated: 'found',
			html: 'lookedUp',
			empty: 'lookedUp',
			wrongTypes: 'lookedUp',
			huge: 'found',
			bigIds: 'exact',
			redirect: 'notFollowed',
			tls: 'unsent',
		},
	},
	upload: {
		title: 'POST /v1/kling/assets: a file is uploaded',
		about: 'Enhance with Image Source → Binary File, when the turn of the job has come.',
		promises: {
			...inAnyCall(['again', 'notUploaded']),
			'401': 'notUploaded',
			'402': 'notUploaded',
			'404': 'notUploaded',
			wrongTypes: 'notUploaded',
			redirect: 'notUploaded',
			tls: 'notUploaded',
		},
	},
	lostJob: {
		title: 'GET /v1/kling/scheduler, /tasks: looking for a job whose answer was lost',
		about:
			'At 1, 4, 10, 25 and 55 seconds after the loss, within Time Limit. Tasks are searched back to the time of sending.',
		promises: {
			...inAnyCall(['again', 'unknown']),
			'401': ['again', 'unknown'],
			'402': ['again', 'unknown'],
			'404': ['again', 'unknown'],
			wrongTypes: ['again', 'unknown'],
			redirect: ['again', 'unknown'],
			tls: 'before',
		},
	},
	earlierJob: {
		title: 'GET /v1/kling/scheduler, /tasks: looking for an earlier task',
		about:
			'Before a job is sent: with Reuse Earlier Result, as an AI tool, and when an execution is retried by hand.',
		promises: {
			...inAnyCall(['again', 'notSent']),
			'401': 'notSent',
			'402': 'notSent',
			'404': 'notSent',
			wrongTypes: 'notSent',
			redirect: 'notSent',
			tls: 'notSent',
		},
	},
	watch: {
		title: 'GET /v1/kling/tasks/{task_id}: waiting for a result',
		about: 'With Wait Until Finished. After an error the task may still finish.',
		promises: {
			...inAnyCall(['again', 'toldAtLimit']),
			'401': 'told',
			'402': 'told',
			'404': ['again', 'toldEarly404'],
			wrongTypes: ['again', 'toldAtLimit'],
			redirect: 'notFollowed',
			tls: 'toldAtLimit',
		},
	},
	get: {
		title: 'GET /v1/kling/tasks/{task_id}: Task → Get',
		about: "With Don't Wait.",
		promises: {
			...inAnyCall(['again', 'toldLater']),
			'401': 'told',
			'402': 'told',
			'404': 'told',
			wrongTypes: 'told',
			redirect: 'notFollowed',
			tls: 'toldLater',
		},
	},
	beforeSuspending: {
		title: 'GET /v1/kling/tasks/{task_id}: the last check before the execution pauses',
		about: 'After all jobs were sent. A callback or Time Limit resumes the execution.',
		promises: {
			...inAnyCall('waits'),
			'401': 'waits',
			'402': 'waits',
			'404': 'waits',
			wrongTypes: 'waits',
			redirect: 'waits',
			tls: 'before',
		},
	},
	calledBack: {
		title: 'GET /v1/kling/tasks/{task_id}: a callback has come in',
		about: 'A call is never trusted: the task is read. The next callback or Time Limit resumes it.',
		promises: {
			...inAnyCall(['again', 'keepsWaiting']),
			'401': 'keepsWaiting',
			'402': 'keepsWaiting',
			'404': ['again', 'toldGone'],
			wrongTypes: 'keepsWaiting',
			redirect: 'keepsWaiting',
			tls: 'keepsWaiting',
		},
	},
	runningJobs: {
		title: 'GET /v1/kling/scheduler: where to look in a batch',
		about: 'Three items or more that wait for a result.',
		promises: {
			...inAnyCall('without'),
			'401': 'without',
			'402': 'without',
			'404': 'without',
			wrongTypes: 'without',
			redirect: 'without',
			tls: 'before',
		},
	},
	triggered: {
		title: 'GET /v1/kling/tasks/{task_id}: Kling Trigger was called',
		about: 'The caller has its answer before, always the same. Tried for a minute at most.',
		promises: {
			...inAnyCall(['again', 'logged']),
			'401': 'logged',
			'402': 'logged',
			'404': ['again', 'logged'],
			wrongTypes: ['again', 'logged'],
			redirect: 'logged',
			tls: 'logged',
		},
	},
	list: {
		title: 'GET /v1/kling/tasks: Task → Get Many',
		about: 'Every page of it.',
		promises: {
			...inAnyCall(['again', 'toldLater']),
			'401': 'told',
			'402': 'told',
			'404': 'told',
			wrongTypes: 'told',
			redirect: 'notFollowed',
			tls: 'toldLater',
		},
	},
	delete: {
		title: 'DELETE /v1/kling/tasks/{task_id}: Task → Delete',
		about: 'Cannot be undone, and the second time it would be an error.',
		promises: {
			...inAnyCall('deletedOrNot'),
			'401': 'notDeleted',
			'402': 'notDeleted',
			'404': 'notDeleted',
			'429': 'notDeleted',
			'500': 'notDeleted',
			wrongTypes: 'fine',
			redirect: 'notFollowed',
			tls: 'unsent',
		},
	},
	pickers: {
		title: 'GET /v1/kling/accounts, /tasks, /tasks/{task_id}: the lists in the editor',
		about: 'For accounts, tasks and images. Read once each time a list is opened.',
		promises: {
			...inAnyCall('toldOnce'),
			'401': 'toldOnce',
			'402': 'toldOnce',
			'404': 'toldOnce',
			wrongTypes: 'toldOnce',
			redirect: 'notFollowed',
			tls: 'toldOnce',
		},
	},
	cleanFile: {
		title: 'GET /v1/kling/assets/download: the file without watermark',
		about: 'Download Image with Without Watermark.',
		promises: {
			...inAnyCall(['again', 'plain']),
			'401': 'plain',
			'402': 'plain',
			'404': 'plain',
			wrongTypes: 'plain',
			redirect: 'plain',
			tls: 'before',
		},
	},
	file: {
		title: 'The image file, from another host',
		about:
			"Asked for without the token. Errors have the task's ID and the link: the image exists and is paid for.",
		promises: {
			...inAnyCall(['again', 'withLinkLater']),
			'401': 'withLink',
			'402': 'withLink',
			'404': 'withLink',
			stall: 'withLink',
			wrongTypes: ['again', 'withLinkLater'],
			huge: 'withLink',
			redirect: 'followed',
			tls: 'withLinkLater',
		},
	},
} satisfies Record<string, CallPromises>;

export type CallName = keyof typeof CALLS;
export const calls: Record<CallName, CallPromises> = CALLS;
export const callNames = Object.keys(CALLS) as CallName[];

/** What stays is tried apart from what happens once only where it makes a difference. */
export const asPair = (promised: Promised): [Outcome, Outcome] =>
	typeof promised === 'string' ? [promised, promised] : promised;

import type { Fault } from '../../../sandbox/faults.mts';

/**
 * What the package promises for each call of the API and each thing that can go wrong with it. The engine test
 * `fault-table.test.mts` tries every line; `docs/reliability.md` shows them.
 */

const MODERATION = {
	error: 'The content you uploaded appears to violate the community guidelines. (CM_EXT.POther)',
	message: 'Service busy (CM_EXT.POther)',
};
const WRONG_TYPES = { task: 'x', works: 7, history: 'y', cdnUrl: 8, status_final: 'yes' };

interface FaultKind {
	/** As it stands in the table. */
	says: string;
	/** What the sandbox does; those without are brought about by the trial itself. */
	fault?: Fault;
	/** What a user who is told of it reads, in the message or the description. */
	words?: RegExp;
}

const FAULTS = {
	'401': {
		says: 'HTTP 401',
		fault: { kind: 'json', status: 401, body: { error: 'Unauthorized', code: 401 } },
		words: /API token was refused|HTTP 401/,
	},
	'402': {
		says: 'HTTP 402',
		fault: { kind: 'json', status: 402, body: { error: 'Subscription required', code: 402 } },
		words: /no active useapi.net subscription|HTTP 402/,
	},
	'404': {
		says: 'HTTP 404',
		fault: { kind: 'json', status: 404, body: { error: 'There is no such thing' } },
		words: /There is no such thing|HTTP 404/,
	},
	'429': {
		says: 'HTTP 429',
		fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
		words: /job limit|429/,
	},
	'500': {
		says: 'HTTP 500',
		fault: { kind: 'json', status: 500, body: MODERATION },
		words: /community guidelines|HTTP 500/,
	},
	'502': { says: 'HTTP 502', fault: { kind: 'html', status: 502 }, words: /502/ },
	'503': { says: 'HTTP 503', fault: { kind: 'html', status: 503 }, words: /503/ },
	slow: { says: 'a slow answer', fault: { kind: 'delay', delayMs: 1_000 } },
	hang: { says: 'no answer', fault: { kind: 'delay', delayMs: 3_600_000 }, words: /ECONNABORTED/ },
	stall: {
		says: 'half an answer, then silence',
		fault: { kind: 'stall' },
		words: /took too long/,
	},
	resetBefore: {
		says: 'a connection that breaks',
		fault: { kind: 'resetBefore' },
		words: /ECONNRESET/,
	},
	resetAfter: {
		says: 'a connection that breaks once the request took effect',
		fault: { kind: 'resetAfter' },
		words: /ECONNRESET/,
	},
	truncated: {
		says: 'half an answer',
		fault: { kind: 'truncate' },
		words: /ECONNRESET|aborted/,
	},
	html: { says: 'a web page', fault: { kind: 'html' }, words: /not JSON|not lead to an image/ },
	empty: { says: 'an empty answer', fault: { kind: 'empty' }, words: /not JSON|not lead to an/ },
	wrongTypes: {
		says: 'JSON of another shape',
		fault: { kind: 'json', body: WRONG_TYPES },
		words: /./,
	},
	huge: {
		says: 'an answer without end',
		fault: { kind: 'endless' },
		words: /too large|larger than/,
	},
	bigIds: { says: 'IDs past 2^53' },
	redirect: { says: 'a redirect to another host', fault: { kind: 'redirect' }, words: /30\d/ },
	tls: { says: 'a certificate nobody trusts', words: /SELF_SIGNED/ },
} satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof FAULTS;
export const faults: Record<FaultName, FaultKind> = FAULTS;
export const faultNames = Object.keys(FAULTS) as FaultName[];

/** What can come of it, in words for users. */
export const outcomes = {
	fine: 'Nothing: the item goes on.',
	again: 'Asked again; the item goes on.',
	exact: 'Kept exact, to the last digit.',
	told: 'Told at once. To ask again would bring nothing else.',
	toldLater: 'Told after a few tries.',
	toldAtLimit:
		'Told at the Time Limit, with the task’s ID and the last trouble: the task may still finish.',
	toldEarly404: 'Told after 15 seconds: until then the task may just be too new.',
	toldOnce: 'Told in the list, with the way to go on without it.',
	refused: 'Told why. Nothing was accepted, and it is not sent again by itself.',
	unknown:
		'Never sent again. Told that it is unknown whether the job was accepted, and to look it up first.',
	nextSlot: 'Sent again when a job slot is free: a 429 has taken nothing.',
	noSlot: 'Told at the Time Limit that all job slots are taken. Nothing was spent.',
	unsent: 'Told that nothing was sent.',
	notFollowed: 'Not followed, so that the API token goes nowhere else. Told.',
	sleeps: 'The execution goes to sleep all the same: a callback, or the Time Limit, brings it on.',
	sleepsOn:
		'The caller is answered 503, the execution sleeps on: the next callback, or the Time Limit, brings it on.',
	logged: 'The workflow is not started; n8n’s log says why.',
	deletedOrNot:
		'Never sent again. Told that it is unknown whether the task was deleted, and to look it up first.',
	notDeleted: 'Told why, and not sent again by itself.',
	tooNew: 'The execution sleeps on: right after it was sent, a task may be too new to be known.',
	without: 'Done without the list: every task is asked itself.',
	plain: 'The plain image is downloaded instead, and a hint in the output says why.',
	followed: 'Followed, up to five times, each address checked like the first.',
	withLink: 'Told at once, with the task’s ID and the link: the image exists and is paid for.',
	withLinkLater:
		'Told after three tries, with the task’s ID and the link: the image exists and is paid for.',
	before: 'Cannot come to that: a call before this one meets it first.',
} as const;

export type Outcome = keyof typeof outcomes;

/** What comes of a fault that happens once, and of one that stays: the same, unless there are two. */
export type Promised = Outcome | [once: Outcome, lasting: Outcome];

export interface CallPromises {
	/** As a heading. */
	title: string;
	/** What it is for, and what holds for all its lines. */
	about: string;
	promises: Record<FaultName, Promised>;
}

/** Every fault that may pass, in a call that spends nothing. */
const whatMayPass = (promised: Promised) => ({
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
});

const CALLS = {
	upscale: {
		title: 'POST /v1/kling/images/upscale: a job is sent',
		about:
			'The one call that spends credits, the same in all three ways to wait. It gets 300 seconds; all other calls get 30.',
		promises: {
			'401': 'refused',
			'402': 'refused',
			'404': 'refused',
			'429': ['nextSlot', 'noSlot'],
			'500': 'refused',
			'502': 'unknown',
			'503': 'unknown',
			slow: 'fine',
			hang: 'unknown',
			stall: 'unknown',
			resetBefore: 'unknown',
			resetAfter: 'unknown',
			truncated: 'unknown',
			html: 'unknown',
			empty: 'unknown',
			wrongTypes: 'unknown',
			huge: 'unknown',
			bigIds: 'exact',
			redirect: 'notFollowed',
			tls: 'unsent',
		},
	},
	watch: {
		title: 'GET /v1/kling/tasks/{task_id}: waiting for a result',
		about: 'Upscale and Task → Get with Poll Until Finished.',
		promises: {
			...whatMayPass(['again', 'toldAtLimit']),
			'401': 'told',
			'402': 'told',
			'404': ['again', 'toldEarly404'],
			slow: 'fine',
			wrongTypes: ['again', 'toldAtLimit'],
			bigIds: 'exact',
			redirect: 'notFollowed',
			tls: 'toldAtLimit',
		},
	},
	get: {
		title: 'GET /v1/kling/tasks/{task_id}: Task → Get',
		about: 'With Return Immediately.',
		promises: {
			...whatMayPass(['again', 'toldLater']),
			'401': 'told',
			'402': 'told',
			'404': 'told',
			slow: 'fine',
			wrongTypes: 'told',
			bigIds: 'exact',
			redirect: 'notFollowed',
			tls: 'toldLater',
		},
	},
	beforeSleep: {
		title: 'GET /v1/kling/tasks/{task_id}: a last look before the execution goes to sleep',
		about: 'Upscale with Pause Until Called Back, after all jobs were sent.',
		promises: {
			...whatMayPass('sleeps'),
			'401': 'sleeps',
			'402': 'sleeps',
			'404': 'sleeps',
			slow: 'fine',
			wrongTypes: 'sleeps',
			bigIds: 'exact',
			redirect: 'sleeps',
			tls: 'before',
		},
	},
	calledBack: {
		title: 'GET /v1/kling/tasks/{task_id}: a callback has come in',
		about:
			'Upscale with Pause Until Called Back: what a call says is never believed, the task is read.',
		promises: {
			...whatMayPass(['again', 'sleepsOn']),
			'401': 'sleepsOn',
			'402': 'sleepsOn',
			'404': ['again', 'tooNew'],
			slow: 'fine',
			wrongTypes: 'sleepsOn',
			bigIds: 'exact',
			redirect: 'sleepsOn',
			tls: 'sleepsOn',
		},
	},
	runningJobs: {
		title: 'GET /v1/kling/scheduler: where to look in a batch',
		about: 'Three items or more that wait for a result.',
		promises: {
			...whatMayPass('without'),
			'401': 'without',
			'402': 'without',
			'404': 'without',
			slow: 'fine',
			wrongTypes: 'without',
			bigIds: 'exact',
			redirect: 'without',
			tls: 'before',
		},
	},
	triggered: {
		title: 'GET /v1/kling/tasks/{task_id}: Kling Trigger was called',
		about:
			'The caller is answered before it, the same whatever comes of it. Looks again for a minute at most.',
		promises: {
			...whatMayPass(['again', 'logged']),
			'401': 'logged',
			'402': 'logged',
			'404': ['again', 'logged'],
			slow: 'fine',
			wrongTypes: ['again', 'logged'],
			bigIds: 'exact',
			redirect: 'logged',
			tls: 'logged',
		},
	},
	list: {
		title: 'GET /v1/kling/tasks: Task → Get Many',
		about: 'Every page of it.',
		promises: {
			...whatMayPass(['again', 'toldLater']),
			'401': 'told',
			'402': 'told',
			'404': 'told',
			slow: 'fine',
			wrongTypes: 'told',
			bigIds: 'exact',
			redirect: 'notFollowed',
			tls: 'toldLater',
		},
	},
	delete: {
		title: 'DELETE /v1/kling/tasks/{task_id}: Task → Delete',
		about: 'Spends nothing, but cannot be undone, and the second time it would be an error.',
		promises: {
			...whatMayPass('deletedOrNot'),
			'401': 'notDeleted',
			'402': 'notDeleted',
			'404': 'notDeleted',
			'429': 'notDeleted',
			'500': 'notDeleted',
			'502': 'notDeleted',
			'503': 'notDeleted',
			slow: 'fine',
			wrongTypes: 'fine',
			bigIds: 'exact',
			redirect: 'notFollowed',
			tls: 'unsent',
		},
	},
	pickers: {
		title: 'GET /v1/kling/accounts, /tasks, /tasks/{task_id}: the lists in the editor',
		about:
			'To choose the account, the task and the image from. Asked once each time a list is opened.',
		promises: {
			...whatMayPass('toldOnce'),
			'401': 'toldOnce',
			'402': 'toldOnce',
			'404': 'toldOnce',
			slow: 'fine',
			wrongTypes: 'toldOnce',
			bigIds: 'exact',
			redirect: 'notFollowed',
			tls: 'toldOnce',
		},
	},
	cleanFile: {
		title: 'GET /v1/kling/assets/download: the file without watermark',
		about: 'Download Image with Without Watermark.',
		promises: {
			...whatMayPass(['again', 'plain']),
			'401': 'plain',
			'402': 'plain',
			'404': 'plain',
			slow: 'fine',
			wrongTypes: 'plain',
			bigIds: 'exact',
			redirect: 'plain',
			tls: 'before',
		},
	},
	file: {
		title: 'The image file, from another host',
		about:
			'Download Image. Asked for without the token. It has 30 seconds to begin and 10 minutes to end, and may have 256 MB.',
		promises: {
			...whatMayPass(['again', 'withLinkLater']),
			'401': 'withLink',
			'402': 'withLink',
			'404': 'withLink',
			slow: 'fine',
			stall: 'withLink',
			wrongTypes: ['again', 'withLinkLater'],
			huge: 'withLink',
			bigIds: 'exact',
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

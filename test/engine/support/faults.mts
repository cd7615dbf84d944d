import type { Fault } from '../../../sandbox/faults.mts';

/** What can go wrong with a call, and what can come of it. */

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
		says: 'silence after half an answer',
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
		says: 'unexpected JSON',
		fault: { kind: 'json', body: WRONG_TYPES },
		words: /./,
	},
	huge: {
		says: 'an answer without end',
		fault: { kind: 'endless' },
		words: /too large|larger than/,
	},
	bigIds: { says: 'IDs past 2^53' },
	redirect: { says: 'a redirect', fault: { kind: 'redirect' }, words: /30\d/ },
	tls: { says: 'an untrusted certificate', words: /SELF_SIGNED/ },
} satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof FAULTS;
export const faults: Record<FaultName, FaultKind> = FAULTS;
export const faultNames = Object.keys(FAULTS) as FaultName[];

/** What can come of it, in words for users. */
export const outcomes = {
	fine: 'Nothing: the item continues.',
	again: 'Tried again.',
	exact: 'Kept exact, to the last digit.',
	told: 'An error at once.',
	toldLater: 'An error after a few tries.',
	toldAtLimit: "An error at Time Limit, with the task's ID and the last problem.",
	toldEarly404: 'An error after 15 seconds: until then the task may be too new to be found.',
	toldOnce: 'An error in the list, which says how to continue without it.',
	refused: 'An error. Nothing was accepted, and the job is not sent again automatically.',
	found: 'Found in the lists of useapi.net; the item continues. Never sent again.',
	lookedUp:
		'Looked up in the lists for a minute. If the task is there, the item continues. If not, the error says that the job was most likely not accepted. Never sent again.',
	unknown: 'An error: it is unknown whether the job was accepted, so check your tasks first.',
	notSent: 'An error. Nothing is sent.',
	notUploaded: 'An error. Nothing was spent.',
	nextSlot: 'Sent again when a job slot is free: a 429 has taken none.',
	noSlot: 'An error at Time Limit: all job slots are taken. Nothing was spent.',
	unsent: 'An error: nothing was sent.',
	notFollowed: 'Not followed: an error.',
	waits: 'The execution waits all the same.',
	keepsWaiting: 'The caller gets a 503; the execution keeps waiting.',
	logged: "The workflow is not started; n8n's log says why.",
	deletedOrNot:
		'Never sent again. An error: it is unknown whether the task was deleted, so look it up first.',
	notDeleted: 'An error. It is not sent again automatically.',
	toldGone: 'An error after three tries, but not within 15 seconds of sending.',
	without: 'Continues without the list: each task is read itself.',
	plain: 'The standard image, and a hint that says why.',
	followed: 'Followed, up to five times; each address is checked like the first.',
	withLink: 'An error at once.',
	withLinkLater: 'An error after three tries.',
	before: 'An earlier call fails first.',
} as const;

export type Outcome = keyof typeof outcomes;

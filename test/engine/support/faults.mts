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
	fine: 'Nothing: the item continues.',
	again: 'Tried again; the item continues.',
	exact: 'Kept exact, to the last digit.',
	told: 'An error at once, since trying again would not help.',
	toldLater: 'An error after a few tries.',
	toldAtLimit:
		"An error at Time Limit, with the task's ID and the last problem. The task may still finish.",
	toldEarly404: 'An error after 15 seconds: until then the task may be too new to be found.',
	toldOnce: 'An error in the list, which says how to continue without it.',
	refused:
		'An error that says why. Nothing was accepted, and the job is not sent again automatically.',
	found: 'Found in the lists of useapi.net and never sent again; the item continues.',
	lookedUp:
		'Looked up in the lists of useapi.net for a minute, and never sent again. If the task is there, the item continues. If not, the error says that the job was most likely not accepted.',
	unknown:
		'Looked up for a minute, then an error: it is unknown whether the job was accepted, so check your tasks first.',
	notSent: 'An error: there may be an earlier task. Nothing is sent, so nothing is spent.',
	notUploaded: 'An error that says why. No job was sent, so nothing was spent.',
	nextSlot: 'Sent again when a job slot is free: a 429 has taken none.',
	noSlot: 'An error at Time Limit: all job slots are taken. Nothing was spent.',
	unsent: 'An error that says that nothing was sent.',
	notFollowed: 'An error. The redirect is not followed, so that the API token goes nowhere else.',
	waits: 'The execution waits all the same. A callback or Time Limit resumes it.',
	keepsWaiting:
		'The caller gets a 503 and the execution keeps waiting. The next callback or Time Limit resumes it.',
	logged: "The workflow is not started; n8n's log says why.",
	deletedOrNot:
		'Never sent again. An error: it is unknown whether the task was deleted, so look it up first.',
	notDeleted: 'An error that says why. It is not sent again automatically.',
	toldGone:
		'An error after three tries, but not within 15 seconds of sending: until then the task may be too new to be found.',
	without: 'Continues without the list: each task is read itself.',
	plain: 'The standard image is downloaded instead, and a hint in the output says why.',
	followed: 'Followed, up to five times; each address is checked like the first.',
	withLink: "An error at once, with the task's ID and the link: the image exists and is paid for.",
	withLinkLater:
		"An error after three tries, with the task's ID and the link: the image exists and is paid for.",
	before: 'Cannot happen: an earlier call fails first.',
} as const;

export type Outcome = keyof typeof outcomes;

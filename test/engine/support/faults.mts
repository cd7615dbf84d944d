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
	found:
		'Found in the lists of useapi.net, and never sent again: the item goes on as if nothing had been.',
	lookedUp:
		'Looked up in the lists of useapi.net for a minute, and never sent again. If it is there the item goes on; if not, it is told that it was most likely not accepted.',
	unknown:
		'Looked up again for a minute, then told that it is unknown whether the job was accepted, and to look it up first.',
	notSent: 'Told that there may be an earlier job. Nothing is sent, so nothing is spent.',
	nextSlot: 'Sent again when a job slot is free: a 429 has taken nothing.',
	noSlot: 'Told at the Time Limit that all job slots are taken. Nothing was spent.',
	unsent: 'Told that nothing was sent.',
	notFollowed: 'Not followed, so that the API token goes nowhere else. Told.',
	sleeps: 'The execution waits all the same: a callback, or the Time Limit, brings it on.',
	sleepsOn:
		'The caller is answered 503 and the execution waits on: the next callback, or the Time Limit, brings it on.',
	logged: 'The workflow is not started; n8n’s log says why.',
	deletedOrNot:
		'Never sent again. Told that it is unknown whether the task was deleted, and to look it up first.',
	notDeleted: 'Told why, and not sent again by itself.',
	toldGone:
		'Told after three looks, and not within 15 seconds of sending: until then the task may just be too new.',
	without: 'Done without the list: every task is asked itself.',
	plain: 'The plain image is downloaded instead, and a hint in the output says why.',
	followed: 'Followed, up to five times, each address checked like the first.',
	withLink: 'Told at once, with the task’s ID and the link: the image exists and is paid for.',
	withLinkLater:
		'Told after three tries, with the task’s ID and the link: the image exists and is paid for.',
	before: 'Cannot come to that: a call before this one meets it first.',
} as const;

export type Outcome = keyof typeof outcomes;

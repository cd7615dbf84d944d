// What a POST that is refused shows. Only one is ever sent, so most of this shows by luck, or not at all.
import { record } from '../../../nodes/Kling/job/result.ts';
import { vendorText } from '../../../nodes/Kling/transport/errors.ts';
import {
	API_DOC,
	confirmed,
	judge,
	NEEDS_REFUSED_POST,
	refuted,
	SANDBOX_DOC,
	unseen,
	type Assumption,
	type Verdict,
} from '../assumption.mts';
import { told, type Seen } from '../seen.mts';
import { ourJob, whenSent } from './spent.mts';

const SUBMIT = 'nodes/Kling/job/submit.ts';
const JOBS_AT_LIMIT = 429;

/** Whether a refused POST has made a task all the same: then it is among the running jobs, with our reference. */
const tookNothing = (seen: Seen, isMeant: (status: number) => boolean): Verdict =>
	whenSent(seen, (post) => {
		if (!isMeant(post.status)) return unseen('the POST was not answered that way');
		if (seen.get('schedulerAfter')?.status !== 200) return unseen('the running jobs were not told');
		return ourJob(seen)
			? refuted(`HTTP ${post.status}, and yet our job runs`)
			: confirmed(`HTTP ${post.status}, and no job with our reference runs`);
	});

const needsRefusal = (
	id: string,
	text: string,
	mark: Assumption['mark'],
	source: Assumption['source'],
	builtOn: Assumption['builtOn'],
): Assumption => ({ id, text, mark, source, builtOn, check: () => unseen(NEEDS_REFUSED_POST) });

export const refusalAssumptions: Assumption[] = [
	{
		id: 'full-takes-nothing',
		text: 'A POST that is answered with 429 has made no task.',
		mark: 'V',
		source: { file: API_DOC, words: 'Only a 429 is known to mean "not accepted"' },
		builtOn: { file: SUBMIT, words: 'answer.status === 429' },
		check: (seen) => tookNothing(seen, (status) => status === JOBS_AT_LIMIT),
	},
	{
		id: 'refusal-takes-nothing',
		text: 'Nor has one that is answered with another 4xx, or with 500.',
		mark: 'own',
		source: {
			file: 'nodes/Kling/transport/errors.ts',
			words: 'word that the request was not carried out',
		},
		builtOn: { file: SUBMIT, words: 'if (status > 500)' },
		check: (seen) =>
			tookNothing(seen, (status) => status >= 400 && status <= 500 && status !== JOBS_AT_LIMIT),
	},
	{
		id: 'job-limit-body',
		text: 'At the job limit the answer is 429 with error and code.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '**Job limit.** 429 `{"error":' },
		builtOn: { file: 'nodes/Kling/transport/errors.ts', words: 'case 429:' },
		check: (seen) =>
			whenSent(seen, (post) => {
				if (post.status !== JOBS_AT_LIMIT) return unseen('needs an account at its job limit');
				const { error, code } = record(post.body);
				return judge(typeof error === 'string' && code === JOBS_AT_LIMIT, told(post));
			}),
	},
	{
		id: 'no-retry-after',
		text: 'A 429 comes without Retry-After.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'no `Retry-After`' },
		builtOn: { file: 'nodes/Kling/job/slots.ts', words: 'knock.retryAfterMs ??' },
		check(seen) {
			const full = seen.answers.filter(({ status }) => status === JOBS_AT_LIMIT);
			if (full.length === 0) return unseen('needs --spend on an account at its job limit');
			const header = full.map(({ headers }) => headers.get('retry-after')).find(Boolean);
			return header ? refuted(`Retry-After: ${header}`) : confirmed(`in ${full.length} answers`);
		},
	},
	needsRefusal(
		'retry-when-full',
		'10 seconds are the right pause after a 429 without Retry-After.',
		'V',
		{ file: API_DOC, words: 'vendor scripts wait 10 s and try again' },
		{ file: 'nodes/Kling/job/slots.ts', words: 'RETRY_WHEN_FULL_MS = 10_000' },
	),
	{
		id: 'moderation',
		text: 'A 500 says why in error; its message misleads.',
		mark: 'D',
		source: { file: API_DOC, words: 'often moderation: `error` tells, `message` misleads (D)' },
		builtOn: { file: 'nodes/Kling/transport/errors.ts', words: 'case 500:' },
		check: (seen) =>
			whenSent(seen, (post) => {
				if (post.status !== 500) return unseen('needs an image that moderation refuses');
				const { error } = record(post.body);
				return judge(
					typeof error === 'string' && error !== '',
					`in all: ${vendorText(post.body) ?? 'nothing'}`,
				);
			}),
	},
	needsRefusal(
		'not-completed',
		'A source task that is not finished is a 400 with "is not completed".',
		'D',
		{ file: API_DOC, words: '`{"error":"Task 123456789 is not completed"}`' },
		{ file: 'nodes/Kling/transport/errors.ts', words: '/not completed/i' },
	),
	needsRefusal(
		'reply-lengths',
		'replyUrl and replyRef may have 1024 characters; a longer one is a 400.',
		'D',
		{ file: API_DOC, words: 'at most 1024 characters each' },
		{ file: 'nodes/Kling/actions/parameters.ts', words: 'MAX_REPLY_LENGTH = 1024' },
	),
	needsRefusal(
		'order-of-checks',
		'A POST is checked in this order: token, subscription, fields, account, task, work, job limit, moderation.',
		'own',
		{ file: SANDBOX_DOC, words: '**Order of checks:**' },
		{ file: 'sandbox/upscale.mts', words: 'From here to the end nothing waits' },
	),
	needsRefusal(
		'max-jobs',
		"maxJobs in the request stands in for the account's own limit.",
		'own',
		{ file: SANDBOX_DOC, words: '`maxJobs` in the request stands in' },
		{ file: 'sandbox/upscale.mts', words: 'readMaxJobs(body.maxJobs) ?? account.maxJobs' },
	),
	needsRefusal(
		'field-errors',
		'A missing or wrong field is a 400.',
		'own',
		{ file: SANDBOX_DOC, words: '**Error texts** of 400 for missing or wrong fields' },
		{ file: 'nodes/Kling/transport/errors.ts', words: 'case 400:' },
	),
];

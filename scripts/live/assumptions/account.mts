// Who may ask, and how the API refuses.
import { record } from '../../../nodes/Kling/job/result.ts';
import {
	API_DOC,
	confirmed,
	judge,
	judgeStatus,
	NEEDS_MORE_ACCOUNTS,
	refuted,
	SANDBOX_DOC,
	unseen,
	type Assumption,
} from '../assumption.mts';
import { records, told, wordsOf, type Answer } from '../seen.mts';

const MAX_JOBS = 50;
const READ_TIMEOUT_MS = 30_000;

const isRefused = ({ status, lost }: Answer) => !lost && status >= 400;

export const accountAssumptions: Assumption[] = [
	{
		id: 'account',
		text: 'GET /v2/account tells by subscriptionIsActive whether the subscription is active.',
		mark: 'D',
		source: { file: API_DOC, words: 'subscriptionIsActive, subscriptions, maxAccountsPerAPI' },
		builtOn: {
			file: 'credentials/UseApiNetApi.credentials.ts',
			words: "key: 'subscriptionIsActive'",
		},
		check(seen) {
			const account = seen.body('account');
			if (!account) return unseen('the account was not told');
			const value = account.subscriptionIsActive;
			return judge(typeof value === 'boolean', `subscriptionIsActive is ${String(value)}`);
		},
	},
	{
		id: 'wrong-token',
		text: 'A wrong token is a 401.',
		mark: 'D',
		source: { file: API_DOC, words: '401 on a bad token: the credential test' },
		builtOn: { file: 'credentials/UseApiNetApi.credentials.ts', words: 'value: 401' },
		check(seen) {
			return judgeStatus(seen.get('wrongToken'), 401);
		},
	},
	{
		id: 'no-subscription',
		text: 'Without a subscription every /v1 call is a 402, while /v2/account still answers.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '**402** on every `/v1` call' },
		builtOn: { file: 'nodes/Kling/transport/errors.ts', words: 'case 402:' },
		check(seen) {
			const answers = seen.answers.filter(({ path, lost }) => path.startsWith('/v1/') && !lost);
			const paid = answers.filter(({ status }) => status === 402).length;
			const evidence = `${paid} of ${answers.length} calls were a 402`;
			if (seen.body('account')?.subscriptionIsActive === false) {
				return judge(paid === answers.length, evidence);
			}
			return paid > 0
				? refuted(`${evidence}, although the subscription is active`)
				: unseen('needs an account whose subscription has lapsed');
		},
	},
	{
		id: 'accounts-by-email',
		text: 'GET /v1/kling/accounts is an object keyed by email.',
		mark: 'D',
		source: { file: API_DOC, words: 'object keyed by email' },
		builtOn: { file: 'nodes/Kling/methods/listSearch.ts', words: 'Object.keys(answerOrThrow' },
		check(seen) {
			const keys = Object.keys(seen.body('accounts') ?? {});
			if (keys.length === 0) return unseen('needs a connected Kling account');
			const emails = keys.filter((key) => key.includes('@'));
			return judge(
				emails.length === keys.length,
				`${emails.length} of ${keys.length} keys are email addresses`,
			);
		},
	},
	{
		id: 'no-account',
		text: 'GET /v1/kling/accounts is a 404 when no Kling account is connected.',
		mark: 'D',
		source: { file: API_DOC, words: '404 when no Kling account is connected' },
		builtOn: { file: 'nodes/Kling/methods/listSearch.ts', words: 'result.status === 404' },
		check(seen) {
			const answer = seen.get('accounts');
			if (answer?.status === 404) return confirmed(told(answer));
			return answer?.status === 200 && Object.keys(record(answer.body)).length === 0
				? refuted('an empty object came instead')
				: unseen('needs a useapi.net account without a Kling account');
		},
	},
	{
		id: 'max-jobs-range',
		text: 'A Kling account runs 1 to 50 jobs at once.',
		mark: 'D',
		source: { file: API_DOC, words: '`maxJobs` (1 to 50)' },
		builtOn: { file: 'nodes/Kling/actions/parameters.ts', words: `MAX_JOBS = ${MAX_JOBS}` },
		check(seen) {
			const limits = Object.values(seen.body('accounts') ?? {})
				.map((account) => record(account).maxJobs)
				.filter((limit) => limit !== undefined);
			if (limits.length === 0) return unseen('no account tells its maxJobs');
			const holds = limits.every((limit) => Number(limit) >= 1 && Number(limit) <= MAX_JOBS);
			return judge(holds, `maxJobs: ${limits.join(', ')}`);
		},
	},
	{
		id: 'email-required',
		text: 'With several Kling accounts a call without email is a 400.',
		mark: 'V',
		source: { file: API_DOC, words: '"without it the lookup 400s"' },
		builtOn: { file: 'nodes/Kling/transport/errors.ts', words: 'With several Kling accounts' },
		check(seen) {
			const answer = seen.accounts.length > 1 ? seen.get('taskWithoutEmail') : undefined;
			return judgeStatus(answer, 400, NEEDS_MORE_ACCOUNTS);
		},
	},
	{
		id: 'email-optional',
		text: 'With one Kling account email may be left out.',
		mark: 'D',
		source: { file: API_DOC, words: '`email` becomes required once more than one' },
		builtOn: {
			file: 'nodes/Kling/actions/parameters.ts',
			words: 'empty means the only one there is',
		},
		check(seen) {
			const answer = seen.accounts.length === 1 ? seen.get('taskWithoutEmail') : undefined;
			const needed = 'needs a single Kling account, and a finished image task in it';
			return judgeStatus(answer, 200, needed);
		},
	},
	{
		id: 'other-account',
		text: "Another account's email makes a task a 404.",
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'a task made by a POST belongs to its account' },
		builtOn: { file: 'nodes/Kling/transport/errors.ts', words: 'another Kling account' },
		check(seen) {
			return judgeStatus(seen.get('taskOfOtherAccount'), 404, NEEDS_MORE_ACCOUNTS);
		},
	},
	{
		id: 'unknown-account',
		text: 'The email of no connected account is a 404.',
		mark: 'D',
		source: { file: API_DOC, words: 'no such account, task or configuration' },
		builtOn: { file: 'nodes/Kling/transport/errors.ts', words: 'case 404:' },
		check(seen) {
			return judgeStatus(seen.get('unknownAccount'), 404);
		},
	},
	{
		id: 'error-words',
		text: 'Every refusal has words: a text `error`, or plain text.',
		mark: 'D',
		source: { file: API_DOC, words: '`{"error":"…"}`' },
		builtOn: { file: 'nodes/Kling/transport/errors.ts', words: 'export function vendorText' },
		check(seen) {
			const refusals = seen.answers.filter(isRefused);
			if (refusals.length === 0) return unseen('nothing was refused');
			const silent = refusals.find((answer) => wordsOf(answer) === '');
			return silent ? refuted(told(silent)) : confirmed(`in ${refusals.length} refusals`);
		},
	},
	{
		id: 'error-without-code',
		text: 'A 404 has an `error` and no `code`.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'An `error` without `code`' },
		builtOn: { file: 'sandbox/context.mts', words: 'new ApiError(404, { error:' },
		check(seen) {
			const unknown = seen.get('unknownTask');
			if (unknown?.status !== 404) return unseen('no 404 of a task came');
			const { error, code } = record(unknown.body);
			return judge(
				typeof error === 'string' && code === undefined,
				`error: a ${typeof error}, code: ${String(code)}`,
			);
		},
	},
	{
		id: 'no-redirect',
		text: 'The API never redirects.',
		mark: 'own',
		source: { file: 'nodes/Kling/transport/client.ts', words: 'wherever the redirect points' },
		builtOn: { file: 'nodes/Kling/transport/client.ts', words: 'disableFollowRedirect: true' },
		check(seen) {
			const moved = seen.answers.find(({ status }) => status >= 300 && status < 400);
			return moved
				? refuted(`${moved.method} ${moved.path} was an HTTP ${moved.status}`)
				: confirmed(`in ${seen.answers.length} answers`);
		},
	},
	{
		id: 'json',
		text: 'Every success is JSON.',
		mark: 'own',
		source: { file: 'nodes/Kling/transport/client.ts', words: 'is not JSON' },
		builtOn: { file: 'nodes/Kling/transport/client.ts', words: "outcome: 'lost', reason: 'the" },
		check(seen) {
			const good = seen.answers.filter(({ status }) => status >= 200 && status < 300);
			const other = good.find(({ body }) => typeof body !== 'object' || body === null);
			if (other) return refuted(`${other.method} ${other.path}: ${told(other)}`);
			return good.length > 0 ? confirmed(`in ${good.length} answers`) : unseen('no success came');
		},
	},
	{
		id: 'read-time',
		text: 'A read is answered within 30 seconds.',
		mark: 'own',
		source: { file: 'nodes/Kling/transport/client.ts', words: 'a slow one is given up early' },
		builtOn: { file: 'nodes/Kling/transport/client.ts', words: 'READ_TIMEOUT_MS = 30_000' },
		check(seen) {
			const reads = seen.answers.filter(({ method }) => method === 'GET');
			if (reads.length === 0) return unseen('nothing was read');
			const slowest = Math.max(...reads.map(({ tookMs }) => tookMs));
			return judge(slowest < READ_TIMEOUT_MS, `the slowest of ${reads.length} took ${slowest} ms`);
		},
	},
	{
		id: 'no-rate-limit',
		text: 'Reads are not limited in number.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '**No rate limit**' },
		builtOn: { file: 'nodes/Kling/job/kit.ts', words: 'MAX_PARALLEL_READS = 10' },
		check(seen) {
			const reads = seen.answers.filter(({ method }) => method === 'GET');
			const limited = reads.find(({ status }) => status === 429);
			return limited
				? refuted(told(limited))
				: unseen(`not met in ${reads.length} reads, one after the other`);
		},
	},
	{
		id: 'scheduler',
		text: 'GET /v1/kling/scheduler is an array of running jobs with id and email.',
		mark: 'D',
		source: { file: API_DOC, words: 'array of running jobs' },
		builtOn: { file: 'sandbox/models.mts', words: 'export function schedulerItem' },
		check(seen) {
			const answers = [...seen.all('scheduler'), ...seen.all('schedulerAfter')].filter(
				({ status }) => status === 200,
			);
			if (answers.length === 0) return unseen('the running jobs were not told');
			const bad = answers.find(({ body }) => !Array.isArray(body));
			if (bad) return refuted(told(bad));
			const jobs = answers.flatMap(({ body }) => records(body));
			if (jobs.length === 0) return unseen('an array, but no job was running');
			return judge(
				jobs.every(({ id, email }) => id !== undefined && typeof email === 'string'),
				`fields: ${Object.keys(jobs[0]).join(', ')}`,
			);
		},
	},
	{
		id: 'available',
		text: 'GET /v1/kling/scheduler/available tells maxJobs, executing and available by account.',
		mark: 'D',
		source: { file: API_DOC, words: 'available:[{email, maxJobs, executing, available}]' },
		builtOn: { file: 'sandbox/api.mts', words: 'available: Math.max(0, maxJobs - executing)' },
		check(seen) {
			const free = records(seen.body('available')?.available);
			if (free.length === 0) return unseen('no account was told');
			const numbers = free.map(({ maxJobs, executing, available }) => [
				maxJobs,
				executing,
				available,
			]);
			const holds = numbers.flat().every((value) => typeof value === 'number');
			return judge(holds, `maxJobs/executing/available: ${numbers.join('; ')}`);
		},
	},
];

// The useapi.net account and its Kling accounts; and what holds of every answer, whatever was asked.
import type { Json } from '../../contract/support/documented.mts';
import { need, test } from '../assumption.mts';
import { told, SCHEDULER, TASKS, wordsOf, type Answer, type Live } from '../live.mts';
import { jobsOf } from '../paid.mts';

const WRONG_TOKEN = 'user:0-this-token-is-wrong-on-purpose';
const READ_TIMEOUT_MS = 30_000;
const NEEDS_MORE_ACCOUNTS = 'needs several Kling accounts';

test('account (D): GET /v2/account tells by subscriptionIsActive whether the subscription is active', async (live) =>
	expect(typeof (await live.read('/v2/account')).subscriptionIsActive).toBe('boolean'));
test('wrong-token (D): a wrong token is a 401', async (live) => {
	const { status } = await live.send('/v2/account', {}, { token: WRONG_TOKEN });
	need(status !== 0 && status !== 429 && status < 500, `HTTP ${status}`);
	expect(status).toBe(401);
});
test('no-subscription (own): without a subscription every /v1 call is a 402, while /v2/account still answers', async (live) => {
	const isActive = (await live.read('/v2/account')).subscriptionIsActive;
	const answers = (await live.everything()).filter(({ path }) => path.startsWith('/v1/'));
	expect(answers.map(({ status }) => status === 402)).not.toContain(isActive);
	need(!isActive, 'needs an account whose subscription has lapsed');
});
test('accounts-by-email (D): GET /v1/kling/accounts is an object keyed by email', async (live) => {
	const keys = await live.accounts();
	need(keys.length > 0, 'needs a connected Kling account');
	for (const key of keys) expect(key).toContain('@');
});
test('no-account (D): GET /v1/kling/accounts is a 404 when no Kling account is connected', async (live) => {
	need((await live.accounts()).length === 0, 'needs a useapi.net account without a Kling account');
	expect(told(await live.ask('/v1/kling/accounts'))).toMatch(/^HTTP 404\b/);
});
test('max-jobs-range (D): a Kling account runs 1 to 50 jobs at once', async (live) => {
	await live.email();
	const accounts: Json[] = Object.values(await live.read('/v1/kling/accounts'));
	const limits = accounts.map(({ maxJobs }) => maxJobs).filter((limit) => limit !== undefined);
	need(limits.length > 0, 'no account tells its maxJobs');
	expect(limits.filter((limit) => !(limit >= 1 && limit <= 50))).toEqual([]);
});
const sourcePath = async (live: Live) => `${TASKS}/${(await live.source()).taskId}`;

test('email-required (V): with several Kling accounts a call without email is a 400', async (live) => {
	need((await live.accounts()).length > 1, NEEDS_MORE_ACCOUNTS);
	expect(told(await live.ask(await sourcePath(live)))).toMatch(/^HTTP 400\b/);
});
test('email-optional (D): with one Kling account email may be left out', async (live) => {
	need((await live.accounts()).length === 1, 'needs a single Kling account');
	expect(told(await live.ask(await sourcePath(live)))).toMatch(/^HTTP 200\b/);
});
test("other-account (own): another account's email makes a task a 404", async (live) => {
	const { email } = await live.email();
	const other = (await live.accounts()).find((account) => account !== email);
	need(email && other, NEEDS_MORE_ACCOUNTS);
	expect(told(await live.ask(await sourcePath(live), { email: other }))).toMatch(/^HTTP 404\b/);
});
test('unknown-account (D): the email of no connected account is a 404', async (live) => {
	await live.email();
	expect(told(await live.ask(TASKS, { email: 'nobody@example.com' }))).toMatch(/^HTTP 404\b/);
});
test('scheduler (D): GET /v1/kling/scheduler is an array of running jobs with id and email', async (live) => {
	const running = await live.read(SCHEDULER);
	expect(running).toBeInstanceOf(Array);
	const jobs = live.options.spend ? jobsOf((await live.paid()).scheduler) : running;
	need(jobs.length > 0, 'an array, but no job was running');
	for (const job of jobs) {
		expect(job).toMatchObject({ id: expect.anything(), email: expect.stringContaining('@') });
	}
});

/** Those of all answers whose status lies between. */
async function answered(live: Live, from: number, to: number): Promise<Answer[]> {
	const answers = await live.everything();
	return answers.filter(({ status }) => status >= from && status < to);
}
const toLines = (answers: Answer[]) =>
	answers.map(({ method, path, status }) => `${method} ${path} ${status}`);

test('error-words (D): every refusal has words: a text `error`, or plain text', async (live) => {
	const refusals = await answered(live, 400, 600);
	need(refusals.length > 0, 'nothing was refused');
	expect(toLines(refusals.filter((answer) => wordsOf(answer) === ''))).toEqual([]);
});
test('no-redirect (own): the API never redirects', async (live) =>
	expect(toLines(await answered(live, 300, 400))).toEqual([]));
test('json (own): every success is JSON', async (live) => {
	const good = await answered(live, 200, 300);
	need(good.length > 0, 'no success came');
	expect(toLines(good.filter(({ body }) => typeof (body ?? '') !== 'object'))).toEqual([]);
});
test('read-time (own): a read is answered within 30 seconds', async (live) => {
	await live.everything();
	const reads = live.answers.filter(({ method }) => method === 'GET');
	expect(Math.max(...reads.map(({ tookMs }) => tookMs))).toBeLessThan(READ_TIMEOUT_MS);
});
test('no-rate-limit (own): reads are not limited in number', async (live) => {
	const refused = await answered(live, 429, 430);
	expect(toLines(refused.filter(({ method }) => method === 'GET'))).toEqual([]);
	need(false, `not met in ${live.answers.length} calls, one after the other`);
});

// What a refused POST shows. Some are sent on purpose, for works that nobody has; the others show by luck.
import { need, test } from '../assumption.mts';
import { told, type Live } from '../live.mts';
import { jobsOf } from '../paid.mts';

const JOBS_AT_LIMIT = 429;

/** A POST that made a task all the same is among the running jobs, with our reference. */
async function expectNoJob(live: Live, isMeant: (status: number) => boolean) {
	const { post, scheduler, reference } = await live.paid();
	need(isMeant(post.status), 'the POST was not refused so');
	need(scheduler.status === 200, told(scheduler));
	expect(jobsOf(scheduler).map(({ replyRef }) => replyRef)).not.toContain(reference);
}

test('full-takes-nothing (V): a POST that is answered with 429 has made no task', async (live) =>
	await expectNoJob(live, (status) => status === JOBS_AT_LIMIT));
test('refusal-takes-nothing (own): nor has one that is answered with another 4xx, or with 500', async (live) =>
	await expectNoJob(live, (code) => code >= 400 && code <= 500 && code !== JOBS_AT_LIMIT));
test('job-limit-body (own): at the job limit the answer is 429 with error and code', async (live) => {
	const { post } = await live.paid();
	need(post.status === JOBS_AT_LIMIT, 'needs an account at its job limit');
	expect(post.body).toMatchObject({ error: expect.any(String), code: JOBS_AT_LIMIT });
});
test('no-retry-after (own): a 429 comes without Retry-After', async (live) => {
	const full = (await live.everything()).filter(({ status }) => status === JOBS_AT_LIMIT);
	need(full.length > 0, 'needs an account at its job limit, and KLING_SPEND=1');
	for (const { headers } of full) expect(headers.get('retry-after')).toBeNull();
});
test('moderation (D): a 500 says why in error; its message misleads', async (live) => {
	const { post } = await live.paid();
	need(post.status === 500, 'needs an image that moderation refuses');
	expect(post.body?.error).toMatch(/./);
});
test('not-completed (D): a source task that is not finished is a 400 with "is not completed"', async (live) => {
	const { unfinished } = await live.paid();
	need(unfinished, 'no task was running');
	expect(told(unfinished)).toMatch(/^HTTP 400 .*is not completed/);
});
test('field-errors (own): a missing or wrong field is a 400', async (live) => {
	expect(told(await live.probe({ task_id: undefined }))).toMatch(/^HTTP 400\b/);
	expect(told(await live.probe({ task_id: 'no number' }))).toMatch(/^HTTP 400\b/);
});
test('reply-lengths (D): replyUrl and replyRef may have 1024 characters; a longer one is a 400', async (live) => {
	const { status } = await live.probe({});
	need(status !== 400, 'a task that does not exist is a 400 as well');
	for (const field of ['replyUrl', 'replyRef']) {
		const value = 'https://example.com/'.padEnd(1024, 'x');
		expect((await live.probe({ [field]: value })).status).toBe(status);
		expect(told(await live.probe({ [field]: `${value}x` }))).toMatch(/^HTTP 400\b/);
	}
});
test('retry-when-full (V): 10 seconds are the right pause after a 429 without Retry-After');

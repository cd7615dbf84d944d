// What one paid upscale shows, from its POST to its end. A refusal shows by luck, or by a POST for a work that nobody has.
import model from '../../contract/documented/model.json';
import { isNewField, misfits } from '../../contract/support/shapes.mts';
import { need, test } from '../assumption.mts';
import { told, type Live } from '../live.mts';
import { idOf, isFinal, jobsOf, MINUTE_MS, type Paid } from '../paid.mts';

const EARLY_404_MS = 15_000;

/** For what an accepted POST shows. */
async function accepted(live: Live): Promise<Paid> {
	const paid = await live.paid();
	need(paid.post.status === 200, `the POST was not accepted: ${told(paid.post)}`);
	return paid;
}

test('accepted (D): an accepted POST answers 200 with the Model, submitted, and empty works', async (live) => {
	const { body } = (await accepted(live)).post;
	expect(misfits(body, model).filter((misfit) => !isNewField(misfit))).toEqual([]);
	expect(body).toMatchObject({ status_name: 'submitted', works: [] });
});
test("task-id (V): the new task's id is task.id; there is no task_id at the top", async (live) => {
	const { body } = (await accepted(live)).post;
	expect([idOf(body), body.task_id]).toEqual([expect.any(String), undefined]);
});
test('post-time (own): a POST is answered within 300 seconds', async (live) => {
	const { lost, tookMs } = (await live.paid()).post;
	need(!lost || tookMs >= 300_000, 'the answer to the POST was lost');
	expect(tookMs).toBeLessThan(300_000);
});
test('early-404 (T): right after its creation a task can be unknown, for less than 15 seconds', async (live) => {
	const { post, looks } = await accepted(live);
	const found = looks.findIndex(({ status }) => status === 200);
	const early = looks.slice(0, Math.max(0, found)).filter(({ status }) => status === 404);
	need(early.length > 0, 'it was there at the first look, which proves nothing');
	expect(early.at(-1)!.atMs - post.atMs - post.tookMs).toBeLessThan(EARLY_404_MS);
});
test('time-limit (own): an upscale is finished within 600 seconds', async (live) => {
	const { post, looks, final } = await live.paid();
	const tookMs = (looks.at(-1)?.atMs ?? 0) - post.atMs;
	need(final || tookMs >= 600_000, 'the upscale was not seen to its end');
	expect(tookMs).toBeLessThan(600_000);
});
test('trigger-update-time (I): task.updateTime is the time of the last change, in epoch milliseconds', async (live) => {
	const end = (await live.paid()).looks.find(({ body }) => isFinal(body));
	need(end?.body.task?.updateTime, 'needs a finished upscale that tells its updateTime');
	expect(Math.abs(end.atMs - end.body.task.updateTime)).toBeLessThan(60 * MINUTE_MS);
});
test("clock-skew (own): the API's clock and this machine's are less than two minutes apart", async (live) => {
	const made = live.options.spend ? (await live.paid()).post.body?.task?.createTime : undefined;
	for (const { headers, atMs, tookMs } of await live.everything()) {
		const date = Date.parse(headers.get('date')!);
		expect(Math.abs(date - atMs)).toBeLessThan(2 * MINUTE_MS + tookMs);
	}
	if (made) expect(Math.abs(made - (await live.paid()).post.atMs)).toBeLessThan(2 * MINUTE_MS);
});
test('scheduler-lists-running (D): GET /v1/kling/scheduler lists a job that was just accepted, by its task id', async (live) => {
	const { scheduler, taskId, looks } = await accepted(live);
	need(scheduler.status === 200, told(scheduler));
	need(!isFinal(looks[0]?.body), 'the task was finished at once');
	expect(jobsOf(scheduler).map(({ id }) => String(id))).toContain(taskId);
});
test('list-shows-new-tasks (V): GET /v1/kling/tasks shows a task within a minute of its acceptance, whatever its state', async (live) => {
	const { listed } = await accepted(live);
	need(!listed?.wasFinal, 'it was in the list only when it was finished');
	expect(listed?.afterMs).toBeLessThan(MINUTE_MS);
});

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

/** For what useapi.net sends to a reply URL. */
async function called(live: Live): Promise<Paid> {
	need(live.options.receive, 'needs KLING_SPEND=1 and KLING_REPLY_URL');
	const paid = await live.paid();
	need(paid.callbacks.length > 0, 'no call came; can the reply URL be reached from the internet?');
	return paid;
}

test('callback-model (D): a callback is a POST of JSON with the body that GET returns', async (live) => {
	const { callbacks, taskId } = await called(live);
	for (const { method, contentType, body } of callbacks) {
		expect([method, contentType]).toEqual(['POST', expect.stringContaining('json')]);
		expect(idOf(body)).toBe(taskId);
	}
});
test('callback-several (D): a task is reported several times, in order: progress, then the end', async (live) => {
	const finals = (await called(live)).callbacks.map(({ body }) => isFinal(body));
	expect(finals.length).toBeGreaterThan(1);
	expect(finals.indexOf(true)).toBe(finals.length - 1);
});
test('callback-reference (own): replyRef stands at the top level of a callback', async (live) => {
	const { callbacks, reference } = await called(live);
	for (const { body } of callbacks) expect(body).toMatchObject({ replyRef: reference });
});
test('callback-lag (I): GET shows a finished task at most a minute after its final callback', async (live) => {
	const { callbacks, looks, final } = await called(live);
	const call = callbacks.find(({ body }) => isFinal(body));
	need(call, 'no call said that the task is finished');
	const late = looks.findLast(({ status, body }) => status === 200 && !isFinal(body));
	expect((late?.atMs ?? 0) - call.atMs).toBeLessThanOrEqual(MINUTE_MS);
	need(final, 'the upscale was not seen to its end');
});

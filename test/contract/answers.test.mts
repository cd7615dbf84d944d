import type { Sandbox } from '../../sandbox/server.mts';
import tooLong from './documented/reply-url.400.json';
import noSubscription from './documented/subscription.402.json';
import notCompleted from './documented/upscale.400.json';
import unauthorized from './documented/upscale.401.json';
import moderation from './documented/upscale.500.json';
import {
	call,
	finished,
	SOURCE,
	startDocumented,
	TASK,
	until,
	upscale,
	WORK,
} from './support/documented.mts';

/** The answers that are not 200. */

let sandbox: Sandbox;
afterEach(async () => await sandbox.close());

test('400 while the source task is not completed', async () => {
	for (const status of ['submitted', 'processing', 'failed'] as const) {
		sandbox = await startDocumented({ seeds: [{ taskId: '200000001', status }] });
		const { status: code, body } = await upscale(sandbox, { ...SOURCE, task_id: '200000001' });
		expect(code).toBe(400);
		expect(body).toEqual({ error: notCompleted.error.replace(TASK, '200000001') });
		await sandbox.close();
	}
});

test('400 for a request that cannot be right', async () => {
	sandbox = await startDocumented();
	const long = 'x'.repeat(1025);
	const wrong = [
		{ workId: WORK },
		{ task_id: TASK },
		{ task_id: 'abc', workId: WORK },
		{ ...SOURCE, maxJobs: 0 },
		{ ...SOURCE, maxJobs: 51 },
		{ ...SOURCE, maxJobs: 1.5 },
		{ ...SOURCE, replyRef: long },
	];
	for (const body of wrong) expect((await upscale(sandbox, body)).status).toBe(400);
	const { status, body } = await upscale(sandbox, { ...SOURCE, replyUrl: long });
	expect([status, body]).toEqual([400, tooLong]);
	expect((await upscale(sandbox, { ...SOURCE, maxJobs: 50 })).status).toBe(200);
});

test('401 for a wrong token, on every route', async () => {
	sandbox = await startDocumented();
	const routes = [
		'/v2/account',
		'/v1/kling/accounts',
		'/v1/kling/tasks',
		`/v1/kling/tasks/${TASK}`,
		'/v1/kling/scheduler',
		'/v1/kling/scheduler/available',
		'/v1/kling/accounts/artist@example.com',
		'/v1/kling/assets/download?workIds=1',
		'/v1/kling/assets',
		'/v1/kling/images/upscale',
		'/v1/kling/images/enhance',
	];
	for (const path of routes) {
		const method = /(assets|upscale|enhance)$/.test(path) ? 'POST' : 'GET';
		// A token without its "user:" is another token.
		for (const authorization of ['', 'Bearer wrong', sandbox.token, 'Bearer 1234-sandbox']) {
			const { status, body } = await call(sandbox, path, { method, headers: { authorization } });
			expect([path, status, body]).toEqual([path, 401, unauthorized]);
		}
	}
});

test('402 without a subscription', async () => {
	sandbox = await startDocumented({ subscription: false });
	expect(await upscale(sandbox)).toMatchObject({ status: 402, body: noSubscription });
	const account = await call(sandbox, '/v2/account');
	expect(account).toMatchObject({ status: 200, body: { subscriptionIsActive: false } });
});

test('404 for what does not exist', async () => {
	sandbox = await startDocumented({ seeds: [{ taskId: '200000001', withoutWorks: true }] });
	const unknown = [
		{ task_id: '404404404', workId: WORK },
		{ task_id: TASK, workId: '404404404' },
		{ task_id: '200000001', workId: WORK },
		{ ...SOURCE, email: 'nobody@example.com' },
	];
	for (const body of unknown) {
		const answer = await upscale(sandbox, body);
		expect(answer).toMatchObject({ status: 404, body: { error: expect.any(String) } });
	}
	expect((await call(sandbox, '/v1/kling/tasks/404404404')).status).toBe(404);
});

test('429 at the job limit, and room again once a job ends', async () => {
	sandbox = await startDocumented({ accounts: [{ email: 'a@example.com', maxJobs: 2 }] });
	const answers = await Promise.all([1, 2, 3, 4].map(() => upscale(sandbox)));
	expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429]);
	const refused = answers.find(({ status }) => status === 429);
	expect(refused?.body).toEqual({ error: expect.any(String), code: 429 });
	expect(refused?.headers.has('retry-after')).toBe(false);
	await until(async () => (await upscale(sandbox)).status === 200);
	expect(sandbox.peakJobs.get('a@example.com')).toBe(2);
});

test('maxJobs in the request stands in for the account’s own limit', async () => {
	sandbox = await startDocumented({ accounts: [{ email: 'a@example.com', maxJobs: 1 }] });
	sandbox.settings.retryAfterSeconds = 3;
	expect((await upscale(sandbox)).status).toBe(200);
	const refused = await upscale(sandbox);
	expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '3']);
	expect((await upscale(sandbox, { ...SOURCE, maxJobs: 2 })).status).toBe(200);
	expect((await upscale(sandbox, { ...SOURCE, maxJobs: 2 })).status).toBe(429);
});

test('500 when moderation refuses the picture: no task is made', async () => {
	sandbox = await startDocumented({ seeds: [{ taskId: '200000001', upscale: 'forbidden' }] });
	const answer = await upscale(sandbox, { task_id: '200000001', workId: '200000002' });
	expect([answer.status, answer.body]).toEqual([500, moderation]);
	expect((await call(sandbox, '/_sandbox/state')).body).toMatchObject({ posts: 1, accepted: 0 });
});

test('several accounts: email is required, and a task belongs to its account', async () => {
	const accounts = [
		{ email: 'a@example.com', maxJobs: 1 },
		{ email: 'b@example.com', maxJobs: 1 },
	];
	sandbox = await startDocumented({ accounts });
	for (const path of ['/v1/kling/tasks', `/v1/kling/tasks/${TASK}`]) {
		const answer = await call(sandbox, path);
		expect(answer).toMatchObject({
			status: 400,
			body: { error: expect.stringContaining('email') },
		});
		expect((await call(sandbox, `${path}?email=b%40example.com`)).status).toBe(200);
	}
	expect((await upscale(sandbox)).status).toBe(400);
	const { body } = await upscale(sandbox, { ...SOURCE, email: 'b@example.com' });
	const path = `/v1/kling/tasks/${body.task.id}?email=`;
	expect((await call(sandbox, `${path}b@example.com`)).status).toBe(200);
	expect((await call(sandbox, `${path}a@example.com`)).status).toBe(404);
	expect((await upscale(sandbox, { ...SOURCE, email: 'a@example.com' })).status).toBe(200);
	expect((await upscale(sandbox, { ...SOURCE, email: 'b@example.com' })).status).toBe(429);
});

test('a task that fails says why, and has no works', async () => {
	sandbox = await startDocumented({ seeds: [{ taskId: '200000001', upscale: 'fails' }] });
	const { body } = await upscale(sandbox, { task_id: '200000001', workId: '200000002' });
	expect(await finished(sandbox, body.task.id)).toMatchObject({
		status: 6,
		status_name: 'failed',
		status_final: true,
		works: [],
		error: expect.stringMatching(/\w/),
	});
});

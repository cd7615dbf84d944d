import { openSandbox, startSandbox } from '../../../sandbox/server.mts';
import {
	call,
	getTask,
	SOURCE,
	startDocumented,
	TASK,
	until,
	upscale,
	WORK,
} from '../support/documented.mts';

/** What the sandbox does for tests that look for rare cases: it lags behind itself, and needs neither sockets nor files. */

// Fastify's inject loads it; it is an ES module, which jest does not load on Node 20, and nobody here has cookies.
jest.mock('cookie', () => ({}));

const URL = 'http://127.0.0.1/hook';
let sandbox: Awaited<ReturnType<typeof startSandbox>> | Awaited<ReturnType<typeof openSandbox>>;
afterEach(async () => await sandbox.close());

test('with readLagMs a callback says before GET does that a task is finished', async () => {
	const own = await startDocumented({ jobMs: 100, readLagMs: 1_000, deliver: async () => 200 });
	sandbox = own;
	const { id } = (await upscale(own, { ...SOURCE, replyUrl: URL })).body.task;
	const called = await until(() =>
		own.callbacks.find(({ statusName }) => statusName === 'succeed'),
	);
	expect((await getTask(own, id)).status_final).toBe(false);
	await until(async () => (await getTask(own, id)).status_final);
	expect(Date.now() - called.at).toBeGreaterThanOrEqual(950);
});

test('with listLagMs a new task is not in lists at once', async () => {
	const own = await startDocumented({ jobMs: 60_000, listLagMs: 500, listWholeModels: true });
	sandbox = own;
	const { id } = (await upscale(own)).body.task;
	const listed = async () => {
		const running = (await call(own, '/v1/kling/scheduler')).body;
		const { history } = (await call(own, '/v1/kling/tasks')).body;
		return [...running, ...history.map(({ task }: { task: object }) => task)].filter(
			(task: { id: number }) => task.id === id,
		).length;
	};
	expect(await listed()).toBe(0);
	expect((await getTask(own, id)).task.id).toBe(id);
	await until(async () => (await listed()) === 2);
});

test('without listening, drawing or HTTP callbacks: requests are handed in, callbacks handed out', async () => {
	const told: string[] = [];
	const deliver = async (url: string, body: string) => {
		told.push(`${url} ${JSON.parse(body).status_name}`);
		return 200;
	};
	const seeds = [{ taskId: TASK, workId: WORK }];
	const own = await openSandbox({ onePixel: true, jobMs: 100, seeds, deliver });
	sandbox = own;
	const headers = { authorization: `Bearer ${own.token}` };
	const payload = { ...SOURCE, replyUrl: URL };
	const url = `${own.url}/v1/kling/images/upscale`;
	const sent = await own.inject({ method: 'POST', url, headers, payload });
	expect(sent.statusCode).toBe(200);
	await until(() => told.length === 2);
	expect(told).toEqual([`${URL} processing`, `${URL} succeed`]);
	const taskUrl = `${own.url}/v1/kling/tasks/${sent.json().task.id}`;
	const task = (await own.inject({ url: taskUrl, headers })).json();
	const file = await own.inject({ url: task.works[0].resource.resource });
	expect(file.rawPayload.subarray(1, 4).toString()).toBe('PNG');
});

test('an upload and an enhance without listening or drawing', async () => {
	const own = await openSandbox({ onePixel: true, jobMs: 100 });
	sandbox = own;
	const post = async (path: string, payload: object, type: string) => {
		const headers = { authorization: `Bearer ${own.token}`, 'content-type': type };
		const url = `${own.url}/v1/kling/${path}`;
		return (await own.inject({ method: 'POST', url, headers, payload })).json();
	};
	const { url: image } = await post('assets', Buffer.from('no image'), 'image/png');
	const { task } = await post('images/enhance', { image }, 'application/json');
	expect(task.taskInfo.inputs[0].url).toBe(image);
	const link = await post(
		'images/enhance',
		{ image: 'https://example.com/a.png' },
		'application/json',
	);
	expect(link.status_name).toBe('submitted');
	await until(async () => (await own.tasks()).every(({ status }) => status === 'succeed'));
});

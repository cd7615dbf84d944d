import type { Sandbox } from '../../../sandbox/server.mts';
import { call, startDocumented, TASK, until, upscale } from '../support/documented.mts';

/** Each kind of fault does what it says, as often as it says, to the requests it names. */

const ACCOUNT = '/v2/account';

let sandbox: Sandbox;
beforeEach(async () => {
	sandbox = await startDocumented({ jobMs: 60_000 });
});
afterEach(async () => await sandbox.close());

async function accepted() {
	return (await call(sandbox, '/_sandbox/state')).body.accepted;
}

test('status, json, html, empty: the answer is replaced, the request has no effect', async () => {
	sandbox.addFault({ kind: 'status', status: 503, headers: { 'retry-after': '7' } });
	const refused = await upscale(sandbox);
	expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '7']);
	expect(refused.body).toEqual({ error: expect.any(String), code: 503 });
	sandbox.addFault({ kind: 'json', body: { works: 'none' } });
	expect(await upscale(sandbox)).toMatchObject({ status: 200, body: { works: 'none' } });
	sandbox.addFault({ kind: 'html', status: 502 });
	const page = await upscale(sandbox);
	expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html']);
	expect(page.text).toContain('<html>');
	sandbox.addFault({ kind: 'empty' });
	expect(await upscale(sandbox)).toMatchObject({ status: 200, text: '' });
	expect(await accepted()).toBe(0);
});

test('with `after` the request takes effect and only its answer is lost', async () => {
	sandbox.addFault({ kind: 'html', status: 502, after: true });
	expect((await upscale(sandbox)).status).toBe(502);
	expect(await accepted()).toBe(1);
});

test('redirect: to the other origin unless told where', async () => {
	sandbox.addFault({ kind: 'redirect' });
	const { status, headers } = await call(sandbox, ACCOUNT);
	expect([status, headers.get('location')]).toEqual([302, `${sandbox.cdnUrl}/redirected`]);
	sandbox.addFault({ kind: 'redirect', status: 307, headers: { location: '/elsewhere' } });
	const second = await call(sandbox, ACCOUNT);
	expect([second.status, second.headers.get('location')]).toEqual([307, '/elsewhere']);
});

test('delay: the same answer, later', async () => {
	sandbox.addFault({ kind: 'delay', delayMs: 150 });
	const start = Date.now();
	expect((await call(sandbox, ACCOUNT)).status).toBe(200);
	expect(Date.now() - start).toBeGreaterThanOrEqual(145);
});

test('resetBefore: no answer, no effect', async () => {
	sandbox.addFault({ kind: 'resetBefore' });
	await expect(upscale(sandbox)).rejects.toThrow();
	expect(await accepted()).toBe(0);
});

test('resetAfter: no answer, but the task exists', async () => {
	sandbox.addFault({ kind: 'resetAfter' });
	await expect(upscale(sandbox)).rejects.toThrow();
	expect(await accepted()).toBe(1);
	expect((await call(sandbox, '/v1/kling/scheduler')).body).toHaveLength(1);
});

test('truncate: half the body, then the end, on either server', async () => {
	sandbox.addFault({ kind: 'truncate' });
	const response = await fetch(`${sandbox.url}/v1/kling/tasks/${TASK}`, {
		headers: { authorization: `Bearer ${sandbox.token}` },
	});
	expect([response.status, Number(response.headers.get('content-length'))]).toEqual([
		200,
		expect.any(Number),
	]);
	await expect(response.text()).rejects.toThrow();

	const { body } = await call(sandbox, `/v1/kling/tasks/${TASK}`);
	sandbox.addFault({ kind: 'truncate', server: 'cdn' });
	const file = await fetch(body.works[0].resource.resource);
	await expect(file.arrayBuffer()).rejects.toThrow();
	const again = await fetch(body.works[0].resource.resource);
	const whole = (await again.arrayBuffer()).byteLength;
	expect(whole).toBe(Number(file.headers.get('content-length')));
});

test('stall: half the body, then silence, until the sandbox closes', async () => {
	sandbox.addFault({ kind: 'stall' });
	const response = await fetch(`${sandbox.url}/v2/account`, {
		headers: { authorization: `Bearer ${sandbox.token}` },
	});
	const reader = response.body!.getReader();
	const { value } = await reader.read();
	expect(value!.length * 2).toBeGreaterThanOrEqual(
		Number(response.headers.get('content-length')) - 1,
	);
	const next = reader.read();
	const silence = new Promise((resolve) => setTimeout(resolve, 300, 'silence'));
	expect(await Promise.race([next, silence])).toBe('silence');
	const ended = expect(next).rejects.toThrow();
	await sandbox.close();
	await ended;
});

test('endless: the body never ends, on either server', async () => {
	const { body } = await call(sandbox, `/v1/kling/tasks/${TASK}`);
	const file = body.works[0].resource.resource as string;
	for (const server of ['api', 'cdn'] as const) {
		sandbox.addFault({ kind: 'endless', server });
		const headers = { authorization: `Bearer ${sandbox.token}` };
		const response = await fetch(server === 'api' ? sandbox.url + ACCOUNT : file, { headers });
		expect(response.status).toBe(200);
		const reader = response.body!.getReader();
		let read = 0;
		while (read < 5_000_000) read += (await reader.read()).value!.length;
		await reader.cancel();
	}
});

test('method, path and times choose the requests', async () => {
	sandbox.addFault({ kind: 'status', method: 'get', path: '/v1/kling/tasks/\\d+$', times: 2 });
	const statuses = [];
	for (const path of [ACCOUNT, '/v1/kling/tasks', ...Array(3).fill(`/v1/kling/tasks/${TASK}`)]) {
		statuses.push((await call(sandbox, path)).status);
	}
	expect(statuses).toEqual([200, 200, 500, 500, 200]);
});

test('the control route sets, lists and clears them, without a token', async () => {
	const control = `${sandbox.url}/_sandbox/faults`;
	const post = async (body: unknown) =>
		await fetch(control, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
	expect((await post({ kind: 'nonsense' })).status).toBe(400);
	expect((await post([{ kind: 'status', status: 503, times: 5 }])).status).toBe(201);
	expect((await call(sandbox, ACCOUNT)).status).toBe(503);
	const state = (await call(sandbox, '/_sandbox/state')).body;
	expect(state.faults).toMatchObject([{ kind: 'status', times: 4 }]);
	await fetch(control, { method: 'DELETE' });
	expect((await call(sandbox, ACCOUNT)).status).toBe(200);
});

test('a held-up request takes no effect once the sandbox closes', async () => {
	sandbox.addFault({ kind: 'delay', delayMs: 60_000 });
	const lost = expect(upscale(sandbox)).rejects.toThrow();
	await until(() => sandbox.requests.length === 1);
	await sandbox.close();
	await lost;
	expect(sandbox.peakJobs.size).toBe(0);
});

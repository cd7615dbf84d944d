import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { IDataObject } from 'n8n-workflow';

import { keepsBack } from '../support/n8n/clock.mts';
import { readBinary } from '../support/n8n/engine.mts';
import {
	bench,
	EMPTY_SUCCESS,
	fromItem,
	getTask,
	images,
	TASK_ID,
	until,
	upscale,
} from '../support/kling.mts';

const TASKS = { method: 'GET', path: '/v1/kling/tasks/' };
const MS_PER_SECOND = 1_000;

describe('while polling, what may pass is waited out', () => {
	test.each([
		['429', { kind: 'status' as const, status: 429 }],
		['500', { kind: 'status' as const, status: 500 }],
		['503 as a web page', { kind: 'html' as const, status: 503 }],
		['a broken connection', { kind: 'resetBefore' as const }],
		['a truncated answer', { kind: 'truncate' as const }],
		['a web page instead of JSON', { kind: 'html' as const }],
		['an empty answer', { kind: 'empty' as const }],
		['JSON of another shape', { kind: 'json' as const, status: 200, body: { hello: 'world' } }],
		['a list instead of a task', { kind: 'json' as const, status: 200, body: [1, 2] }],
		['an early 404', { kind: 'json' as const, status: 404, body: { error: 'No such task' } }],
	])('%s', async (_name, fault) => {
		const { run, addFault, posts, looks } = await bench();
		addFault({ ...TASKS, ...fault });
		const { error, items } = await run([{}], upscale());
		expect(error).toBeUndefined();
		expect(items('Kling')[0].json.status).toBe('succeed');
		expect(posts()).toBe(1);
		expect(looks()).toBe(2);
	});

	test.each([
		[401, 'The API token was refused'],
		[402, 'There is no active useapi.net subscription'],
		[400, 'email is required'],
	])('%d ends it at once, with the task id to go on with', async (status, message) => {
		const { run, addFault, looks } = await bench();
		addFault({ ...TASKS, kind: 'json', status, body: { error: message }, times: 9 });
		const { items } = await run([{}], upscale(), { onError: 'continueRegularOutput' });
		expect(items('Kling')[0].json).toMatchObject({
			error: message,
			details: { taskId: '500000010', httpCode: String(status) },
		});
		expect(looks()).toBe(1);
	});

	test('a token is not sent along to where a redirect points', async () => {
		const { run, addFault, sandbox } = await bench();
		const location = `${sandbox.cdnUrl}/stolen`;
		addFault({ ...TASKS, kind: 'redirect', headers: { location }, times: 9 });
		const { error } = await run([{}], upscale());
		expect(error?.message).toContain('302');
		expect(sandbox.requests.filter(({ server }) => server === 'cdn')).toEqual([]);
	});
});

describe('what a task may come to', () => {
	const two = images(2);
	const failing = { taskId: '700000005', workId: '700000006' };
	const seeds = [{ ...failing, upscale: 'fails' as const }, ...two.seeds];

	test('success without an image is an error of that item; the rest goes on', async () => {
		const { run, addFault } = await bench({ seeds });
		addFault({
			...TASKS,
			path: '/v1/kling/tasks/500000010',
			kind: 'json',
			status: 200,
			body: EMPTY_SUCCESS,
			times: 99,
		});
		// It may still fill, so it is looked at again for some seconds.
		const { items } = await run(two.items, upscale(fromItem), { onError: 'continueRegularOutput' });
		const outcomes = items('Kling').map(({ json }) => json.error ?? json.status);
		expect(outcomes.sort()).toEqual(['Task 500000010 finished without an image', 'succeed']);
	});

	test('a failed task does not take the others with it', async () => {
		const { run } = await bench({ seeds });
		const items = [two.items[0], failing, two.items[1]];
		const { items: out } = await run(items, upscale(fromItem), {
			onError: 'continueRegularOutput',
		});
		expect(out('Kling').map(({ json }) => json.status ?? 'error')).toEqual([
			'succeed',
			'error',
			'succeed',
		]);
	});

	test('ids past 2^53 stay exact, from the answer to the next request and the file’s name', async () => {
		const firstTaskId = '9007199254740993';
		const { run, sandbox } = await bench({ firstTaskId });
		const { error, items } = await run([{}], upscale({ download: true }));
		expect(error).toBeUndefined();
		const [{ json, binary }] = items('Kling');
		expect(json.taskId).toBe(firstTaskId);
		expect(json.images).toEqual([expect.objectContaining({ workId: '9007199254740994' })]);
		expect(sandbox.requests.map(({ path }) => path)).toContain(`/v1/kling/tasks/${firstTaskId}`);
		expect(binary?.data.fileName).toBe(`kling-${firstTaskId}-9007199254740994.png`);

		const raw = await run([{}], upscale({ output: 'raw' }));
		expect(raw.items('Kling')[0].json).toMatchObject({
			task: { id: expect.stringMatching(/^90071992547/) },
		});
	});
});

describe('downloads', () => {
	test('a file cut off in the middle is fetched again, whole', async () => {
		const { run, addFault, sandbox } = await bench({ scale: 4 });
		addFault({ server: 'cdn', kind: 'truncate' });
		const { items } = await run([{}], upscale({ download: true }));
		const { data } = items('Kling')[0].binary!;
		const [image] = items('Kling')[0].json.images as Array<{ url: string }>;
		const whole = Buffer.from(await (await fetch(image.url)).arrayBuffer());
		expect((await readBinary(data)).equals(whole)).toBe(true);
		expect(sandbox.requests.filter(({ server }) => server === 'cdn').length).toBeGreaterThan(1);
	});

	test('a link that is no web address is not followed', async () => {
		const { run, addFault, sandbox } = await bench();
		const works = [
			{ workId: 1, contentType: 'image', resource: { resource: 'file:///etc/passwd' } },
		];
		const body = { task: { id: 500000010 }, works, status_name: 'succeed', status_final: true };
		addFault({ ...TASKS, kind: 'json', status: 200, body });
		const { error } = await run([{}], upscale({ download: true }));
		expect(error?.message).toContain('not a safe web address');
		expect(sandbox.requests.filter(({ server }) => server === 'cdn')).toEqual([]);
	});
});

describe('a cancel stops within a second', () => {
	test.each([
		['during the submission', { method: 'POST' }, 'api' as const, {}],
		['during a download', { server: 'cdn' as const }, 'cdn' as const, { download: true }],
	])('%s', async (_name, where, server, changes) => {
		const { start, addFault, sandbox } = await bench();
		addFault({ ...where, kind: 'delay', delayMs: 60 * MS_PER_SECOND });
		const { cancel, done } = await start([{}], upscale(changes), {
			onError: 'continueRegularOutput',
		});
		await until(() => sandbox.requests.some((request) => request.server === server));
		const canceledMs = Date.now();
		cancel();
		const { run } = await done;
		expect(run.status).toBe('canceled');
		expect(Date.now() - canceledMs).toBeLessThan(MS_PER_SECOND);
		// What was on its way is kept with the execution, so that a retry by hand does not send it again.
		const { paidByKling } = run.data.executionData!.contextData.flow;
		const entries = Object.values(paidByKling as Record<string, IDataObject>);
		expect(entries.flatMap((byAccount) => Object.values(byAccount))).toEqual([
			expect.objectContaining(
				server === 'api'
					? { state: 'unknown', callsBack: false }
					: { state: 'accepted', taskId: '500000010' },
			),
		]);
	});

	test('in the middle of a file that has stalled, and another item’s error cuts it off too', async () => {
		const stalls = createServer((_request, response) => {
			response.writeHead(200, { 'content-length': '1000000' });
			response.write('\x89PNG\r\n\x1a\n'.padEnd(1_000), 'latin1');
		});
		await new Promise<void>((resolve) => stalls.listen(0, '127.0.0.1', resolve));
		const { port } = stalls.address() as AddressInfo;
		let asked = 0;
		stalls.on('request', () => asked++);
		let open = 0;
		stalls.on('connection', (socket) => {
			open++;
			socket.on('close', () => open--);
		});
		keepsBack(() => open);
		const resource = { resource: `http://127.0.0.1:${port}/a.png` };
		const works = [{ workId: 1, contentType: 'image', resource }];
		const body = { task: { id: 500000010 }, works, status_name: 'succeed', status_final: true };
		try {
			const { start, addFault } = await bench();
			addFault({ ...TASKS, kind: 'json', status: 200, body });
			const { cancel, done } = await start([{}], upscale({ download: true }));
			await until(() => asked === 1);
			const canceledMs = Date.now();
			cancel();
			expect((await done).run.status).toBe('canceled');
			expect(Date.now() - canceledMs).toBeLessThan(MS_PER_SECOND);
			await until(() => open === 0);

			const seeds = [{ taskId: '700000001', status: 'failed' as const, error: 'No' }];
			const second = await bench({ seeds });
			second.addFault({
				...TASKS,
				path: `/v1/kling/tasks/${TASK_ID}`,
				kind: 'json',
				status: 200,
				body,
			});
			second.addFault({ ...TASKS, path: '/v1/kling/tasks/700000001', kind: 'delay', delayMs: 500 });
			const { error } = await second.run(
				[{ taskId: TASK_ID }, { taskId: '700000001' }],
				getTask({ taskId: '={{ $json.taskId }}', wait: 'poll', download: true }),
			);
			expect(error?.message).toBe('Task 700000001 failed: No');
			await until(() => open === 0);
		} finally {
			stalls.closeAllConnections();
			stalls.close();
		}
	});
});

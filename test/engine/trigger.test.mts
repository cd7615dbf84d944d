import type { IDataObject } from 'n8n-workflow';

import type { SandboxOptions, SandboxSeed } from '../../sandbox/options.mts';
import { readBinary } from './support/engine.mts';
import { bench, TASK_ID, WORK_ID } from './support/kling.mts';
import { openTrigger } from './support/trigger.mts';

const DAY_MS = 24 * 3_600_000;
const ALL_EVENTS = ['succeed', 'failed', 'progress'];
const RUNNING = '700000001';
const FAILED = '700000002';
const VIDEO = '700000003';
const OLD = '700000004';
const YESTERDAY = '700000005';
const REASON = 'The image violates the community guidelines';
const seeds: SandboxSeed[] = [
	{ taskId: RUNNING, status: 'processing' },
	{ taskId: FAILED, status: 'failed', error: REASON, message: 'Service busy' },
	{ taskId: VIDEO, contentType: 'video' },
	{ taskId: OLD, createTime: Date.now() - 1.1 * DAY_MS },
	{ taskId: YESTERDAY, createTime: Date.now() - 0.9 * DAY_MS },
];
const WHAT_CAME_OF_IT: Record<string, string> = {
	[TASK_ID]: 'succeed',
	[FAILED]: 'failed',
	[RUNNING]: 'processing',
};

/** A sandbox, and a trigger that listens for everything unless told otherwise. */
async function open(parameters: IDataObject = {}, options: SandboxOptions = {}) {
	const stand = await bench({ ...options, seeds: [...seeds, ...(options.seeds ?? [])] });
	const trigger = openTrigger({ events: ALL_EVENTS, ...parameters }, stand.credentials);
	return { ...stand, trigger };
}

/** A callback about a task; what it says need not be true. */
const says = (taskId: unknown, status?: string, more: object = {}) => ({
	task: { id: taskId },
	...(status && {
		status_name: status,
		status_final: status === 'succeed' || status === 'failed',
	}),
	...more,
});

/** A callback as useapi.net sends it: "as GET returns it" (kling-api.md, "Callbacks"). */
async function reported(
	{ sandbox }: Awaited<ReturnType<typeof bench>>,
	taskId: string,
	email?: string,
): Promise<string> {
	const answer = await fetch(
		`${sandbox.url}/v1/kling/tasks/${taskId}${email ? `?email=${email}` : ''}`,
		{ headers: { authorization: `Bearer ${sandbox.token}` } },
	);
	sandbox.requests.length = 0;
	return await answer.text();
}

describe('a true callback', () => {
	test('starts the workflow with what Upscale would put out', async () => {
		const stand = await open();
		const body = await reported(stand, TASK_ID);
		const { answer, started, run } = await stand.trigger.call(
			body.replace('{', '{"replyRef":"order-1",'),
		);
		expect(answer).toMatchObject({ status: 200, body: { received: true } });
		expect(started).toHaveLength(1);
		expect(run?.error).toBeUndefined();
		const [{ json, binary }] = run!.items('Result');
		expect(json).toEqual({
			taskId: TASK_ID,
			status: 'succeed',
			finished: true,
			type: 'mmu_img2img_aiweb',
			imageUrl: expect.stringMatching(/^http/),
			images: [expect.objectContaining({ workId: WORK_ID })],
			replyRef: 'order-1',
			createdAt: expect.any(String),
			updatedAt: expect.any(String),
		});
		expect(binary).toBeUndefined();
		expect(stand.looks()).toBe(1);
	});

	test('is answered before anything is asked', async () => {
		const { trigger, addFault, sandbox } = await open();
		addFault({ kind: 'delay', delayMs: 400 });
		const { answer, started } = await trigger.call(says(TASK_ID));
		expect(started).toHaveLength(1);
		expect(answer!.atMs).toBeLessThanOrEqual(sandbox.requests[0].at);
	});

	test('of a failed job starts it too, as an ordinary item that says why', async () => {
		const { trigger } = await open();
		const { run } = await trigger.call(says(FAILED, 'failed'));
		expect(run!.error).toBeUndefined();
		const [{ json }] = run!.items('Result');
		expect(json).toMatchObject({ status: 'failed', finished: true, message: REASON, images: [] });
		expect(json).not.toHaveProperty('error');
	});

	test('of a video starts it as well: no images, everything in Raw', async () => {
		const { trigger } = await open({ download: true });
		const { started } = await trigger.call(says(VIDEO, 'succeed'));
		expect(started).toMatchObject([{ json: { taskId: VIDEO, finished: true, images: [] } }]);
		expect(started![0].binary).toBeUndefined();

		const raw = await open({ output: 'raw' });
		const { started: all } = await raw.trigger.call(says(VIDEO, 'succeed'));
		expect(all![0].json).toMatchObject({ works: [{ contentType: 'video' }] });
	});

	test('keeps ids past 2^53 exact', async () => {
		const taskId = '9007199254740993';
		const stand = await open({}, { seeds: [{ taskId }] });
		const body = await reported(stand, taskId);
		expect(body).toContain(`"id":${taskId}`);
		const { started } = await stand.trigger.call(body);
		expect(started).toMatchObject([{ json: { taskId } }]);
		expect(stand.sandbox.requests.map(({ path }) => path)).toEqual([`/v1/kling/tasks/${taskId}`]);
	});
});

describe('Events', () => {
	const claims = [undefined, 'submitted', 'processing', 'succeed', 'failed'];
	const cases = Object.keys(WHAT_CAME_OF_IT).flatMap((taskId) =>
		['succeed', 'failed', 'progress'].map((event): [string, string] => [taskId, event]),
	);

	test.each(cases)('task %s with only %s chosen: the API decides', async (taskId, event) => {
		const is = WHAT_CAME_OF_IT[taskId];
		const wanted = event === (is === 'processing' ? 'progress' : is);
		const { trigger } = await open({ events: [event] });
		const { started, answer } = await trigger.call(says(taskId));
		expect(answer?.status).toBe(200);
		expect(started?.map(({ json }) => json.status)).toEqual(wanted ? [is] : undefined);
	});

	test.each(claims)('a caller who says "%s" does not make it so', async (claim) => {
		const onlyFailed = await open({ events: ['failed'] });
		expect((await onlyFailed.trigger.call(says(TASK_ID, claim))).started).toBeUndefined();
		const onlySucceeded = await open({ events: ['succeed'] });
		expect((await onlySucceeded.trigger.call(says(FAILED, claim))).started).toBeUndefined();
	});

	test('as they are when the node is new: finished jobs, good or bad', async () => {
		const { credentials } = await bench({ seeds });
		const trigger = openTrigger({}, credentials);
		expect((await trigger.call(says(TASK_ID))).started).toHaveLength(1);
		expect((await trigger.call(says(FAILED))).started).toHaveLength(1);
		expect((await trigger.call(says(RUNNING))).started).toBeUndefined();
	});

	test('what is not wanted by its own words is not asked about', async () => {
		const { trigger, looks } = await open({ events: ['succeed', 'failed'] });
		await trigger.call(says(RUNNING, 'processing'));
		await trigger.call(says(TASK_ID, 'submitted'));
		const progress = await open({ events: ['progress'] });
		await progress.trigger.call(says(TASK_ID, 'succeed'));
		const none = await open({ events: [] });
		await none.trigger.call(says(TASK_ID));
		expect([looks(), progress.looks(), none.looks()]).toEqual([0, 0, 0]);
	});
});

describe('Reply Reference', () => {
	test.each([
		['at the top', { replyRef: 'order-1' }],
		['in request', { request: { replyRef: 'order-1' } }],
		['in response', { response: { replyRef: 'order-1' } }],
	])('%s lets a call through, and comes out', async (_where, more) => {
		const { trigger } = await open({ replyRef: ' order-1 ' });
		const { started } = await trigger.call(says(TASK_ID, 'succeed', more));
		expect(started).toMatchObject([{ json: { replyRef: 'order-1' } }]);
	});

	test.each([
		['another', { replyRef: 'order-2' }],
		['one that only begins like it', { replyRef: 'order-10' }],
		['none', {}],
		['no text', { replyRef: { $ne: null } }],
	])('%s: nothing is asked, nothing starts', async (_what, more) => {
		const { trigger, sandbox } = await open({ replyRef: 'order-1' });
		const { started, answer } = await trigger.call(says(TASK_ID, 'succeed', more));
		expect(answer?.status).toBe(200);
		expect(started).toBeUndefined();
		expect(sandbox.requests).toHaveLength(0);
	});

	test('longer than any that useapi.net takes, it is cut', async () => {
		const { trigger } = await open();
		const { started } = await trigger.call(says(TASK_ID, 'succeed', { replyRef: 'x'.repeat(1e6) }));
		expect(String(started![0].json.replyRef)).toHaveLength(1024);
	});
});

describe('Account', () => {
	const accounts = ['one@example.com', 'two@example.com'].map((email) => ({ email, maxJobs: 5 }));
	const ours = { taskId: '800000001', email: accounts[0].email };
	const theirs = { taskId: '800000002', email: accounts[1].email };
	const options: SandboxOptions = { accounts, seeds: [ours, theirs] };
	const account = { __rl: true, mode: 'list', value: accounts[0].email };

	test('only its jobs start the workflow', async () => {
		const { trigger, sandbox } = await open({ account }, options);
		const { started } = await trigger.call(says(ours.taskId, 'succeed'));
		expect(started).toMatchObject([{ json: { taskId: ours.taskId, account: ours.email } }]);
		expect(sandbox.requests[0].query).toEqual({ email: ours.email });

		const other = await trigger.call(says(theirs.taskId, 'succeed'));
		expect(other.started).toBeUndefined();
		expect(other.log).toEqual([
			`info: "Trigger" started nothing for task ${theirs.taskId}: Task ${theirs.taskId} not found`,
		]);
	});

	test('left out where it is needed, nothing starts, and the log says why', async () => {
		const { trigger } = await open({}, options);
		const { started, log } = await trigger.call(says(ours.taskId, 'succeed'));
		expect(started).toBeUndefined();
		expect(log).toEqual([expect.stringMatching(/^warn: .*email is required/)]);
	});
});

describe('Download Image', () => {
	test('puts the file into the chosen field', async () => {
		const { trigger } = await open({ download: true, binaryPropertyName: 'picture' });
		const { run } = await trigger.call(says(TASK_ID, 'succeed'));
		const [{ binary, json }] = run!.items('Result');
		expect(binary!.picture.fileName).toBe(`kling-${TASK_ID}-${WORK_ID}.jpg`);
		expect((await readBinary(binary!.picture)).length).toBeGreaterThan(1_000);
		expect(json).not.toHaveProperty('downloadError');
	});

	test.each(['simplified', 'raw'])(
		'a file that is gone does not lose the result (%s)',
		async (output) => {
			const { trigger, addFault } = await open({ download: true, output });
			addFault({ kind: 'status', status: 404, server: 'cdn' });
			const { run } = await trigger.call(says(TASK_ID, 'succeed'));
			const [{ binary, json }] = run!.items('Result');
			expect(run!.error).toBeUndefined();
			expect(binary).toBeUndefined();
			expect(json.downloadError).toBe(
				`The image of task ${TASK_ID} could not be downloaded: the server answered with HTTP 404`,
			);
			expect(json[output === 'raw' ? 'works' : 'images']).toHaveLength(1);
		},
	);
});

describe('the same again', () => {
	test('starts nothing: a moment later, at once, and in another process', async () => {
		const { trigger } = await open();
		const call = async () => (await trigger.call(says(TASK_ID, 'succeed'))).started;
		expect(await call()).toHaveLength(1);
		expect(await call()).toBeUndefined();
		expect((await Promise.all(Array.from({ length: 10 }, call))).filter(Boolean)).toEqual([]);
		const elsewhere = trigger.elsewhere();
		expect((await elsewhere.call(says(TASK_ID, 'succeed'))).started).toBeUndefined();
		expect((await elsewhere.call(says(FAILED, 'failed'))).started).toHaveLength(1);
	});

	test('ten times at once, one starts', async () => {
		const { trigger } = await open({ download: true });
		const calls = await Promise.all(
			Array.from({ length: 10 }, async () => await trigger.call(says(TASK_ID, 'succeed'))),
		);
		expect(calls.filter(({ started }) => started)).toHaveLength(1);
		expect(calls.every(({ answer }) => answer?.status === 200)).toBe(true);
	});

	test('different tasks at once all start, and none of them is forgotten', async () => {
		const many = Array.from({ length: 12 }, (_, number) => String(900000000 + 10 * number));
		const { trigger } = await open(
			{ download: true },
			{ seeds: many.map((taskId) => ({ taskId })) },
		);
		const callAll = async (on: typeof trigger) =>
			await Promise.all(many.map(async (taskId) => (await on.call(says(taskId))).started));
		expect((await callAll(trigger)).filter(Boolean)).toHaveLength(12);
		expect((await callAll(trigger.elsewhere())).filter(Boolean)).toEqual([]);
	});

	test('progress: once for every status, and once more for the end', async () => {
		const { trigger, addFault } = await open();
		const taskIs = (status: string) =>
			addFault({ kind: 'json', status: 200, body: says(RUNNING, status) });
		const starts: Array<unknown> = [];
		for (const status of ['submitted', 'processing', 'submitted', 'processing', 'succeed']) {
			taskIs(status);
			starts.push((await trigger.call(says(RUNNING))).started?.[0].json.status);
		}
		expect(starts).toEqual(['submitted', 'processing', undefined, undefined, 'succeed']);
	});

	test('at the Test URL it may come as often as somebody wants to test, and leaves no trace', async () => {
		const { trigger } = await open();
		const test = async (taskId: string) =>
			(await trigger.call(says(taskId), { mode: 'manual' })).started;
		expect(await test(TASK_ID)).toHaveLength(1);
		expect(await test(TASK_ID)).toHaveLength(1);
		expect(await test(OLD)).toHaveLength(1);
		expect((await trigger.call(says(TASK_ID))).started).toHaveLength(1);
	});
});

describe('a replay', () => {
	test('of a task that ended more than a day ago starts nothing', async () => {
		const { trigger, looks } = await open();
		expect((await trigger.call(says(OLD, 'succeed'))).started).toBeUndefined();
		expect(looks()).toBe(1);
		expect((await trigger.call(says(YESTERDAY, 'succeed'))).started).toHaveLength(1);
	});

	test.each<[string, object, boolean]>([
		['made long ago, ended just now', { createTime: 1, updateTime: Date.now() }, true],
		['ended long ago', { createTime: Date.now(), updateTime: 1 }, false],
		['made long ago, no word of its end', { createTime: 1 }, false],
		['without any time', {}, true],
	])('%s', async (_name, times, starts) => {
		const { trigger, addFault } = await open();
		const body = says(TASK_ID, 'succeed');
		addFault({ kind: 'json', status: 200, body: { ...body, task: { ...body.task, ...times } } });
		expect(Boolean((await trigger.call(body)).started)).toBe(starts);
	});
});

describe('trouble with the API', () => {
	test.each([
		['a 503', { kind: 'status', status: 503 }],
		['a 429', { kind: 'status', status: 429 }],
		['a broken connection', { kind: 'resetBefore' }],
		['half an answer', { kind: 'truncate' }],
		['a web page', { kind: 'html', status: 502 }],
		['an answer about another task', { kind: 'json', body: says(FAILED, 'failed') }],
		['an answer that is no task', { kind: 'json', body: { hello: 'world' } }],
		['a task that is unknown for a moment', { kind: 'status', status: 404 }],
		['a task that still runs, by the API', { kind: 'json', body: says(TASK_ID, 'processing') }],
	] as const)('%s is waited out', async (_name, fault) => {
		const { trigger, addFault, looks } = await open();
		addFault(fault);
		const { started, log } = await trigger.call(says(TASK_ID, 'succeed'));
		expect(started).toMatchObject([{ json: { taskId: TASK_ID, status: 'succeed' } }]);
		expect(looks()).toBe(2);
		expect(log).toEqual([]);
	});

	test('Retry-After is heeded', async () => {
		const { trigger, addFault, sandbox } = await open();
		addFault({ kind: 'status', status: 429, headers: { 'retry-after': '3' } });
		expect((await trigger.call(says(TASK_ID, 'succeed'))).started).toHaveLength(1);
		const [first, second] = sandbox.requests;
		expect(second.at - first.at).toBeGreaterThanOrEqual(2_900);
	});

	test('a refused token: nothing starts, one line in the log, without the token', async () => {
		const { trigger, credentials, looks } = await open();
		credentials.apiToken = 'user:9-wrong-token';
		const { started, log } = await trigger.call(
			says(TASK_ID, 'succeed', { secret: 'of the body' }),
		);
		expect(started).toBeUndefined();
		expect(log).toEqual([
			`warn: "Trigger" started nothing for task ${TASK_ID}: The API token was refused`,
		]);
		expect(looks()).toBe(1);
	});

	test('no subscription: the same', async () => {
		const { trigger } = await open({}, { subscription: false });
		const { started, log } = await trigger.call(says(TASK_ID, 'succeed'));
		expect(started).toBeUndefined();
		expect(log).toEqual([expect.stringContaining('There is no active useapi.net subscription')]);
	});

	test('no credential: the same', async () => {
		const { credentials } = await bench();
		const trigger = openTrigger({}, credentials, { credentials: undefined });
		const { answer, started, log } = await trigger.call(says(TASK_ID, 'succeed'));
		expect(answer?.status).toBe(200);
		expect(started).toBeUndefined();
		expect(log).toEqual([
			'warn: "Trigger" could not handle a call: Node does not have any credentials set',
		]);
	});

	test('and then the same call again starts it: a failed look counts as none', async () => {
		const { trigger, credentials, sandbox } = await open();
		credentials.apiToken = 'user:9-wrong-token';
		expect((await trigger.call(says(TASK_ID, 'succeed'))).started).toBeUndefined();
		credentials.apiToken = sandbox.token;
		expect((await trigger.call(says(TASK_ID, 'succeed'))).started).toHaveLength(1);
	});
});

describe('publishing or testing the workflow', () => {
	const accounts = ['one@example.com', 'two@example.com'].map((email) => ({ email, maxJobs: 5 }));

	test.each(['activate', 'update', 'manual'] as const)(
		'says what would keep it from starting (%s)',
		async (by) => {
			const several = await open({}, { accounts });
			await expect(several.trigger.activate(by)).rejects.toMatchObject({
				message: expect.stringContaining('Choose an Account in "Trigger"'),
				description: expect.stringContaining('one@example.com, two@example.com'),
			});
			const lapsed = await open({}, { subscription: false });
			await expect(lapsed.trigger.activate(by)).rejects.toThrow(
				'no active useapi.net subscription',
			);
			const wrong = await open();
			wrong.credentials.apiToken = 'user:9-wrong-token';
			await expect(wrong.trigger.activate(by)).rejects.toThrow('The API token was refused');
		},
	);

	test('goes through when nothing is in the way', async () => {
		await (await open()).trigger.activate();
		const account = { __rl: true, mode: 'email', value: accounts[1].email };
		await (await open({ account }, { accounts })).trigger.activate();
	});

	test.each([
		['is down', { kind: 'status', status: 503 }],
		['cannot be reached', { kind: 'resetBefore' }],
		['has no Kling account', { kind: 'status', status: 404 }],
		['answers something else', { kind: 'json', body: [] }],
	] as const)('goes through when the API %s', async (_what, fault) => {
		const { trigger, addFault } = await open({}, { accounts });
		addFault(fault);
		await trigger.activate();
	});

	test('n8n itself, at its start, is never kept from it and asks nothing', async () => {
		const { trigger, credentials, sandbox } = await open({}, { accounts, subscription: false });
		credentials.apiToken = 'user:9-wrong-token';
		await trigger.activate('init');
		await trigger.activate('leadershipChange');
		expect(sandbox.requests).toHaveLength(0);
	});
});

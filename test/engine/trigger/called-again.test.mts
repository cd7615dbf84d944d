import { FAILED, OLD, open, RUNNING, says, withFile, YESTERDAY } from './called.mts';
import { bench, TASK_ID } from '../support/kling.mts';
import { openTrigger } from '../support/trigger.mts';

/** Kling Trigger: repeats, replays, problems, and what a person reads who publishes it. */

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
			addFault({ kind: 'json', status: 200, body: says(RUNNING, status, withFile) });
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
		const body = says(TASK_ID, 'succeed', withFile);
		addFault({ kind: 'json', status: 200, body: { ...body, task: { ...body.task, ...times } } });
		expect(Boolean((await trigger.call(body)).started)).toBe(starts);
	});
});

describe('problems with the API', () => {
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
				message: expect.stringContaining(`Choose an 'Account' in "Trigger"`),
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

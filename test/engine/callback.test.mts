import type { IDataObject, INode } from 'n8n-workflow';

import type { ParkedTask } from '../../nodes/Kling/job/pause.ts';
import type { SandboxOptions } from '../../sandbox/options.mts';
import { readBinary, runWorkflow } from './support/engine.mts';
import { bench, TASK_ID, upscale, WORK_ID, type Bench } from './support/kling.mts';
import { parkedRun } from './support/parked.mts';
import { klingWorkflow } from './support/workflows.mts';
import {
	canFailParked,
	knowsErrorDetails,
	resumesAllOutputs,
	signsResumeUrls,
} from './support/version.mts';

/** Pause Until Called Back on n8n's own engine: park, save, be called, go on; or reach the time limit. */

const good = { taskId: TASK_ID, workId: WORK_ID };
const failing = { taskId: '700000005', workId: '700000006' };
const unfinished = { taskId: '700000001', workId: '700000002' };
const seeds = [
	{ ...failing, upscale: 'fails' as const },
	{ taskId: '700000001', status: 'processing' as const },
];
const pausing = (changes: IDataObject = {}) =>
	upscale({
		taskId: '={{ $json.taskId }}',
		workId: '={{ $json.workId }}',
		wait: 'callback',
		...changes,
		options: { pollInterval: undefined, ...(changes.options as IDataObject) },
	});

interface Setup {
	parameters?: IDataObject;
	settings?: Partial<INode>;
	options?: SandboxOptions;
}

/** Runs until the execution is parked. Callbacks go nowhere; the tests make the calls themselves. */
async function parkIt(
	items: IDataObject[],
	{ parameters = {}, settings = {}, options = {} }: Setup = {},
) {
	const kling = await bench({ jobMs: 600, seeds, callbacks: 'none', ...options });
	const run = await kling.run(items, pausing(parameters), settings);
	const workflow = klingWorkflow(items, pausing(parameters), settings);
	const submitted = run.items('Kling').map(({ json }) => json);
	return { ...kling, parked: parkedRun(workflow, kling.credentials, run), submitted };
}

/** What useapi.net would send about a task now, as text. */
async function modelOf({ sandbox }: Pick<Bench, 'sandbox'>, taskId: unknown): Promise<string> {
	const response = await fetch(`${sandbox.url}/v1/kling/tasks/${String(taskId)}`, {
		headers: { authorization: `Bearer ${sandbox.token}` },
	});
	return await response.text();
}

const pause = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

async function allFinished({ sandbox }: Pick<Bench, 'sandbox'>, except: string[] = []) {
	const isOver = (status: string) => ['succeed', 'failed'].includes(status);
	for (;;) {
		const tasks = await sandbox.tasks();
		if (tasks.every(({ taskId, status }) => except.includes(taskId) || isOver(status))) return;
		await pause(20);
	}
}

const own = ['700000001'];
const apiCalls = ({ sandbox }: Pick<Bench, 'sandbox'>) =>
	sandbox.requests.filter(({ server }) => server === 'api').length;

describe('parking', () => {
	test('hands n8n’s resume URL to useapi.net as it is, and sets the limit', async () => {
		const before = Date.now();
		const { sandbox, submitted, parked } = await parkIt([good], {
			parameters: { options: { timeout: 90, replyRef: 'order 1' } },
		});
		expect(submitted).toEqual([
			expect.objectContaining({ taskId: '500000010', finished: false, replyRef: 'order 1' }),
		]);
		const post = sandbox.requests.find(({ method }) => method === 'POST');
		expect(post?.body).toMatchObject({
			replyUrl: expect.stringMatching(
				signsResumeUrls
					? /^http:\/\/127.0.0.1\/webhook-waiting\/test-execution\?signature=\w{32,}$/
					: /^http:\/\/127.0.0.1\/webhook-waiting\/test-execution$/,
			),
			replyRef: 'order 1',
		});
		expect(parked.waitTill.getTime()).toBeGreaterThanOrEqual(before + 90_000);
		expect(parked.waitTill.getTime()).toBeLessThanOrEqual(Date.now() + 90_000);
		expect(parked.saved).not.toContain(sandbox.token);
	});

	test('does not happen when everything is finished by then: an early callback was answered with 409', async () => {
		const kling = await bench({ jobMs: 100, seeds, callbacks: 'none' });
		kling.addFault({ method: 'POST', path: '/v1/kling', kind: 'delay', delayMs: 400, after: true });
		const { run, items } = await kling.run([good], pausing({ download: true }));
		expect(run.waitTill).toBeUndefined();
		expect(items('Result')).toEqual([
			expect.objectContaining({ json: expect.objectContaining({ status: 'succeed' }) }),
		]);
		expect(items('Result')[0].binary?.data.mimeType).toBe('image/png');
	});

	test('waits for free slots first, and looks at the earlier ones after that', async () => {
		const kling = await bench({
			jobMs: 500,
			accounts: [{ email: 'artist@example.com', maxJobs: 1 }],
			retryAfterSeconds: 1,
			callbacks: 'none',
		});
		const { items, run } = await kling.run([good, good], pausing());
		expect(run.waitTill).toBeDefined();
		const finished = items('Kling').map(({ json }) => json.finished);
		expect(finished).toContain(true);
		expect(finished).toContain(false);
	});

	test.each([
		[{ timeout: 59 }, {}, 'Time Limit must be a number from 60 to'],
		[{ timeout: 1e12 }, {}, 'Time Limit must be a number from 60 to'],
		[{}, { baseUrl: 'https://api.useapi.example' }, 'cannot reach this n8n at http://127.0.0.1'],
	])('is refused before anything is sent: %j %j', async (options, credentials, message) => {
		const kling = await bench();
		const { error } = await runWorkflow(klingWorkflow([good, good], pausing({ options })), {
			...kling.credentials,
			...credentials,
		});
		expect(error?.message).toContain(message);
		expect(error?.description).toContain('Nothing was sent.');
		expect(kling.sandbox.requests).toEqual([]);
	});

	test.each([
		['cannot reach this n8n at http://n8n.example.com', 'http://n8n.example.com/webhook-waiting'],
		['cannot reach this n8n at https://192.168.1.5', 'https://192.168.1.5/webhook-waiting'],
		['is too long for useapi.net', `https://n8n.example.com/${'x'.repeat(1024)}`],
		['Could not connect to useapi.net', 'https://n8n.example.com/webhook-waiting'],
	])('with a public API: %s', async (message, waitingUrl) => {
		const workflow = { ...klingWorkflow([good], pausing()), waitingUrl };
		const { error } = await runWorkflow(workflow, {
			apiToken: 'user:1-x',
			baseUrl: 'https://api.useapi.invalid',
		});
		expect(error?.message).toContain(message);
	});

	test('one bad item does not take the others along', async () => {
		const { parked, submitted } = await parkIt([good, { taskId: 'x', workId: '1' }, unfinished], {
			settings: { onError: 'continueRegularOutput' },
		});
		expect(submitted.map(({ finished, error }) => finished ?? error)).toEqual([
			false,
			'Task must be an ID made of digits, but is "x"',
			'Task 700000001 is not completed',
		]);
		expect(parked.waitTill).toBeDefined();
	});

	test('as a tool it polls: a parked tool would park the agent', async () => {
		const kling = await bench();
		const [text] = await kling.ask([{}], upscale({ wait: 'callback' }));
		expect(text).toContain('"status":"succeed"');
	});
});

describe('called back', () => {
	test('goes on with the results, in order, linked, with files', async () => {
		const { parked, sandbox, submitted } = await parkIt([good, good, good], {
			parameters: { download: true, options: { replyRef: '={{ "item " + $itemIndex }}' } },
		});
		await allFinished({ sandbox }, own);
		const { run, answer } = await parked.call(await modelOf({ sandbox }, submitted[1].taskId));
		expect(answer).toBeUndefined();
		const results = run!.items('Result');
		expect(results.map(({ json }) => json.taskId)).toEqual(submitted.map(({ taskId }) => taskId));
		expect(results.map(({ json }) => json.replyRef)).toEqual(['item 0', 'item 1', 'item 2']);
		expect(results.map(({ json }) => json.finished)).toEqual([true, true, true]);
		expect(results.map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
		const files = await Promise.all(results.map(({ binary }) => readBinary(binary!.data)));
		expect(files.every((file) => file.length > 1_000)).toBe(true);
		expect(run!.error).toBeUndefined();
	});

	test('Raw stays raw', async () => {
		const { parked, sandbox, submitted } = await parkIt([good], { parameters: { output: 'raw' } });
		await allFinished({ sandbox }, own);
		const { run } = await parked.call(await modelOf({ sandbox }, submitted[0].taskId));
		expect(run!.items('Result')[0].json).toMatchObject({ status_final: true, works: [{}] });
	});

	test('progress changes nothing and asks nothing', async () => {
		const { parked, sandbox, submitted } = await parkIt([good], { options: { jobMs: 5_000 } });
		const model = await modelOf({ sandbox }, submitted[0].taskId);
		const before = apiCalls({ sandbox });
		expect(await parked.call(model)).toEqual({ status: 200, answer: { message: 'Noted' } });
		expect(apiCalls({ sandbox })).toBe(before);
	});

	test('what other tasks do is no matter of this execution', async () => {
		const { parked, sandbox } = await parkIt([good]);
		await allFinished({ sandbox }, own);
		const before = apiCalls({ sandbox });
		for (const body of [{ task: { id: 1 }, status_final: true }, { works: [{ taskId: '2' }] }]) {
			expect((await parked.call(body)).run).toBeUndefined();
		}
		expect(apiCalls({ sandbox })).toBe(before);
	});

	test.each([
		['nothing', ''],
		['no JSON', '<html>'],
		['an array', []],
		['null', null],
		['a number', 17],
		['an empty object', {}],
		['wrong types', { task: 'x', works: 7, status_final: 'yes', status_name: {} }],
		['prototype games', '{"__proto__":{"status_final":true},"constructor":{"prototype":1}}'],
		['deep nesting', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
		['a lie', { task: { id: 500000010 }, status_final: true, status_name: 'succeed' }],
		['a lie with a link', { task: { id: '500000010' }, status_final: true, works: [{}] }],
	])('%s resumes nothing while the task runs', async (_name, body) => {
		const { parked } = await parkIt([good], { options: { jobMs: 30_000 } });
		const { status, run } = await parked.call(body);
		expect(run).toBeUndefined();
		expect(status).toBe(200);
	});

	test('stops looking at the first task that still runs', async () => {
		const many = Array.from({ length: 20 }, () => good);
		const { parked, sandbox, submitted } = await parkIt(many, {
			options: {
				jobMs: 30_000,
				accounts: [{ email: 'artist@example.com', maxJobs: 20 }],
			},
		});
		const before = apiCalls({ sandbox });
		const lie = { task: { id: submitted[3].taskId }, status_final: true };
		expect((await parked.call(lie)).run).toBeUndefined();
		expect(apiCalls({ sandbox }) - before).toBe(2);
	});

	test.each([
		['without the list of running jobs', { kind: 'status', status: 503 }],
		['with a list that still has finished ones', { kind: 'json', body: [{ id: 500000010 }] }],
		['with an empty list', { kind: 'json', body: [] }],
		['with a list that is none', { kind: 'json', body: { error: 'no list' } }],
	] as const)('goes on %s', async (_name, fault) => {
		const { parked, sandbox, submitted, addFault } = await parkIt([good, good]);
		await allFinished({ sandbox }, own);
		addFault({ ...fault, method: 'GET', path: '/v1/kling/scheduler', times: 9 } as never);
		const { run } = await parked.call(await modelOf({ sandbox }, submitted[0].taskId));
		expect(run!.items('Result')).toHaveLength(2);
	});

	test('the API lagging behind its own callback does not lose it', async () => {
		const { parked, sandbox, submitted, addFault } = await parkIt([good]);
		const running = JSON.parse(await modelOf({ sandbox }, submitted[0].taskId)) as object;
		await allFinished({ sandbox }, own);
		const model = await modelOf({ sandbox }, submitted[0].taskId);
		addFault({ method: 'GET', path: '/v1/kling/tasks/', kind: 'json', body: running } as never);
		const { run } = await parked.call(model);
		expect(run!.items('Result')).toHaveLength(1);
	});

	test('ids past 2^53 stay exact', async () => {
		const { parked, sandbox, submitted } = await parkIt([good], {
			options: { firstTaskId: '90071992547409931' },
		});
		expect(submitted[0].taskId).toBe('90071992547409931');
		await allFinished({ sandbox }, own);
		const { run } = await parked.call(await modelOf({ sandbox }, '90071992547409931'));
		expect(run!.items('Result')[0].json.taskId).toBe('90071992547409931');
	});

	test('whatever the node is called', async () => {
		const name = 'My "Kling" }} {{ node \\ \'1\' 日本';
		const kling = await bench({ jobMs: 300, callbacks: 'none' });
		const named = () => {
			const text = JSON.stringify(klingWorkflow([good], pausing()));
			const renamed = JSON.stringify(name);
			return JSON.parse(text.replaceAll('"Kling"', () => renamed)) as ReturnType<
				typeof klingWorkflow
			>;
		};
		const run = await runWorkflow(named(), kling.credentials);
		await allFinished(kling, own);
		const parked = parkedRun(named(), kling.credentials, run);
		const { run: resumed } = await parked.call(await modelOf(kling, '500000010'));
		expect(resumed!.items('Result')).toHaveLength(1);
	});

	test('what was finished or had failed before is kept', async () => {
		const kling = await bench({
			jobMs: 500,
			accounts: [{ email: 'artist@example.com', maxJobs: 1 }],
			retryAfterSeconds: 1,
			seeds,
			callbacks: 'none',
		});
		const items = [good, unfinished, good];
		const settings = { onError: 'continueRegularOutput' } as const;
		const run = await kling.run(items, pausing({ download: true }), settings);
		await allFinished(kling, own);
		const looks = kling.looks();
		const workflow = klingWorkflow(items, pausing({ download: true }), settings);
		const parked = parkedRun(workflow, kling.credentials, run);
		const waitedFor = run.items('Kling').find(({ json }) => json.finished === false)!;
		const { run: resumed } = await parked.call(await modelOf(kling, waitedFor.json.taskId));
		const results = resumed!.items('Result');
		expect(results.map(({ json }) => json.status ?? json.error)).toEqual([
			'succeed',
			'Task 700000001 is not completed',
			'succeed',
		]);
		expect(results.map(({ binary }) => binary?.data.mimeType)).toEqual([
			'image/png',
			undefined,
			'image/png',
		]);
		expect(results.map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
		// The test's own look, and the node's at the one task that was not finished when it parked.
		expect(kling.looks() - looks).toBe(2);
	});

	test('a file without watermark that cannot be had is told in the item', async () => {
		const { parked, sandbox, submitted } = await parkIt([good, good], {
			parameters: { download: true, options: { withoutWatermark: true } },
			options: { accounts: [{ email: 'artist@example.com', maxJobs: 5, paid: false }] },
		});
		await allFinished({ sandbox }, own);
		const { run } = await parked.call(await modelOf({ sandbox }, submitted[0].taskId));
		expect(run!.items('Result').map(({ json }) => json.message)).toEqual(
			[0, 1].map((item) =>
				expect.stringMatching(`^Item ${item}: the image without watermark was not available \\(`),
			),
		);
	});

	test('a node that waits for nothing says so', async () => {
		const kling = await bench({ jobMs: 30_000, callbacks: 'none' });
		const run = await kling.run([good], pausing());
		run.run.data.executionData!.contextData = {};
		const parked = parkedRun(klingWorkflow([good], pausing()), kling.credentials, run);
		const before = apiCalls(kling);
		expect(await parked.call({})).toEqual({
			status: 200,
			answer: { message: 'This node waits for no task' },
		});
		expect(apiCalls(kling)).toBe(before);
	});

	test('with Execute Once there is one', async () => {
		const { parked, sandbox } = await parkIt([good, good], { settings: { executeOnce: true } });
		await allFinished({ sandbox }, own);
		const { run } = await parked.call(await modelOf({ sandbox }, '500000010'));
		expect(run!.items('Result')).toHaveLength(1);
	});
});

describe('many calls', () => {
	test('ten at once: one of them resumes', async () => {
		const { parked, sandbox, submitted } = await parkIt([good, good]);
		await allFinished({ sandbox }, own);
		const model = await modelOf({ sandbox }, submitted[0].taskId);
		const calls = await Promise.all(Array.from({ length: 10 }, () => parked.call(model)));
		expect(calls.filter(({ run }) => run)).toHaveLength(1);
		expect(calls.map(({ status }) => status)).toEqual(Array(10).fill(200));
		// One that comes while n8n is still about to resume.
		expect((await parked.call(model)).run).toBeUndefined();
	});

	test('one that comes while a look is under way is not lost', async () => {
		const { parked, sandbox, submitted, addFault } = await parkIt([good]);
		const running = JSON.parse(await modelOf({ sandbox }, submitted[0].taskId)) as object;
		await allFinished({ sandbox }, own);
		// The look sees the task running; its answer is still on the way when the final callback comes.
		addFault({
			method: 'GET',
			path: '/v1/kling/tasks/',
			kind: 'json',
			body: running,
			delayMs: 500,
		} as never);
		const first = parked.call({});
		await pause(200);
		const second = await parked.call({ task: { id: submitted[0].taskId }, status_final: true });
		expect(second).toMatchObject({ status: 200 });
		expect((await first).run!.items('Result')).toHaveLength(1);
	});

	test('at most 5 API calls for a task, when all finish at once and everyone calls', async () => {
		const many = Array.from({ length: 20 }, () => good);
		const { parked, sandbox, submitted } = await parkIt(many, {
			options: { accounts: [{ email: 'artist@example.com', maxJobs: 20 }] },
		});
		await allFinished({ sandbox }, own);
		const models = await Promise.all(submitted.map(({ taskId }) => modelOf({ sandbox }, taskId)));
		const calls = await Promise.all(models.map((model) => parked.call(model)));
		expect(calls.filter(({ run }) => run)).toHaveLength(1);
		// The test's own looks are not the node's.
		expect(apiCalls({ sandbox }) - models.length).toBeLessThanOrEqual(5 * many.length);
	});
});

describe('a failed task', () => {
	const items = [good, failing, good];

	async function resumed(settings: Partial<INode>) {
		const { parked, sandbox, posts } = await parkIt(items, { settings });
		await allFinished({ sandbox }, own);
		const { run } = await parked.call(await modelOf({ sandbox }, '500000010'));
		expect(posts()).toBe(3);
		return run!;
	}

	test('ends the execution with its reason, and nothing after the node runs', async () => {
		const { error, items: itemsOf, run } = await resumed({});
		expect(itemsOf('Result')).toEqual([]);
		expect(run.status).toBe(canFailParked ? 'error' : 'success');
		if (!canFailParked) return;
		expect(error?.message).toMatch(/^Task \d+ failed: Image upscale failed/);
		expect(error?.description).toMatch(/\(item 0: 5000000\d0, item 2: 5000000\d0\)/);
		expect(error?.context.itemIndex).toBe(1);
	});

	test('of several the first in input order is told', async () => {
		const three = [good, failing, failing];
		const { parked, sandbox } = await parkIt(three);
		await allFinished({ sandbox }, own);
		const { run } = await parked.call(await modelOf({ sandbox }, '500000010'));
		if (canFailParked) expect(run!.error?.context.itemIndex).toBe(1);
		expect(run!.items('Result')).toEqual([]);
	});

	test('a task that is gone is an error of its item', async () => {
		const settings = { onError: 'continueRegularOutput' } as const;
		const kling = await bench({ jobMs: 300, callbacks: 'none' });
		const run = await kling.run([good, good], pausing(), settings);
		await allFinished(kling, own);
		const [first] = run.items('Kling').map(({ json }) => String(json.taskId));
		// Sent so long ago that the API must know it.
		const { contextData } = run.run.data.executionData!;
		const { tasks } = contextData['node:Kling'].parkedByKling as { tasks: ParkedTask[] };
		for (const task of tasks) task.sentAtMs -= 60_000;
		const workflow = klingWorkflow([good, good], pausing(), settings);
		const parked = parkedRun(workflow, kling.credentials, run);
		kling.addFault({
			kind: 'json',
			path: `/v1/kling/tasks/${first}$`,
			status: 404,
			body: { error: 'Task not found' },
			times: 9,
		});
		const { run: resumedRun } = await parked.call({});
		const results = resumedRun!.items('Result').map(({ json }) => json);
		expect(results[0]).toMatchObject({
			error: 'Task not found',
			details: { taskId: first, httpCode: '404' },
		});
		expect(results[1]).toMatchObject({ status: 'succeed' });
	});

	test('Retry On Fail does not send anything again', async () => {
		const { error, items: itemsOf } = await resumed({
			retryOnFail: true,
			maxTries: 3,
			waitBetweenTries: 1,
		});
		expect(itemsOf('Result')).toEqual([]);
		if (canFailParked) expect(error?.message).toMatch(/^Task \d+ failed/);
	});

	test('is an error item in its place with Continue', async () => {
		const { items: itemsOf, error } = await resumed({ onError: 'continueRegularOutput' });
		expect(error).toBeUndefined();
		expect(itemsOf('Result').map(({ json }) => Object.keys(json).includes('error'))).toEqual([
			false,
			true,
			false,
		]);
		expect(itemsOf('Result')[1].json.details).toMatchObject({ status: 'failed' });
	});

	test('leaves by the error branch with an error output', async () => {
		const { items: itemsOf } = await resumed({ onError: 'continueErrorOutput' });
		const errorsOf = (node: string) => itemsOf(node).flatMap(({ json }) => json.error ?? []);
		const branch = knowsErrorDetails && resumesAllOutputs ? 'Failed' : 'Result';
		expect(errorsOf(branch)).toEqual([expect.stringMatching(/^Task \d+ failed/)]);
		expect(itemsOf('Result')).toHaveLength(branch === 'Failed' ? 2 : 3);
	});
});

describe('trouble with the API', () => {
	test('is answered with 503 and changes nothing; a later call goes on', async () => {
		const { parked, sandbox, submitted, addFault } = await parkIt([good]);
		await allFinished({ sandbox }, own);
		const model = await modelOf({ sandbox }, submitted[0].taskId);
		sandbox.settings.token = 'user:2-changed-since';
		const refused = await parked.call(model);
		expect(refused.status).toBe(503);
		expect(refused.run).toBeUndefined();
		expect(JSON.stringify(refused.answer)).toContain('The API token was refused');
		sandbox.settings.token = 'user:1234-sandbox';
		// It passes within the call.
		addFault({ method: 'GET', path: '/v1/kling/tasks/', kind: 'status', status: 502 });
		expect((await parked.call(model)).run!.items('Result')).toHaveLength(1);
	});
});

describe('the time limit', () => {
	test('hands on the tasks as they were sent, linked, and errors by their branch', async () => {
		const { parked, submitted } = await parkIt([{ ...good, extra: 1 }, unfinished, good], {
			settings: { onError: 'continueErrorOutput' },
			options: { jobMs: 30_000 },
		});
		const { items, error } = await parked.limit();
		expect(error).toBeUndefined();
		const unfinishedTasks = items('Result').filter(({ json }) => json.error === undefined);
		expect(unfinishedTasks.map(({ json }) => json)).toEqual(
			submitted.filter(({ error: refused }) => refused === undefined),
		);
		expect(unfinishedTasks.map(({ json }) => json.finished)).toEqual([false, false]);
		const errors = items(knowsErrorDetails ? 'Failed' : 'Result').flatMap(
			({ json }) => json.error ?? [],
		);
		expect(errors).toEqual(['Task 700000001 is not completed']);
		expect(items('Result')).toHaveLength(knowsErrorDetails ? 2 : 3);
		expect(items('Start').map(({ json }) => json)).toEqual([
			{ ...good, extra: 1 },
			unfinished,
			good,
		]);
	});
});

import type { INode } from 'n8n-workflow';

import { pass } from '../support/n8n/clock.mts';
import { recordLog } from '../support/n8n/engine.mts';
import { bench } from '../support/kling.mts';
import { waitingExecution, pendingTasks } from '../support/n8n/waiting-execution.mts';
import {
	allFinished,
	alsoFailing,
	apiCalls,
	failing,
	good,
	goods,
	modelOf,
	own,
	suspend,
	pausing,
	seeds,
	unfinished,
} from '../support/suspending.mts';
import { canFailWaiting, knowsErrorDetails, resumesAllOutputs } from '../support/n8n/version.mts';
import { klingWorkflow } from '../support/n8n/workflows.mts';

/** Pause Until Called Back on n8n's own engine when not all goes well: calls at once, failed tasks, problems of the API, the time limit. */

describe('many calls', () => {
	test('ten at once: one of them resumes', async () => {
		const { waiting, sandbox, submitted } = await suspend(goods.slice(0, 2));
		await allFinished({ sandbox }, own);
		const model = await modelOf({ sandbox }, submitted[0].taskId);
		const calls = await Promise.all(Array.from({ length: 10 }, () => waiting.call(model)));
		expect(calls.filter(({ run }) => run)).toHaveLength(1);
		expect(calls.map(({ status }) => status)).toEqual(Array(10).fill(200));
		// One that comes while n8n is still about to resume.
		expect((await waiting.call(model)).run).toBeUndefined();
	});

	test('one that comes while a look is under way is not lost', async () => {
		const { waiting, sandbox, submitted, addFault } = await suspend([good]);
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
		const first = waiting.call({});
		await pass(200);
		const second = await waiting.call({ task: { id: submitted[0].taskId }, status_final: true });
		expect(second).toMatchObject({ status: 200 });
		expect((await first).run!.items('Result')).toHaveLength(1);
	});

	test('at most 5 API calls for a task, when all finish at once and everyone calls', async () => {
		const { waiting, sandbox, submitted } = await suspend(goods, {
			options: { accounts: [{ email: 'artist@example.com', maxJobs: goods.length }] },
		});
		await allFinished({ sandbox }, own);
		const models = await Promise.all(submitted.map(({ taskId }) => modelOf({ sandbox }, taskId)));
		const calls = await Promise.all(models.map((model) => waiting.call(model)));
		expect(calls.filter(({ run }) => run)).toHaveLength(1);
		// The test's own looks are not the node's.
		expect(apiCalls({ sandbox }) - models.length).toBeLessThanOrEqual(5 * goods.length);
	});
});

describe('a failed task', () => {
	const items = [goods[0], failing, goods[1]];

	async function resumed(settings: Partial<INode>) {
		const { waiting, sandbox, posts } = await suspend(items, { settings });
		await allFinished({ sandbox }, own);
		const { run } = await waiting.call(await modelOf({ sandbox }, '500000010'));
		expect(posts()).toBe(3);
		return run!;
	}

	test('ends the execution with its reason, and nothing after the node runs', async () => {
		const { error, items: itemsOf, run } = await resumed({ onError: 'stopWorkflow' });
		expect(itemsOf('Result')).toEqual([]);
		expect(run.status).toBe(canFailWaiting ? 'error' : 'success');
		if (!canFailWaiting) return;
		expect(error?.message).toMatch(/^Task \d+ failed: Image upscale failed/);
		expect(error?.description).toMatch(/\(item 0: 5000000\d0, item 2: 5000000\d0\)/);
		expect(error?.context.itemIndex).toBe(1);
	});

	test('of several the first in input order is told', async () => {
		const { waiting, sandbox } = await suspend([good, failing, alsoFailing]);
		await allFinished({ sandbox }, own);
		const { run } = await waiting.call(await modelOf({ sandbox }, '500000010'));
		if (canFailWaiting) expect(run!.error?.context.itemIndex).toBe(1);
		expect(run!.items('Result')).toEqual([]);
	});

	test('also when a later one has failed sooner', async () => {
		const { waiting, sandbox, addFault } = await suspend([good, failing], {
			parameters: { download: true },
		});
		await allFinished({ sandbox }, own);
		addFault({
			server: 'cdn',
			path: '/results/',
			kind: 'status',
			status: 404,
			delayMs: 300,
			times: 9,
		});
		const { run } = await waiting.call({});
		if (canFailWaiting) expect(run!.error?.context.itemIndex).toBe(0);
		expect(run!.items('Result')).toEqual([]);
	});

	test('stands in n8n’s log as well, for versions of n8n that cannot let the execution fail', async () => {
		const log = recordLog();
		await resumed({});
		expect(log.join('\n')).toMatch(/Kling: the execution ends with an error\. Task \d+ failed/);
	});

	test('a task that is gone is an error of its item', async () => {
		const settings = { onError: 'continueRegularOutput' } as const;
		const items = goods.slice(0, 2);
		const kling = await bench({ jobMs: 300, seeds, callbacks: 'none' });
		const run = await kling.run(items, pausing(), settings);
		await allFinished(kling, own);
		const [first] = run.items('Kling').map(({ json }) => String(json.taskId));
		// Sent so long ago that the API must know it.
		for (const task of pendingTasks(run)) task.sentAtMs -= 60_000;
		const workflow = klingWorkflow(items, pausing(), settings);
		const waiting = waitingExecution(workflow, kling.credentials, run);
		kling.addFault({
			kind: 'json',
			path: `/v1/kling/tasks/${first}$`,
			status: 404,
			body: { error: 'Task not found' },
			times: 9,
		});
		const { run: resumedRun } = await waiting.call({});
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
		if (canFailWaiting) expect(error?.message).toMatch(/^Task \d+ failed/);
	});

	test.each<Partial<INode>>([
		{ onError: 'continueRegularOutput' },
		// As nodes of earlier versions of n8n say it.
		{ continueOnFail: true },
	])('is an error item in its place with Continue: %j', async (settings) => {
		const { items: itemsOf, error } = await resumed(settings);
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

describe('what is told', () => {
	test('a file without watermark that cannot be had is told in the item', async () => {
		const { waiting, sandbox, submitted } = await suspend(goods.slice(0, 2), {
			parameters: { download: true, options: { withoutWatermark: true } },
			options: { accounts: [{ email: 'artist@example.com', maxJobs: 5, paid: false }] },
		});
		await allFinished({ sandbox }, own);
		const { run } = await waiting.call(await modelOf({ sandbox }, submitted[0].taskId));
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
		const waiting = waitingExecution(klingWorkflow([good], pausing()), kling.credentials, run);
		const before = apiCalls(kling);
		expect(await waiting.call({})).toEqual({
			status: 200,
			answer: { message: 'This node waits for no task' },
		});
		expect(apiCalls(kling)).toBe(before);
	});
});

describe('problems with the API', () => {
	test('is answered with 503 and changes nothing; a later call goes on', async () => {
		const { waiting, sandbox, submitted, addFault } = await suspend([good]);
		await allFinished({ sandbox }, own);
		const model = await modelOf({ sandbox }, submitted[0].taskId);
		sandbox.settings.token = 'user:2-changed-since';
		const refused = await waiting.call(model);
		expect(refused).toEqual({
			status: 503,
			answer: {
				message: expect.stringMatching(/^Could not read the tasks: The API token was refused/),
			},
			retryAfter: 10,
		});
		sandbox.settings.token = 'user:1234-sandbox';
		// It passes within the call.
		addFault({ method: 'GET', path: '/v1/kling/tasks/', kind: 'status', status: 502 });
		expect((await waiting.call(model)).run!.items('Result')).toHaveLength(1);
	});

	test('a token that is renewed between two calls counts at once: nobody may call a third time', async () => {
		const { waiting, sandbox, submitted, credentials } = await suspend([good]);
		expect((await waiting.call({})).run).toBeUndefined();
		await allFinished({ sandbox }, own);
		const model = await modelOf({ sandbox }, submitted[0].taskId);
		sandbox.settings.token = credentials.apiToken = 'user:2-renewed-since';
		expect((await waiting.call(model)).run!.items('Result')).toHaveLength(1);
	});
});

test('the credential is read once for calls that come close together', async () => {
	const { waiting, sandbox, credentials } = await suspend([good], {
		options: { jobMs: 60_000 },
	});
	const { apiToken } = credentials;
	let reads = 0;
	Object.defineProperty(credentials, 'apiToken', {
		enumerable: true,
		get: () => {
			reads++;
			return apiToken;
		},
	});
	for (let times = 0; times < 5; times++) await waiting.call({});
	expect(apiCalls({ sandbox })).toBeGreaterThan(5);
	expect(reads).toBe(1);
});

describe('the time limit', () => {
	test('is the longest of those that the items have', async () => {
		const before = Date.now();
		const items = [60, 300, 90].map((limit, at) => ({ ...goods[at], limit }));
		const { waiting } = await suspend(items, {
			parameters: { options: { timeout: '={{ $json.limit }}' } },
			options: { jobMs: 30_000 },
		});
		expect(waiting.waitTill.getTime()).toBeGreaterThanOrEqual(before + 300_000);
		expect(waiting.waitTill.getTime()).toBeLessThanOrEqual(Date.now() + 300_000);
	});

	test('hands on the tasks as they were sent, linked, and errors by their branch', async () => {
		const { waiting, submitted } = await suspend([{ ...good, extra: 1 }, unfinished, goods[0]], {
			settings: { onError: 'continueErrorOutput' },
			options: { jobMs: 30_000 },
		});
		const { items, error } = await waiting.limit();
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
			goods[0],
		]);
	});
});

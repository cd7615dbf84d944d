import type { IDataObject, INode } from 'n8n-workflow';

import { retryByHand } from '../support/n8n/retry-by-hand.mts';
import { runWorkflow, type EngineRun } from '../support/n8n/engine.mts';
import { pass } from '../support/n8n/clock.mts';
import { bench, images, upscale } from '../support/kling.mts';
import { waitingExecution, pendingTasks } from '../support/n8n/waiting-execution.mts';
import {
	allFinished,
	failing,
	good,
	goods,
	modelOf,
	pausing,
	seeds,
} from '../support/suspending.mts';
import { klingWorkflow, loopWorkflow } from '../support/n8n/workflows.mts';

/** A suspended execution whose node n8n runs again: after an error item, by hand, or in the next round of a loop. */

const own = ['700000001'];
const invalid = { taskId: 'x', workId: '1' };

describe('Retry On Fail, where the first item is an error', () => {
	const settings: Partial<INode> = {
		onError: 'continueRegularOutput',
		retryOnFail: true,
		maxTries: 3,
		waitBetweenTries: 1,
	};
	const items = [invalid, good, goods[0]];

	async function suspended(options = {}) {
		const kling = await bench({ jobMs: 600, seeds, callbacks: 'none', ...options });
		const run = await kling.run(items, pausing(), settings);
		const waiting = waitingExecution(
			klingWorkflow(items, pausing(), settings),
			kling.credentials,
			run,
		);
		return { ...kling, first: run, waiting };
	}

	test('nothing is sent again, and the tasks that it waits for are kept', async () => {
		const { first, posts, sandbox } = await suspended({ jobMs: 30_000 });
		expect(posts()).toBe(2);
		// Which of the two arrives first is not told.
		const sent = pendingTasks(first).map(({ taskId }) => taskId);
		expect(sent.toSorted()).toEqual(['500000010', '500000020']);
		const outputs = first.items('Kling');
		expect(outputs.map(({ json }) => json.taskId ?? json.error ?? json.failed)).toEqual([
			`'Task' must be an ID made of digits, but is "x"`,
			...sent,
		]);
		expect(outputs.map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
		expect((await sandbox.tasks()).filter(({ taskId }) => taskId.startsWith('5000'))).toHaveLength(
			2,
		);
	});

	test('a call brings the results', async () => {
		const { waiting, sandbox, posts } = await suspended();
		await allFinished({ sandbox }, own);
		const { run } = await waiting.call(await modelOf({ sandbox }, '500000010'));
		expect(run!.items('Result').map(({ json }) => json.status ?? json.error)).toEqual([
			`'Task' must be an ID made of digits, but is "x"`,
			'succeed',
			'succeed',
		]);
		expect(posts()).toBe(2);
	});

	test('the time limit brings the tasks as they were sent', async () => {
		const { first, waiting } = await suspended({ jobMs: 30_000 });
		const { items: outputs } = await waiting.limit();
		expect(outputs('Result').map(({ json }) => json.taskId ?? 'error')).toEqual([
			'error',
			...pendingTasks(first).map(({ taskId }) => taskId),
		]);
	});
});

describe('retried by hand', () => {
	const items = [good, failing, invalid];
	const settings: Partial<INode> = { onError: 'continueRegularOutput' };

	test('its tasks are polled, only one that failed is sent anew, and errors stay', async () => {
		const kling = await bench({ jobMs: 400, seeds, callbacks: 'none' });
		const first = await kling.run(items, pausing({ download: true }), settings);
		expect(first.run.waitTill).toBeDefined();
		expect(kling.posts()).toBe(2);
		await allFinished(kling, own);
		const workflow = klingWorkflow(items, pausing({ download: true }), settings);
		const again = await retryByHand(workflow, kling.credentials, first, (data) => {
			data.waitTill = undefined;
		});
		expect(again.run.waitTill).toBeUndefined();
		const outputs = again.items('Result');
		const [{ taskId }] = pendingTasks(first);
		expect(outputs[0].json).toMatchObject({ taskId, status: 'succeed' });
		expect(outputs[0].binary?.data.mimeType).toBe('image/png');
		expect(outputs[1].json.error).toMatch(/^Task 500000030 failed/);
		expect(outputs[2].json.error).toBe(`'Task' must be an ID made of digits, but is "x"`);
		expect(kling.posts()).toBe(3);
		// Nobody is to call the new execution, and the address of the old one is no use.
		const posts = kling.sandbox.requests.filter(({ method }) => method === 'POST');
		expect(posts.map(({ body }) => 'replyUrl' in (body as object))).toEqual([true, true, false]);
	});

	test('while its tasks run it polls them instead of pausing', async () => {
		const kling = await bench({ jobMs: 5_000, seeds, callbacks: 'none' });

		const first = await kling.run([good], pausing());
		const workflow = klingWorkflow([good], pausing());
		const again = await retryByHand(workflow, kling.credentials, first, (data) => {
			data.waitTill = undefined;
		});
		expect(again.run.waitTill).toBeUndefined();
		expect(again.items('Result')[0].json).toMatchObject({
			taskId: '500000010',
			status: 'succeed',
		});
		expect(kling.posts()).toBe(1);
	});
});

describe('in a loop', () => {
	const MINUTE_MS = 60_000;
	/** n8n may be a little late. */
	const LATE_MS = 5_000;
	const { items: two, seeds: twoSeeds } = images(2);
	const nth = (field: 'taskId' | 'workId') =>
		`={{ ${JSON.stringify(two.map((item) => item[field]))}[$runIndex] }}`;
	const parameters = (timeout: number): IDataObject =>
		upscale({
			taskId: nth('taskId'),
			workId: nth('workId'),
			wait: 'callback',
			options: { timeout, pollInterval: undefined },
		});

	/** The first round is called back as soon as its task is finished; then comes the next, with another image. */
	async function secondRound(jobsMs: [number, number], timeout: number) {
		const kling = await bench({ jobMs: jobsMs[0], seeds: twoSeeds, callbacks: 'none' });

		const workflow = loopWorkflow([{}], parameters(timeout), { rounds: 1, of: 'results' });
		const first = await runWorkflow(workflow, kling.credentials);
		await pass(jobsMs[0]);
		const waiting = waitingExecution(workflow, kling.credentials, first);
		[, kling.sandbox.settings.jobMs] = jobsMs;
		const { run } = await waiting.call(await modelOf(kling, '500000010'));
		return { ...kling, timerAtMs: waiting.waitTill.getTime(), second: run! };
	}
	const outputOf = ({ items }: EngineRun, runIndex: number) => items('Kling', 0, runIndex)[0].json;

	test('a round polls while an earlier round’s timer is set, and needs no pause if it is done by then', async () => {
		const { second, posts } = await secondRound([25_000, 25_000], 60);
		expect(second.run.waitTill).toBeUndefined();
		expect([0, 1].map((run) => outputOf(second, run).status)).toEqual(['succeed', 'succeed']);
		expect(posts()).toBe(2);
	});

	test('it pauses once that timer is over', async () => {
		const { second, timerAtMs, posts } = await secondRound([25_000, 600_000], 60);
		const pausedAtMs = second.run.waitTill!.getTime() - MINUTE_MS;
		expect(pausedAtMs).toBeGreaterThanOrEqual(timerAtMs + LATE_MS);
		expect(pausedAtMs).toBeLessThan(timerAtMs + LATE_MS + MINUTE_MS);
		expect(posts()).toBe(2);
	});

	test('a limit that is far away has no timer: it pauses at once', async () => {
		const { second, timerAtMs } = await secondRound([25_000, 600_000], 900);
		const pausedAtMs = second.run.waitTill!.getTime() - 15 * MINUTE_MS;
		expect(pausedAtMs).toBeLessThan(timerAtMs - 14 * MINUTE_MS);
	});

	test('the same image again is not waited for by callback, and not sent', async () => {
		const kling = await bench({ jobMs: 400, seeds, callbacks: 'none' });
		const same = upscale({ wait: 'callback', options: { pollInterval: undefined } });
		const workflow = loopWorkflow([{}], same, { rounds: 1, of: 'results' });
		const first = await runWorkflow(workflow, kling.credentials);
		expect(first.run.waitTill).toBeDefined();
		await allFinished(kling, own);
		const waiting = waitingExecution(workflow, kling.credentials, first);
		const { run } = await waiting.call(await modelOf(kling, '500000010'));
		expect(run!.run.waitTill).toBeUndefined();
		expect([0, 1].map((round) => outputOf(run!, round).taskId)).toEqual(['500000010', '500000010']);
		expect(kling.posts()).toBe(1);
	});
});

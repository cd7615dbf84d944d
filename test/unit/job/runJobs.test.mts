import type { INodeExecutionData } from 'n8n-workflow';

import { runJobs } from '../../../nodes/Kling/job/runJobs.ts';
import type { JobParameters } from '../../../nodes/Kling/job/submission/attempt.ts';
import type { PaidRequest } from '../../../nodes/Kling/transport/types.ts';
import {
	answered,
	FakeExecution,
	FakeKling,
	lost,
	messageOf,
	realTime,
	START_MS,
	through,
	virtualTime,
	type ExecutionSettings,
} from '../../support/fakes.mts';
import { callOf } from '../support/submitting.mts';

/** Sends and waits for a whole batch, from n8n's call to n8n's items. Pausing is in suspendJobs.test.mts. */

beforeEach(virtualTime);
afterEach(realTime);

type Changes = Partial<JobParameters> & { request?: PaidRequest };

/** One item for each image. */
async function run(
	execution: FakeExecution,
	workIds: string[],
	{ request, ...changes }: Changes = {},
	settings: ExecutionSettings = {},
): Promise<INodeExecutionData[]> {
	const items = workIds.map((workId) => ({ json: { workId } }));
	return await runJobs(execution.context({ items, ...settings }), (itemIndex) => ({
		wait: 'poll',
		callsBack: false,
		reuse: false,
		timeoutMs: 60_000,
		settings: { output: 'simplified' },
		call: callOf({ workId: workIds[itemIndex], ...request }),
		...changes,
	}));
}

const told = (items: INodeExecutionData[]) => items.map(({ json }) => json.error ?? json.taskId);

test('every item gets its result, in input order, linked to its input', async () => {
	const kling = new FakeKling();
	const items = await through(run(new FakeExecution(kling), ['11', '12', '13']));
	expect(told(items)).toEqual(['501', '502', '503']);
	expect(items.map(({ pairedItem }) => pairedItem)).toEqual([
		{ item: 0 },
		{ item: 1 },
		{ item: 2 },
	]);
	expect(items.every(({ json }) => json.status === 'succeed')).toBe(true);
	expect((Date.now() - START_MS) / 1000).toBeLessThan(25);
});

test('equal items share one job, its result, and the looks at it', async () => {
	const kling = new FakeKling();
	const items = await through(run(new FakeExecution(kling), ['11', '11', '11', '11']));
	expect(told(items)).toEqual(['501', '501', '501', '501']);
	expect(kling.count('POST')).toBe(1);
});

test('a slot is given back as soon as its task is seen finished', async () => {
	const kling = new FakeKling();
	kling.slots = 1;
	kling.taskMs = 21_000;
	await through(run(new FakeExecution(kling), ['11', '12', '13', '14']));
	const pauses = kling.jobs.slice(1).map(({ madeMs }, before) => madeMs - kling.jobs[before].endMs);
	// A fifth of the time that the first one took, and then what that one has taught.
	expect(Math.max(...pauses)).toBeLessThan(4_500);
});

test('another try takes the jobs that were sent, and sends those that were not', async () => {
	const kling = new FakeKling('accept and lose', { outcome: 'unsent', reason: 'ECONNREFUSED' });
	const execution = new FakeExecution(kling, { goesOn: true });
	const first = await through(run(execution, ['11', '12']));
	expect(told(first)).toEqual(['501', 'Could not connect to useapi.net (ECONNREFUSED)']);
	expect(told(await through(run(execution, ['11', '12'])))).toEqual(['501', '502']);
	expect(kling.count('POST')).toBe(3);
});

test('a time-out is not paid again by another run, and its task is waited for', async () => {
	const kling = new FakeKling();
	const execution = new FakeExecution(kling);
	const timeoutMs = 5_000;
	for (const runIndex of [0, 1, 2]) {
		const message = await messageOf(run(execution, ['11'], { timeoutMs }, { runIndex }));
		expect(message).toContain('Task 501 did not finish within 5 seconds');
	}
	expect(told(await through(run(execution, ['11'], { timeoutMs }, { runIndex: 3 })))).toEqual([
		'501',
	]);
	expect(kling.count('POST')).toBe(1);
});

test('a failed task is told again by a try, and sent again by a later run', async () => {
	const kling = new FakeKling();
	kling.taskMs = 1_000;
	const execution = new FakeExecution(kling);
	const failing = run(execution, ['11']);
	await jest.advanceTimersByTimeAsync(500);
	kling.jobs[0].end = 'failed';
	expect(await messageOf(failing)).toContain('Task 501 failed');
	expect(await messageOf(run(execution, ['11']))).toContain('Task 501 failed');
	expect(told(await through(run(execution, ['11'], {}, { runIndex: 1 })))).toEqual(['502']);
	expect(kling.count('POST')).toBe(2);
});

test('who does not wait gets the task as it was answered, or as it is when it was sent before', async () => {
	const kling = new FakeKling();
	const execution = new FakeExecution(kling);
	const [sent] = await through(run(execution, ['11'], { wait: 'none' }));
	expect(sent.json).toMatchObject({ taskId: '501', finished: false });
	expect(kling.calls).toEqual(['POST']);
	await jest.advanceTimersByTimeAsync(kling.taskMs);
	const [again] = await through(run(execution, ['11'], { wait: 'none' }));
	expect(again.json).toMatchObject({ taskId: '501', finished: true });
	expect(kling.calls).toEqual(['POST', 'GET 501']);
});

test('a result that was not paid for here says so', async () => {
	const kling = new FakeKling();
	kling.add({ taskId: '777', workId: '11', madeMs: START_MS - 60_000 });
	const [reused] = await through(run(new FakeExecution(kling), ['11'], { reuse: true }));
	expect(reused.json).toMatchObject({ taskId: '777', reused: true });
	const [own] = await through(run(new FakeExecution(kling), ['11']));
	expect(own.json).not.toHaveProperty('reused');
});

test('an error that stops the node names what was sent, and what may have been', async () => {
	const kling = new FakeKling('accept and lose', lost, answered(400, { error: 'No' }));
	kling.listFault = answered(403, {});
	const failing = run(new FakeExecution(kling), ['11', '12', '13', '14']).catch(
		(error: Error & { description: string }) => error,
	);
	const error = (await through(failing)) as Error & { description: string };
	expect(error.message).toBe('No');
	expect(error.description).toContain('item 3: 502');
	expect(error.description).toContain(
		'unknown whether the jobs of these items were accepted: 0, 1.',
	);
});

test.each([
	['https://n8n.example.com/webhook-test/1', 1],
	['https://n8n.example.com/form-test/1', 1],
	['https://n8n.example.com/webhook/1', 0],
])('a Reply URL that is %s: %i hints', async (replyUrl, hints) => {
	const execution = new FakeExecution(new FakeKling());
	const request = { task_id: '1', workId: '11', replyUrl };
	await through(run(execution, ['11'], { wait: 'none', request }));
	expect(execution.hints).toHaveLength(hints);
});

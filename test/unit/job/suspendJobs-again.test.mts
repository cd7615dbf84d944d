import { runJobs } from '../../../nodes/Kling/job/runJobs.ts';
import {
	answered,
	FakeExecution,
	FakeKling,
	realTime,
	START_MS,
	through,
	virtualTime,
} from '../../support/fakes.mts';
import { call, pendingIds, told } from '../support/suspending.mts';

/** An execution that has been suspended before, and one that n8n runs once more. */

beforeEach(virtualTime);
afterEach(realTime);

describe('when n8n runs the node again', () => {
	test('in the same run, nothing is read and nothing sent: it waits again', async () => {
		const kling = new FakeKling(answered(400, { error: 'No' }));
		const execution = new FakeExecution(kling, { goesOn: true });
		const { items, outputs } = call(execution, ['11', '12']);
		const first = await through(outputs);
		const [calls, waits] = [kling.calls.length, [...execution.waits]];
		const read = () => {
			throw new Error('Read once more');
		};
		const again = await through(runJobs(execution.context({ items }), read));
		expect(told(again)).toEqual(told(first));
		expect(kling.calls.slice(calls)).toEqual(['GET 501']);
		expect(execution.waits).toEqual([...waits, ...waits]);
	});

	test('by hand, the tasks are polled: the calls go to the old execution', async () => {
		const kling = new FakeKling(answered(400, { error: 'No' }));
		const execution = new FakeExecution(kling, { goesOn: true });
		const { items, outputs } = call(execution, ['11', '12', '13']);
		await through(outputs);
		const byHand = execution.byHand();
		const read = () => {
			throw new Error('Read once more');
		};
		const again = await through(runJobs(byHand.context({ items }), read));
		expect(told(again)).toEqual(['No', '501', '502']);
		expect(again[1].json).toMatchObject({ finished: true });
		expect(again.map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
		expect([byHand.waits, kling.count('POST')]).toEqual([[], 3]);
	});

	test('by hand, a task that failed is sent once more, without a call to anybody', async () => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling);
		const { items, outputs } = call(execution, ['11']);
		await through(outputs);
		Object.assign(kling.jobs[0], { end: 'failed', endMs: 0 });
		const context = execution.byHand().context({ items });
		const [item] = await through(runJobs(context, () => null as never));
		expect(item.json).toMatchObject({ taskId: '502', finished: true });
		expect(kling.posts[1]).toEqual({ task_id: '1', workId: '11' });
	});

	test('in another run, it sends what that one is given, and is suspended for that', async () => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling);
		await through(call(execution, ['11']).outputs);
		await through(call(execution, ['12'], {}, { runIndex: 1 }).outputs);
		expect([kling.count('POST'), pendingIds(execution)]).toEqual([2, ['502']]);
		// The first image again: its task still runs, and calls this execution.
		await through(call(execution, ['11'], {}, { runIndex: 2 }).outputs);
		expect([kling.count('POST'), pendingIds(execution)]).toEqual([2, ['501']]);
	});
});

describe('an earlier wait of the execution whose timer may still be set', () => {
	test('is waited out by polling, and then the execution is suspended', async () => {
		const kling = new FakeKling();
		kling.taskMs = 300_000;
		const execution = new FakeExecution(kling);
		await through(call(execution, ['11'], { timeoutMs: 60_000 }).outputs);
		await jest.advanceTimersByTimeAsync(30_000);
		await through(call(execution, ['12'], { timeoutMs: 60_000 }, { runIndex: 1 }).outputs);
		expect(Date.now()).toBeGreaterThanOrEqual(START_MS + 65_000);
		expect(Date.now()).toBeLessThan(START_MS + 67_000);
		expect(execution.waits[1]).toBe(Date.now() + 60_000);
	});

	test('is waited out too when the tasks cannot be asked meanwhile', async () => {
		const kling = new FakeKling();
		kling.taskMs = 300_000;
		const execution = new FakeExecution(kling);
		await through(call(execution, ['11'], { timeoutMs: 60_000 }).outputs);
		await jest.advanceTimersByTimeAsync(30_000);
		kling.taskFault = () => answered(400, { error: 'No' });
		const calls = kling.calls.length;
		await through(call(execution, ['12'], { timeoutMs: 60_000 }, { runIndex: 1 }).outputs);
		expect(execution.waits[1]).toBeGreaterThanOrEqual(START_MS + 65_000 + 60_000);
		expect(kling.calls.length - calls).toBeLessThan(6);
	});

	test('is no matter when everything has finished by then', async () => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling);
		await through(call(execution, ['11'], { timeoutMs: 60_000 }).outputs);
		await jest.advanceTimersByTimeAsync(20_000);
		const second = call(execution, ['12'], { timeoutMs: 60_000 }, { runIndex: 1 });
		const [item] = await through(second.outputs);
		expect(item.json).toMatchObject({ taskId: '502', finished: true });
		expect(execution.waits).toHaveLength(1);
	});

	test('is no matter when its limit was far away as the node began', async () => {
		const kling = new FakeKling();
		kling.taskMs = 3_600_000;
		const execution = new FakeExecution(kling);
		await through(call(execution, ['11']).outputs);
		await jest.advanceTimersByTimeAsync(500_000);
		const fromMs = Date.now();
		// The account is full for a while.
		kling.slots = 1;
		setTimeout(() => (kling.slots = 2), 45_000);
		await through(call(execution, ['12'], {}, { runIndex: 1 }).outputs);
		expect(Date.now() - fromMs).toBeGreaterThan(40_000);
		expect(Date.now() - fromMs).toBeLessThan(60_000);
		expect(execution.waits).toHaveLength(2);
	});

	test('is no matter when its limit is far away', async () => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling);
		await through(call(execution, ['11']).outputs);
		await jest.advanceTimersByTimeAsync(20_000);
		const fromMs = Date.now();
		await through(call(execution, ['12'], {}, { runIndex: 1 }).outputs);
		expect(Date.now() - fromMs).toBeLessThan(1_000);
		expect(execution.waits).toHaveLength(2);
	});
});

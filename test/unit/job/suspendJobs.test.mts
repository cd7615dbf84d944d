import type { INodeExecutionData } from 'n8n-workflow';

import { runJobs } from '../../../nodes/Kling/job/runJobs.ts';
import type { JobParameters } from '../../../nodes/Kling/job/submission/attempt.ts';
import type { Pending } from '../../../nodes/Kling/job/waiting/suspend.ts';
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

/** What happens before an execution is suspended, when it is not suspended at all, and when it is run once more. */

beforeEach(virtualTime);
afterEach(realTime);

const LIMIT_MS = 600_000;
const RESUME_URL = 'http://127.0.0.1/resume?signature=1';
type Changes = Partial<JobParameters>;

/** One call of the node, with one item for each image. */
function call(
	execution: FakeExecution,
	workIds: string[],
	changes: Changes = {},
	settings: ExecutionSettings = {},
) {
	const items: INodeExecutionData[] = workIds.map((workId) => ({ json: { workId } }));
	const context = execution.context({ items, ...settings });
	const read = (itemIndex: number): JobParameters => {
		const { workId } = items[itemIndex].json;
		if (typeof workId !== 'string') throw new Error('Image is empty');
		return {
			call: callOf({ workId, replyUrl: RESUME_URL }),
			wait: 'callback',
			callsBack: true,
			reuse: false,
			timeoutMs: LIMIT_MS,
			settings: { output: 'simplified' },
			...changes,
		};
	};
	return { items, outputs: runJobs(context, read) };
}

const told = (items: INodeExecutionData[]) =>
	items.map(({ json }) => json.error ?? json.failed ?? json.taskId);
const pendingOf = ({ nodeContext }: FakeExecution) =>
	nodeContext.parkedByKling as unknown as Pending | undefined;
const pendingIds = (execution: FakeExecution) =>
	pendingOf(execution)?.tasks.map(({ taskId }) => taskId);

test('all jobs are sent, then the execution is suspended with its tasks', async () => {
	const kling = new FakeKling();
	const execution = new FakeExecution(kling);
	const outputs = await through(call(execution, ['11', '12']).outputs);
	expect(told(outputs)).toEqual(['501', '502']);
	expect(outputs.every(({ json }) => json.finished === false)).toBe(true);
	expect(pendingIds(execution)).toEqual(['501', '502']);
	expect(execution.waits).toEqual([Date.now() + LIMIT_MS]);
	// For a retry by hand: all that was sent but the address of this execution.
	expect(pendingOf(execution)!.tasks[0]).toMatchObject({
		call: callOf({ workId: '11' }),
		timeoutMs: LIMIT_MS,
	});
	expect(JSON.stringify(execution.nodeContext)).not.toContain('signature');
});

test('what has finished meanwhile is not waited for', async () => {
	const kling = new FakeKling();
	kling.taskMs = 0;
	const execution = new FakeExecution(kling);
	const outputs = await through(call(execution, ['11', '12']).outputs);
	expect(outputs.every(({ json }) => json.finished === true)).toBe(true);
	expect([execution.waits, pendingOf(execution)]).toEqual([[], undefined]);
});

describe('between the last look and the suspension', () => {
	test('nothing is asked, and no file is fetched: that is done when it goes on', async () => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling);
		const settings = { output: 'simplified', binaryPropertyName: 'data' } as const;
		kling.add({ taskId: '777', workId: '11', endMs: 0 });
		const both = call(execution, ['11', '12', '13', '14'], { settings, reuse: true });
		await through(both.outputs);
		expect(kling.calls.filter((made) => made.startsWith('FILE'))).toEqual([]);
		expect(pendingIds(execution)).toEqual(['777', '501', '502', '503']);
		expect(kling.calls.at(-1)).toBe('GET scheduler');
	});

	test('a task that ends while another is looked at is seen', async () => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling);
		kling.taskFault = (taskId) => {
			if (taskId === '502') kling.jobs.forEach((job) => (job.endMs = 0));
			return undefined;
		};
		const outputs = await through(call(execution, ['11', '12']).outputs);
		expect(outputs.every(({ json }) => json.finished === true)).toBe(true);
		expect(kling.calls.slice(2)).toEqual(['GET 501', 'GET 502', 'GET 501']);
		expect(execution.waits).toEqual([]);
	});

	test('a problem while checking does not matter', async () => {
		const kling = new FakeKling();
		kling.taskFault = () => answered(500, {});
		const execution = new FakeExecution(kling);
		await through(call(execution, ['11']).outputs);
		expect(pendingIds(execution)).toEqual(['501']);
	});

	test('files are fetched at once when everything has finished', async () => {
		const kling = new FakeKling();
		kling.taskMs = 0;
		const settings = { output: 'simplified', binaryPropertyName: 'data' } as const;
		const [item] = await through(call(new FakeExecution(kling), ['11'], { settings }).outputs);
		expect(item.binary?.data.fileName).toBe('kling-501-5011.png');
	});
});

describe('jobs that nobody calls this execution about', () => {
	test('are polled, and the others waited for', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777', workId: '11' });
		const execution = new FakeExecution(kling);
		kling.taskMs = 300_000;
		const outputs = await through(call(execution, ['11', '12'], { reuse: true }).outputs);
		expect(outputs[0].json).toMatchObject({ taskId: '777', finished: true, reused: true });
		expect(outputs[1].json).toMatchObject({ taskId: '501', finished: false });
		expect(pendingIds(execution)).toEqual(['501']);
	});

	test('are polled no longer than the time limit, and come out as they are', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777', workId: '11', endMs: Infinity });
		const execution = new FakeExecution(kling);
		const job = call(execution, ['11'], { reuse: true, timeoutMs: 60_000 });
		const [item] = await through(job.outputs);
		expect(item.json).toMatchObject({ taskId: '777', finished: false });
		expect([execution.waits, Date.now()]).toEqual([[], START_MS + 60_000]);
	});
});

describe('an item that fails', () => {
	test('stops the node, which is then not suspended', async () => {
		const kling = new FakeKling(answered(400, { error: 'No' }));
		const execution = new FakeExecution(kling);
		expect(await messageOf(call(execution, ['11', '12']).outputs)).toBe('No');
		expect(execution.waits).toEqual([]);
	});

	test('is handed out with the others where the node continues', async () => {
		const kling = new FakeKling(answered(400, { error: 'No' }));
		const execution = new FakeExecution(kling, { goesOn: true });
		expect(told(await through(call(execution, ['11', '12']).outputs))).toEqual(['No', '501']);
		expect(pendingOf(execution)).toMatchObject({ itemCount: 2, tasks: [{ itemIndex: 1 }] });
	});

	test('is one whose task failed at once', async () => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling, { goesOn: true });
		const both = call(execution, ['11', '12']);
		kling.taskFault = () => {
			Object.assign(kling.jobs[0], { end: 'failed', endMs: 0 });
			return undefined;
		};
		expect(told(await through(both.outputs))).toEqual([
			'Task 501 failed: Kling gave no reason',
			'502',
		]);
		expect(pendingIds(execution)).toEqual(['502']);
		expect(JSON.stringify(execution.flow)).toContain('"failed":true');
	});

	test('is one whose outcome is unknown, when it has been looked for', async () => {
		const kling = new FakeKling(lost);
		kling.taskMs = 300_000;
		const execution = new FakeExecution(kling, { goesOn: true });
		const [first] = await through(call(execution, ['11', '12']).outputs);
		expect(first.json.failed).toMatch(/^It is unknown whether .*, most likely it was not$/);
		expect(pendingIds(execution)).toEqual(['501']);
	});
});

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

test('a success without a file is looked at again before the execution is suspended or an item fails', async () => {
	const kling = new FakeKling();
	const emptyUntilMs = START_MS + 5_000;
	const empty = answered(200, { task: { id: '501' }, status_name: 'succeed', works: [] });
	const full = answered(200, {
		task: { id: '501' },
		status_name: 'succeed',
		works: [{ contentType: 'image', resource: { resource: 'https://cdn.example/1.png' } }],
	});
	kling.taskFault = () => (Date.now() < emptyUntilMs ? empty : full);
	const execution = new FakeExecution(kling);
	const [item] = await through(call(execution, ['11']).outputs);
	expect(item.json).toMatchObject({ finished: true, imageUrl: 'https://cdn.example/1.png' });
	expect(execution.waits).toEqual([]);
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

test('the longest time limit of the items that are waited for counts', async () => {
	const kling = new FakeKling();
	const execution = new FakeExecution(kling);
	const limits = [60_000, 120_000, 90_000];
	const items = limits.map((limitMs) => ({ json: { limitMs } }));
	const read = (itemIndex: number): JobParameters => ({
		call: callOf({ workId: String(itemIndex), replyUrl: RESUME_URL }),
		wait: 'callback',
		callsBack: true,
		reuse: false,
		timeoutMs: limits[itemIndex],
		settings: { output: 'simplified' },
	});
	await through(runJobs(execution.context({ items }), read));
	expect(execution.waits).toEqual([Date.now() + 120_000]);
});

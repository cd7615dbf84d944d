import { runJobs } from '../../../nodes/Kling/job/runJobs.ts';
import type { JobParameters } from '../../../nodes/Kling/job/submission/attempt.ts';
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
} from '../../support/fakes.mts';
import { callOf } from '../support/submitting.mts';
import { call, LIMIT_MS, pendingIds, pendingOf, RESUME_URL, told } from '../support/suspending.mts';

/** What happens before an execution is suspended, and when it is not suspended at all. Once more is in suspendJobs-again. */

beforeEach(virtualTime);
afterEach(realTime);

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

import type { INodeExecutionData } from 'n8n-workflow';

import { resume } from '../../../../nodes/Kling/job/waiting/resume.ts';
import type { Pending, PendingTask } from '../../../../nodes/Kling/job/waiting/suspend.ts';
import {
	answered,
	empty,
	FakeExecution,
	FakeKling,
	missing,
	realTime,
	START_MS,
	through,
	virtualTime,
	type ExecutionSettings,
	type FakeJob,
} from '../../../support/fakes.mts';

/** What a call of the resume URL comes to. On n8n's engine, with n8n's own data: test/engine. */

beforeEach(virtualTime);
afterEach(realTime);

interface Setup extends ExecutionSettings {
	/** What the execution waits for; by default all jobs of the account, sent a minute ago. */
	tasks?: Array<Partial<PendingTask>>;
	limitMs?: number;
	/** Items that wait for nothing, after the others. */
	settled?: INodeExecutionData[];
}

let executions = 0;

/** An execution that is suspended for these jobs. */
function suspended(
	jobs: Array<Partial<FakeJob>>,
	{ tasks = [], limitMs = 600_000, settled = [], ...settings }: Setup = {},
) {
	const kling = new FakeKling();
	const execution = new FakeExecution(kling, { id: `${executions}`, ...settings });
	const made = jobs.map((job) => kling.add(job));
	const pending: Pending = {
		id: `execution ${executions++}`,
		tasks: made.map(({ taskId }, itemIndex) => ({
			itemIndex,
			taskId,
			settings: { output: 'simplified' },
			sentAtMs: START_MS - 60_000,
			...tasks[itemIndex],
		})),
		itemCount: made.length + settled.length,
		limitAtMs: START_MS + limitMs,
	};
	execution.nodeContext.parkedByKling = pending as never;
	const items: INodeExecutionData[] = made.map(({ taskId }) => ({ json: { taskId } }));
	items.push(...settled);
	const call = (body: unknown) => {
		const { context, exchange } = execution.webhook(body, items);
		const returned = resume(context);
		const outcome = returned.then(({ workflowData }) => workflowData?.[0]);
		return { ...exchange, returned, outcome };
	};
	return { execution, kling, made, pending, call };
}

const callback = (taskId: string, status_name = 'succeed') => ({
	task: { id: taskId },
	status_name,
	status_final: ['succeed', 'failed'].includes(status_name),
});
const told = (items?: INodeExecutionData[]) => items?.map(({ json }) => json.error ?? json.status);
const seconds = () => Math.round((Date.now() - START_MS) / 1000);

test('when all tasks have finished it goes on, with one item for each', async () => {
	const { call } = suspended([{ endMs: 0 }, { endMs: 0 }]);
	const { returned, outcome, answers } = call(callback('501'));
	const items = await through(outcome);
	expect(Object.keys(await returned)).toEqual(['workflowData']);
	expect(told(items)).toEqual(['succeed', 'succeed']);
	expect(items!.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
	expect(answers).toEqual([]);
});

test('what had settled before comes out as it was; where nothing had, n8n is not asked for it', async () => {
	const some = suspended([{ endMs: 0 }], { settled: [{ json: { error: 'No such image' } }] });
	const { outcome, expressions } = some.call(callback('501'));
	expect(told(await through(outcome))).toEqual(['succeed', 'No such image']);
	expect(expressions).toHaveLength(2);

	const none = suspended([{ endMs: 0 }]).call(callback('501'));
	expect(told(await through(none.outcome))).toEqual(['succeed']);
	expect(none.expressions).toHaveLength(1);
});

test('only the first call has n8n hand over all tasks, each time that the execution is suspended', async () => {
	const { execution, pending, call } = suspended([{ endMs: Infinity }, { endMs: Infinity }]);
	const asked = async () => {
		const { returned, expressions } = call(callback('501', 'processing'));
		await returned;
		return expressions.map((expression) => (expression.includes('?.id') ? 'id' : 'all'));
	};
	expect(await asked()).toEqual(['all']);
	expect(await asked()).toEqual(['id']);
	// In the next round of a loop, for another task.
	const next = { ...pending, id: 'next', tasks: pending.tasks.slice(1) };
	execution.nodeContext.parkedByKling = next as never;
	expect(await asked()).toEqual(['id', 'all']);
	const { returned, answers } = call(callback('501'));
	await returned;
	expect(answers).toEqual(['200 This execution waits for other tasks']);
});

test('that of 1,000 executions, so that those which never go on take no more memory', async () => {
	const running = () => suspended([{ endMs: Infinity }]);
	const asksForAll = async ({ call }: ReturnType<typeof suspended>) => {
		const { returned, expressions } = call(callback('501', 'processing'));
		await returned;
		return !expressions[0].includes('?.id');
	};
	const [first, ...others] = Array.from({ length: 1_000 }, running);
	expect(await asksForAll(first)).toBe(true);
	for (const other of others) await asksForAll(other);
	expect(await asksForAll(first)).toBe(false);
	expect(await asksForAll(running())).toBe(true);
	expect(await asksForAll(others[0])).toBe(false);
	expect(await asksForAll(first)).toBe(true);
});

test.each<[string, unknown, string]>([
	['progress', callback('501', 'processing'), 'Noted'],
	['a task of others', callback('999'), 'This execution waits for other tasks'],
])('%s resumes nothing, and asks for nothing', async (_name, body, answer) => {
	const { kling, call } = suspended([{ endMs: 0 }]);
	const { outcome, answers } = call(body);
	expect(await through(outcome)).toBeUndefined();
	expect([answers, kling.calls]).toEqual([[`200 ${answer}`], []]);
});

test('who names no task may mean this one', async () => {
	const { call } = suspended([{ endMs: 0 }]);
	expect(told(await through(call({ hello: 'world' }).outcome))).toEqual(['succeed']);
});

describe('a callback that says finished before the API does', () => {
	test('is answered at once, and waited for: 2, 4, 8, 16 and 30 seconds', async () => {
		const { kling, call } = suspended([{ endMs: START_MS + 25_000 }]);
		const { returned, outcome, answers } = call(callback('501'));
		await jest.advanceTimersByTimeAsync(1);
		expect(answers).toEqual(['200 Noted']);
		expect(told(await through(outcome))).toEqual(['succeed']);
		expect(await returned).toMatchObject({ noWebhookResponse: true });
		expect([seconds(), answers]).toEqual([30, ['200 Noted']]);
		expect(kling.count('GET 501')).toBe(5);
	});

	test('is given up after a minute, and the next one is trusted anew', async () => {
		const { kling, call } = suspended([{ endMs: Infinity }]);
		expect(await through(call(callback('501')).outcome)).toBeUndefined();
		expect([seconds(), kling.count('GET 501')]).toEqual([60, 6]);
		const { outcome, answers } = call({ hello: 'world' });
		expect(await through(outcome)).toBeUndefined();
		expect([seconds(), answers]).toEqual([60, ['200 Noted']]);
		Object.assign(kling.jobs[0], { endMs: START_MS + 63_000 });
		expect(told(await through(call(callback('501')).outcome))).toEqual(['succeed']);
	});

	test.each([20_000, 35_000])(
		'is not waited for into the time limit of %i ms, nor into the five seconds before it',
		async (limitMs) => {
			const { call } = suspended([{ endMs: START_MS + 25_000 }], { limitMs });
			expect(await through(call(callback('501')).outcome)).toBeUndefined();
			expect(seconds()).toBe(14);
		},
	);

	test('is waited for; one that does not say so is not', async () => {
		const { call } = suspended([{ endMs: START_MS + 1_000 }]);
		expect(await through(call({ task: { id: '501' } }).outcome)).toBeUndefined();
		expect(seconds()).toBe(0);
	});

	test('is no reason to wait for another task that still runs', async () => {
		const { call } = suspended([{ endMs: 0 }, { endMs: START_MS + 3_000 }]);
		expect(await through(call(callback('501')).outcome)).toBeUndefined();
		expect(seconds()).toBe(0);
		expect(told(await through(call(callback('502')).outcome))).toEqual(['succeed', 'succeed']);
	});

	test('a problem that comes after the answer is waited out, and told in the log if it stays', async () => {
		const passing = suspended([{ endMs: START_MS + 5_000 }]);
		const { outcome } = passing.call(callback('501'));
		await jest.advanceTimersByTimeAsync(1_000);
		passing.kling.taskFault = () => (seconds() < 5 ? answered(403, {}) : undefined);
		expect(told(await through(outcome))).toEqual(['succeed']);

		const lasting = suspended([{ endMs: Infinity }]);
		const call = lasting.call(callback('501'));
		await jest.advanceTimersByTimeAsync(1_000);
		lasting.kling.taskFault = () => answered(403, { error: 'No' });
		expect(await through(call.outcome)).toBeUndefined();
		expect(call.answers).toEqual(['200 Noted']);
		expect(call.log).toEqual(['"Kling": Could not read the tasks: No']);
	});
});

describe('many callers', () => {
	test('do one piece of work, and one of them goes on', async () => {
		const { kling, call } = suspended(Array.from({ length: 5 }, () => ({ endMs: 0 })));
		const calls = ['501', '502', '503', '504', '505'].map((taskId) => call(callback(taskId)));
		const outcomes = await through(Promise.all(calls.map(async ({ outcome }) => await outcome)));
		expect(outcomes.filter(Boolean)).toHaveLength(1);
		expect(kling.count('GET 501')).toBe(1);
		expect(calls.flatMap(({ answers }) => answers)).toEqual(Array(4).fill('200 Noted'));
	});

	test('what a second one says finished is waited for by the first', async () => {
		const { call } = suspended([{ endMs: START_MS + 8_000 }, { endMs: START_MS + 5_000 }]);
		const first = call(callback('502'));
		await jest.advanceTimersByTimeAsync(500);
		expect(await through(call(callback('501')).outcome)).toBeUndefined();
		expect(told(await through(first.outcome))).toEqual(['succeed', 'succeed']);
		expect(seconds()).toBe(14);
	});
});

test('an API that cannot be asked: the caller may call again, and the execution stays suspended', async () => {
	const { kling, call } = suspended([{ endMs: 0 }]);
	kling.taskFault = () => answered(401, {});
	const { returned, answers, headers } = call(callback('501'));
	expect(await through(returned)).toEqual({ noWebhookResponse: true });
	expect(answers).toEqual(['503 Could not read the tasks: The API token was refused']);
	expect(headers).toEqual({ 'Retry-After': 10 });
});

test('files are fetched now, and what had failed before stays as it was', async () => {
	const binary = { settings: { output: 'simplified', binaryPropertyName: 'data' } } as const;
	const { pending, call } = suspended([{ endMs: 0 }, { endMs: 0 }], { tasks: [binary, binary] });
	pending.tasks.shift();
	const items = await through(call(callback('502')).outcome);
	expect(items![0].json).toEqual({ taskId: '501' });
	expect(items![0].binary).toBeUndefined();
	expect(items![1].binary!.data.fileName).toBe('kling-502-5021.png');
});

test('a result that was not paid for here says so', async () => {
	const { call } = suspended([{ endMs: 0 }], { tasks: [{ reused: true }] });
	const [item] = (await through(call(callback('501')).outcome))!;
	expect(item.json).toMatchObject({ taskId: '501', reused: true });
});

describe('what went wrong', () => {
	const fault = (answer: typeof missing) => (taskId: string) =>
		taskId === '501' ? answer : undefined;

	test('is an error item where the node continues', async () => {
		const { kling, call } = suspended([{ endMs: 0 }, { endMs: 0, end: 'failed' }, { endMs: 0 }], {
			node: { onError: 'continueRegularOutput' },
		});
		kling.taskFault = fault(missing);
		expect(told(await through(call(callback('503')).outcome))).toEqual([
			'No such task',
			'Task 502 failed: Kling gave no reason',
			'succeed',
		]);
	});

	test.each([{}, { onError: 'stopWorkflow' as const }])(
		'ends the execution otherwise (%j), and the error names the other tasks',
		async (node) => {
			const { call } = suspended([{ endMs: 0, end: 'failed' }, { endMs: 0 }], { node });
			const { outcome, executeData, log } = call(callback('502'));
			expect(await through(outcome)).toEqual([]);
			const { resumeError } = executeData.metadata as { resumeError: { description: string } };
			expect(resumeError).toMatchObject({ message: 'Task 501 failed: Kling gave no reason' });
			expect(resumeError.description).toContain('item 1: 502');
			expect(log).toEqual([expect.stringContaining('the execution ends with an error')]);
		},
	);

	test('a success that stays without a file is one, after ten seconds', async () => {
		const { kling, call } = suspended([{ endMs: 0 }], { node: { continueOnFail: true } });
		kling.taskFault = fault(empty);
		expect(told(await through(call(callback('501')).outcome))).toEqual([
			'Task 501 finished without an image',
		]);
		expect(seconds()).toBe(10);
	});

	test('a 404 of a task that was only just sent is none', async () => {
		const { kling, call } = suspended([{ endMs: 0 }], { tasks: [{ sentAtMs: START_MS }] });
		kling.taskFault = (taskId) => (seconds() < 5 ? missing : fault(missing)(`not ${taskId}`));
		expect(told(await through(call(callback('501')).outcome))).toEqual(['succeed']);
	});
});

test('a node that is not suspended says so', async () => {
	const { context, exchange } = new FakeExecution(new FakeKling()).webhook(callback('501'), []);
	expect(await through(resume(context))).toEqual({ noWebhookResponse: true });
	expect(exchange.answers).toEqual(['200 This node waits for no task']);
});

import type { INodeExecutionData, IWebhookFunctions } from 'n8n-workflow';

import {
	earlierTimerMs,
	readPending,
	suspend,
	suspendedBefore,
	type Pending,
	type PendingTask,
} from '../../../../nodes/Kling/job/waiting/suspend.ts';
import {
	FakeExecution,
	FakeKling,
	nodeOf,
	realTime,
	START_MS,
	virtualTime,
	type ExecutionSettings,
} from '../../../support/fakes.mts';

/** What is left behind for whoever resumes the execution; how that goes is in resume.test.mts. */

beforeEach(virtualTime);
afterEach(realTime);

const task = (itemIndex: number): PendingTask => ({
	itemIndex,
	taskId: `50${itemIndex}`,
	settings: { output: 'simplified' },
	sentAtMs: START_MS,
});
const input = (): INodeExecutionData[] => [
	{ json: { n: 0 }, pairedItem: { item: 7 } },
	{ json: { n: 1 }, pairedItem: { item: 8 } },
];
const outputs = () => [{ json: { out: 0 } }, { json: { out: 1 } }];

async function suspended(
	settings: ExecutionSettings = {},
	tasks = [task(0)],
	limitMs = 60_000,
	execution = new FakeExecution(new FakeKling()),
) {
	const items = settings.items ?? input();
	const context = execution.context({ items, ...settings });
	await suspend(context, outputs().slice(0, items.length), tasks, new Map([[0, '500']]), limitMs);
	const pending = execution.nodeContext.parkedByKling as unknown as Pending;
	return { pending, execution, items };
}

test('the tasks in input order, how many items there are, and until when', async () => {
	const { pending, execution } = await suspended({ id: '17' }, [task(1), task(0)], 90_000);
	expect(pending).toMatchObject({
		tasks: [task(0), task(1)],
		itemCount: 2,
		accepted: [[0, '500']],
		executionId: '17',
		limitAtMs: START_MS + 90_000,
	});
	expect(execution.waits).toEqual([START_MS + 90_000]);
});

test('the outputs take the place of the input, and links stay', async () => {
	const { items } = await suspended();
	expect(items).toEqual([
		{ json: { out: 0 }, pairedItem: { item: 7 } },
		{ json: { out: 1 }, pairedItem: { item: 8 } },
	]);
});

test('with Execute Once nothing comes out at the limit that the node was never given', async () => {
	const [first] = input();
	const { execution } = await suspended({ items: [first], queued: [first, { json: { n: 1 } }] });
	expect(execution.queue.get(0)!.data.main).toEqual([[first]]);
});

test('what n8n has queued is replaced only where it is more than the node was given', async () => {
	const execution = new FakeExecution(new FakeKling());
	const context = execution.context({ items: input() });
	const entry = execution.queue.get(0)!;
	const { data } = entry;
	await suspend(context, outputs(), [task(0)], new Map(), 60_000);
	expect(entry.data).toBe(data);
	entry.data = { main: [null] };
	await suspend(context, outputs(), [task(0)], new Map(), 60_000);
	expect(entry.data).toEqual({ main: [null] });
});

test('the other inputs of n8n stay as they are', async () => {
	const execution = new FakeExecution(new FakeKling());
	const items = input();
	const context = execution.context({ items });
	const entry = execution.queue.get(0)!;
	entry.data = { main: [[...items, { json: { n: 2 } }], null] };
	await suspend(context, outputs(), [task(0)], new Map(), 60_000);
	expect(entry.data.main).toEqual([items, null]);
});

test('another execution, another moment, or another task makes another id', async () => {
	const idOf = async (...parameters: Parameters<typeof suspended>) =>
		(await suspended(...parameters)).pending.id;
	const ids = [
		await idOf({ id: '17' }),
		await idOf({ id: '18' }),
		await idOf({ id: '17' }, [task(1)]),
		(jest.advanceTimersByTime(1), await idOf({ id: '17' })),
	];
	expect(new Set(ids).size).toBe(4);
});

describe('when n8n runs the node once more', () => {
	test('on the same input it finds that it is suspended, on another it does not', async () => {
		const { execution, pending } = await suspended({ runIndex: 3 });
		expect(suspendedBefore(execution.context({ runIndex: 3 }))).toBe(pending);
		expect(suspendedBefore(execution.context({ runIndex: 4 }))).toBeUndefined();
		expect(suspendedBefore(new FakeExecution(new FakeKling()).context())).toBeUndefined();
	});

	test('what another pause has left is none of its own', () => {
		const execution = new FakeExecution(new FakeKling());
		const context = execution.context();
		const entry = execution.queue.get(0)!;
		entry.metadata = { suspendedByKling: 'this one' };
		expect(suspendedBefore(context)).toBeUndefined();
		execution.nodeContext.parkedByKling = { id: 'another' };
		expect(suspendedBefore(context)).toBeUndefined();
		entry.metadata = undefined;
		expect(suspendedBefore(context)).toBeUndefined();
	});

	test('a person who retries it by hand finds it too', async () => {
		const { execution, pending } = await suspended();
		expect(suspendedBefore(execution.byHand().context())).toEqual(pending);
	});
});

describe('timers that n8n has set for earlier waits of the execution', () => {
	/** A wait with this limit; the node runs again so much later. */
	async function timerAfter(limitMs: number, passedMs: number) {
		const { execution } = await suspended({}, [task(0)], limitMs);
		jest.advanceTimersByTime(passedMs);
		return { execution, timerMs: earlierTimerMs(execution.context()) };
	}

	test.each<[string, number, number, number | undefined]>([
		['may still fire', 60_000, 10_000, START_MS + 65_000],
		['may be a little late', 60_000, 64_999, START_MS + 65_000],
		['have fired', 60_000, 65_000, undefined],
		['are not set yet, and never will be', 600_000, 10_000, undefined],
		['are not set yet, just so', 85_000, 10_000, undefined],
		['have just been set', 84_999, 10_000, START_MS + 89_999],
	])('%s', async (_name, limitMs, passedMs, expected) => {
		expect((await timerAfter(limitMs, passedMs)).timerMs).toBe(expected);
	});

	test('one that is not set when the node runs again is no matter later either', async () => {
		const { execution } = await timerAfter(600_000, 10_000);
		jest.advanceTimersByTime(560_000);
		expect(earlierTimerMs(execution.context())).toBeUndefined();
	});

	test('of several the last one counts, whatever came after it', async () => {
		const { execution } = await suspended({}, [task(0)], 70_000);
		await suspended({ runIndex: 1 }, [task(0)], 30_000, execution);
		jest.advanceTimersByTime(1_000);
		expect(earlierTimerMs(execution.context())).toBe(START_MS + 75_000);
		jest.advanceTimersByTime(40_000);
		expect(earlierTimerMs(execution.context())).toBe(START_MS + 75_000);
		jest.advanceTimersByTime(40_000);
		expect(earlierTimerMs(execution.context())).toBeUndefined();
	});

	test('an execution that was never suspended has none', () => {
		expect(earlierTimerMs(new FakeExecution(new FakeKling()).context())).toBeUndefined();
	});
});

test.each(['Kling', 'Kling "two"', '{{ $json }}', 'a\\b'])(
	'in a webhook call it is read by the name of the node: %s',
	(name) => {
		const asked: string[] = [];
		const context = {
			getNode: () => nodeOf({ name }),
			evaluateExpression: (expression: string) => void asked.push(expression),
		} as unknown as IWebhookFunctions;
		expect(readPending(context)).toBeUndefined();
		const expression = /^\{\{ \$node\[([^{}]*)\]\.context\["parkedByKling"\] \}\}$/;
		const [, quoted] = expression.exec(asked[0])!;
		expect(JSON.parse(quoted)).toBe(name);
	},
);

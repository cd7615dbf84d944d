import { TaskPoller, type Watch } from '../../../../../nodes/Kling/job/waiting/poller.ts';
import type { KlingError } from '../../../../../nodes/Kling/runtime/problems.ts';
import type { Task } from '../../../../../nodes/Kling/tasks/task.ts';
import type { KlingApi } from '../../../../../nodes/Kling/transport/client.ts';
import type { ApiResult } from '../../../../../nodes/Kling/transport/types.ts';
import {
	answered,
	contextOf,
	done,
	empty,
	missing,
	nodeOf,
	running,
} from '../../../../support/fakes.mts';

beforeEach(() => void jest.useFakeTimers({ now: 1_000_000_000_000 }));
afterEach(() => void jest.useRealTimers());

/** Watches a task whose answers come from a script; returns the outcome and the second of every look. */
async function watch(
	script: (seconds: number) => ApiResult,
	changes: Partial<Watch> = {},
	{ type = 'kling', how = 'waitFor' as 'waitFor' | 'waitUntil' } = {},
) {
	const startMs = Date.now();
	const looks: number[] = [];
	const api = {
		getTask: async () => {
			looks.push(Math.round((Date.now() - startMs) / 100) / 10);
			return script((Date.now() - startMs) / 1000);
		},
	} as unknown as KlingApi;
	const poller = new TaskPoller(contextOf(api, { getNode: () => nodeOf({ type }) }));
	const result = poller[how]({
		ref: { taskId: '10', itemIndex: 0 },
		timeoutMs: 600_000,
		justSubmitted: true,
		...changes,
	}).then(
		(task) => ({ task }),
		(error: KlingError) => ({ error }),
	);
	await jest.advanceTimersByTimeAsync(700_000);
	return {
		looks,
		...((await result) as { task?: Task; error?: KlingError }),
	};
}

test('alone and just sent: first after 3.4 s, then after a quarter of the time waited, at most fifteen seconds apart', async () => {
	const { looks } = await watch((seconds) => (seconds < 200 ? running : done));
	expect(looks.slice(0, 9)).toEqual([3.4, 4.3, 5.3, 6.6, 8.3, 10.4, 13, 16.2, 20.3]);
	const pauses = looks.slice(1).map((at, position) => at - looks[position]);
	expect(Math.max(...pauses)).toBeLessThanOrEqual(15.1);
});

test('not just sent: at once, after two seconds, then after 0.22 of the time waited', async () => {
	const { looks } = await watch((seconds) => (seconds < 200 ? running : done), {
		justSubmitted: false,
	});
	expect(looks.slice(0, 9)).toEqual([0, 2, 4, 6, 8, 10, 12.2, 14.9, 18.2]);
	const pauses = looks.slice(1).map((at, position) => at - looks[position]);
	expect(Math.max(...pauses)).toBeLessThanOrEqual(15.1);
});

describe("Kling's own estimate of the end", () => {
	const START_MS = 1_000_000_000_000;
	/** A task of 20 s, and what each look is told: the end in seconds, from the start. */
	const looksAt = async (etaS: (seconds: number) => unknown, changes?: Partial<Watch>) => {
		const estimated = (seconds: number) => {
			const told = etaS(seconds);
			const etaTime = typeof told === 'number' ? START_MS + told * 1_000 : told;
			return answered(200, { status_name: 'processing', status_final: false, etaTime });
		};
		return (await watch((seconds) => (seconds < 20 ? estimated(seconds) : done), changes)).looks;
	};
	const UNTOLD = [3.4, 4.3, 5.3, 6.6, 8.3, 10.4, 13, 16.2, 20.3];

	test('is waited for, with pauses as long as the time waited: five looks instead of nine', async () =>
		expect(await looksAt(() => 20)).toEqual([3.4, 4.3, 8.5, 17, 20.5]));

	test.each<[string, (seconds: number) => unknown]>([
		['is missing', () => undefined],
		['is no number', () => 'soon'],
		['is zero', () => 0],
		['is over', (seconds) => seconds - 5],
		['moves with every look', (seconds) => seconds + 15],
	])('does not count when it %s', async (_name, etaS) =>
		expect(await looksAt(etaS)).toEqual(UNTOLD),
	);

	test('costs no more looks when it is too early', async () =>
		expect(await looksAt(() => 7)).toEqual([3.4, 4.3, 7.5, 9.4, 11.7, 14.6, 18.3, 22.9]));

	test('never makes a pause longer than the time waited, however late it is', async () =>
		expect(await looksAt(() => 600)).toEqual([3.4, 4.3, 8.5, 17, 32]));

	test('does not change a Poll Interval that was set', async () =>
		expect(await looksAt(() => 20, { pollIntervalMs: 7_000 })).toEqual([7, 14, 21]));
});

test('a fixed interval is kept', async () => {
	const { looks } = await watch((seconds) => (seconds < 20 ? running : done), {
		pollIntervalMs: 5_000,
	});
	expect(looks).toEqual([5, 10, 15, 20]);
});

test('a task that was there before is looked at once at once', async () => {
	expect((await watch(() => done, { justSubmitted: false })).looks).toEqual([0]);
});

test.each([
	['429', answered(429, {})],
	['503', answered(503, undefined)],
	['a lost connection', { outcome: 'lost', reason: 'ECONNRESET' } as ApiResult],
	['no connection', { outcome: 'unsent', reason: 'ECONNREFUSED' } as ApiResult],
])('%s is waited out', async (_name, problem) => {
	const { task, looks } = await watch((seconds) => (seconds < 30 ? problem : done));
	expect(task).toBeDefined();
	expect(looks.length).toBeGreaterThan(5);
});

test('Retry-After is heeded', async () => {
	const { looks } = await watch((seconds) => (seconds < 4 ? answered(429, {}, 60_000) : done));
	expect(looks).toEqual([3.4, 63.4]);
});

test('an early 404 is waited out, a lasting one ends the watch', async () => {
	const early = await watch((seconds) =>
		seconds < 10 ? answered(404, { error: 'No such task' }) : done,
	);
	expect(early.task).toBeDefined();

	const lasting = await watch(() => answered(404, { error: 'No such task' }));
	expect(lasting.error?.message).toBe('No such task');
	expect(lasting.error?.problem?.details).toMatchObject({ taskId: '10' });
	expect(lasting.error?.context.itemIndex).toBe(0);
	expect(lasting.looks.at(-1)).toBeLessThan(20);

	const vanished = await watch((seconds) =>
		seconds < 5 ? running : answered(404, { error: 'Deleted' }),
	);
	expect(vanished.error?.message).toBe('Deleted');
	expect(vanished.looks.at(-1)).toBeLessThan(7);
});

test.each([400, 401, 402, 403])('%d ends the watch at once', async (status) => {
	const { looks, error } = await watch(() => answered(status, { error: 'No' }));
	expect(looks).toHaveLength(1);
	expect(error).toBeDefined();
});

test('Retry-After does not reach past the time limit', async () => {
	const { looks } = await watch(() => answered(429, {}, 3_600_000), { timeoutMs: 60_000 });
	expect(looks).toEqual([3.4, 60]);
});

test('a problem that has passed is not told at the time limit, but the status of the task', async () => {
	const { error } = await watch((seconds) => (seconds < 5 ? answered(503, {}) : running), {
		timeoutMs: 11_000,
	});
	expect(error?.message).toBe('Task 10 did not finish within 11 seconds (last status: processing)');
	expect(error?.description).toBe(
		"It may still finish: get it later with Task → Get and this task ID, or raise 'Time Limit' under 'Options'.",
	);
	expect(error?.problem?.details).toEqual({ taskId: '10', status: 'processing' });
});

test.each<[boolean | undefined, string]>([
	[undefined, 'Call this again with the same values to go on waiting: that costs nothing.'],
	[true, 'Do not ask for it again, since that could spend credits twice: look up the task'],
])('an agent is told whether to ask again costs something: %j', async (paysAgain, words) => {
	const tool = { type: 'klingTool' };
	const { error } = await watch(() => running, { timeoutMs: 11_000, paysAgain }, tool);
	expect(error?.message).toContain(`It may still finish. ${words}`);
});

test('the time limit has one last look, and tells the last problem', async () => {
	const { looks, error } = await watch(() => answered(503, { error: 'Down' }), {
		timeoutMs: 11_000,
	});
	expect(looks).toEqual([3.4, 4.3, 5.3, 6.6, 8.3, 10.4, 11]);
	expect(error?.message).toBe('Task 10 did not finish within 11 seconds (last status: unknown)');
	expect(error?.description).toContain('Down');
});

describe('a 404', () => {
	const kept = { pollIntervalMs: 6_000 };

	test.each<[string, (seconds: number) => ApiResult, number[]]>([
		['past the grace, for the third time in a row', () => missing, [6, 12, 18]],
		[
			'after something else, three times anew',
			(seconds) => (seconds === 12 ? answered(503, {}) : missing),
			[6, 12, 18, 24, 30],
		],
		['at once, when the task was there', (seconds) => (seconds < 10 ? running : missing), [6, 12]],
	])('is final %s', async (_name, script, expected) => {
		const { looks, error } = await watch((seconds) => script(Math.round(seconds)), kept);
		expect(error?.message).toBe('No such task');
		expect(looks).toEqual(expected);
	});

	test('is not final within the grace, however often it comes', async () => {
		const { looks, error } = await watch(() => missing, { pollIntervalMs: 1_000 });
		expect(error?.message).toBe('No such task');
		expect(looks.at(-1)).toBe(15);
	});
});

describe('a success without a file', () => {
	test('is looked at again, until it has one', async () => {
		const script = (seconds: number) => (seconds < 4 ? running : seconds < 9 ? empty : done);
		const { looks, task } = await watch(script, { pollIntervalMs: 4_000 });
		expect(looks).toEqual([4, 6, 8, 10]);
		expect(task?.images).toHaveLength(1);
	});

	test('is trusted after ten seconds', async () => {
		const { looks, task } = await watch(() => empty);
		expect(looks).toEqual([3.4, 4.3, 5.3, 6.6, 8.3, 10.3, 12.3, 14.3]);
		expect(task?.raw).toEqual({ status_name: 'succeed', status_final: true });
	});

	test('is trusted at the time limit', async () => {
		const { looks, task } = await watch(() => empty, { timeoutMs: 5_000 });
		expect(looks).toEqual([3.4, 4.3, 5]);
		expect(task).toBeDefined();
	});
});

describe('without an error at the time limit', () => {
	const how = 'waitUntil';

	test('it gives nothing', async () => {
		const { looks, task, error } = await watch(() => running, { timeoutMs: 5_000 }, { how });
		expect([looks, task, error]).toEqual([[3.4, 4.3, 5], undefined, undefined]);
	});

	test('it gives the task that has finished by then', async () => {
		const late = await watch(
			(seconds) => (seconds < 5 ? running : done),
			{ timeoutMs: 5_000 },
			{ how },
		);
		expect(late.task).toBeDefined();
	});

	test('it fails where waiting does not help', async () => {
		const { error } = await watch(() => answered(401, {}), {}, { how });
		expect(error?.message).toBe('The API token was refused');
	});
});

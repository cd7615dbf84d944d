import type { INode } from 'n8n-workflow';

import { Halt } from '../../nodes/Kling/job/halt.ts';
import { Watcher, type Watch } from '../../nodes/Kling/job/watch.ts';
import type { KlingError } from '../../nodes/Kling/transport/errors.ts';
import type { KlingApi } from '../../nodes/Kling/transport/client.ts';
import type { ApiResult } from '../../nodes/Kling/transport/types.ts';

const node = { name: 'Kling', type: 'kling' } as INode;
const answered = (status: number, body: unknown, retryAfterMs?: number): ApiResult => ({
	outcome: 'answered',
	status,
	body,
	retryAfterMs,
});
const running = answered(200, { status_name: 'processing', status_final: false });
const done = answered(200, { status_name: 'succeed', status_final: true });

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

/** Watches a task whose answers come from a script; returns the outcome and the second of every look. */
async function watch(
	script: (seconds: number) => ApiResult,
	changes: Partial<Watch> = {},
	type = 'kling',
) {
	const startMs = Date.now();
	const looks: number[] = [];
	const api = {
		getTask: async () => {
			looks.push(Math.round((Date.now() - startMs) / 100) / 10);
			return script((Date.now() - startMs) / 1000);
		},
	} as unknown as KlingApi;
	const result = new Watcher({ ...node, type }, api, new Halt(node))
		.watch({
			taskId: '10',
			itemIndex: 0,
			timeoutMs: 600_000,
			justSubmitted: true,
			...changes,
		})
		.then(
			(model) => ({ model }),
			(error: KlingError) => ({ error }),
		);
	await jest.advanceTimersByTimeAsync(700_000);
	return {
		looks,
		...((await result) as { model?: unknown; error?: KlingError }),
	};
}

test('first after two seconds, then after a fifth of the time waited, at most fifteen seconds apart', async () => {
	const { looks } = await watch((seconds) => (seconds < 200 ? running : done));
	expect(looks.slice(0, 6)).toEqual([2, 4, 6, 8, 10, 12]);
	const pauses = looks.slice(1).map((at, position) => at - looks[position]);
	expect(Math.max(...pauses)).toBeLessThanOrEqual(15.1);
	expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1.9);
	const [late] = looks.filter((at) => at > 40);
	expect(looks[looks.indexOf(late) + 1] - late).toBeCloseTo(late / 5, 0);
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
])('%s is waited out', async (_name, trouble) => {
	const { model, looks } = await watch((seconds) => (seconds < 30 ? trouble : done));
	expect(model).toBeDefined();
	expect(looks.length).toBeGreaterThan(5);
});

test('Retry-After is heeded', async () => {
	const { looks } = await watch((seconds) => (seconds < 3 ? answered(429, {}, 60_000) : done));
	expect(looks).toEqual([2, 62]);
});

test('an early 404 is waited out, a lasting one ends the watch', async () => {
	const early = await watch((seconds) =>
		seconds < 10 ? answered(404, { error: 'No such task' }) : done,
	);
	expect(early.model).toBeDefined();

	const lasting = await watch(() => answered(404, { error: 'No such task' }));
	expect(lasting.error?.message).toBe('No such task');
	expect(lasting.error?.trouble?.details).toMatchObject({ taskId: '10' });
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
	expect(looks).toEqual([2, 60]);
});

test('trouble that has passed is not told at the time limit, but how the task is doing', async () => {
	const { error } = await watch((seconds) => (seconds < 5 ? answered(503, {}) : running), {
		timeoutMs: 11_000,
	});
	expect(error?.message).toBe('Task 10 did not finish within 11 seconds (last status: processing)');
	expect(error?.description).toBe(
		'It may still finish: fetch it later with Task → Get and this task ID, or raise Time Limit under Options.',
	);
	expect(error?.trouble?.details).toEqual({ taskId: '10', status: 'processing' });
});

test('an agent is told that to ask again costs nothing', async () => {
	const { error } = await watch(() => running, { timeoutMs: 11_000 }, 'klingTool');
	expect(error?.message).toContain(
		'It may still finish. Call this again with the same values to go on waiting: that costs nothing.',
	);
});

test('the time limit has one last look, and tells the last trouble', async () => {
	const { looks, error } = await watch(() => answered(503, { error: 'Down' }), {
		timeoutMs: 11_000,
	});
	expect(looks).toEqual([2, 4, 6, 8, 10, 11]);
	expect(error?.message).toBe('Task 10 did not finish within 11 seconds (last status: unknown)');
	expect(error?.description).toContain('Down');
});

describe('several tasks', () => {
	const task = (status: string, times: { createTime?: number; updateTime?: number } = {}) =>
		answered(200, {
			task: times,
			status_name: status,
			status_final: ['succeed', 'failed'].includes(status),
		});

	/** One watcher, whose tasks answer from a script; the list of running jobs is what `list` says. */
	function watcher(
		script: (taskId: string, seconds: number) => ApiResult,
		list: (seconds: number) => ApiResult = () => answered(503, {}),
	) {
		const halt = new Halt(node);
		const looks: Record<string, number[]> = {};
		const lists: number[] = [];
		const seconds = () => Math.round(Date.now() / 100) / 10;
		const api = {
			getTask: async (taskId: string) => {
				(looks[taskId] ??= []).push(seconds());
				return script(taskId, Date.now() / 1000);
			},
			getRunningJobs: async () => {
				lists.push(seconds());
				return list(Date.now() / 1000);
			},
		} as unknown as KlingApi;
		const all = new Watcher(node, api, halt);
		const ended: Record<string, number | Error> = {};
		const begin = (taskId: string, changes: Partial<Watch> = {}) => {
			const settings = { itemIndex: 0, timeoutMs: 600_000, justSubmitted: true, ...changes };
			void all.watch({ taskId, ...settings }).then(
				() => (ended[taskId] = seconds()),
				(error: Error) => (ended[taskId] = error),
			);
		};
		return { begin, halt, looks, lists, ended };
	}
	const until = async (ms: number) => await jest.advanceTimersByTimeAsync(ms - Date.now());

	test('the list of running jobs is asked for from three tasks on', async () => {
		const two = watcher((_id, seconds) => (seconds < 30 ? running : done));
		['1', '2'].forEach((taskId) => two.begin(taskId));
		await until(60_000);
		expect(two.lists).toEqual([]);
		expect(Object.keys(two.ended)).toEqual(['1', '2']);
	});

	test('those on the list are not read, those that have left it are read at once', async () => {
		const { begin, looks, lists, ended } = watcher(
			(taskId, seconds) => (taskId === '3' && seconds >= 9 ? done : running),
			(seconds) => answered(200, [{ id: 1 }, { id: '2' }, ...(seconds < 9 ? [{ id: 3 }] : [])]),
		);
		['1', '2', '3'].forEach((taskId) => begin(taskId));
		await until(11_000);
		expect(lists.slice(0, 4)).toEqual([2, 4, 6, 8]);
		expect(looks).toEqual({ 3: [10] });
		expect(ended).toEqual({ 3: 10 });
	});

	test('one that is not known yet is read when it is due or in a moment, not with every list', async () => {
		const { begin, looks } = watcher(
			() => answered(404, { error: 'No such task' }),
			() => answered(200, [{ id: 1 }, { id: 2 }, { id: 3 }]),
		);
		['1', '2', '3'].forEach((taskId) => begin(taskId));
		begin('4', { pollIntervalMs: 5_000 });
		await until(9_000);
		expect(looks).toEqual({ 4: [4, 8] });
	});

	test('the list is not believed for ever: each task is read itself after twenty seconds', async () => {
		const { begin, looks } = watcher(
			() => running,
			() => answered(200, [{ id: 1 }, { id: 2 }, { id: 3 }]),
		);
		['1', '2', '3'].forEach((taskId) => begin(taskId));
		await until(30_000);
		for (const taskId of ['1', '2', '3']) {
			expect(looks[taskId]).toHaveLength(1);
			expect(looks[taskId][0]).toBeGreaterThanOrEqual(20);
			expect(looks[taskId][0]).toBeLessThan(25);
		}
	});

	test('nor past the time limit: there the task itself has the last word', async () => {
		const { begin, looks, ended } = watcher(
			(_id, seconds) => (seconds < 14 ? running : done),
			() => answered(200, [{ id: 1 }, { id: 2 }, { id: 3 }]),
		);
		['1', '2', '3'].forEach((taskId) => begin(taskId, { timeoutMs: 15_000 }));
		await until(20_000);
		expect(looks).toEqual({ 1: [15], 2: [15], 3: [15] });
		expect(ended).toEqual({ 1: 15, 2: 15, 3: 15 });
	});

	test.each<[string, ApiResult, Partial<Watch>, number]>([
		// 25 s by its own times, seen after 26.
		['its own times', task('succeed', { createTime: 1_000, updateTime: 26_000 }), {}, 25],
		['the time until it was seen, if it tells none', task('succeed'), {}, 26],
		[
			'that too if its times make no sense',
			task('succeed', { createTime: 9, updateTime: 3 }),
			{},
			26,
		],
		['nothing, if it failed', task('failed', { createTime: 1_000, updateTime: 26_000 }), {}, 2],
		[
			'nothing, if it was there before',
			task('succeed', { createTime: 1_000, updateTime: 26_000 }),
			{ justSubmitted: false },
			2,
		],
	])('how long one took tells when to look at the next: %s', async (_name, end, changes, first) => {
		const { begin, looks } = watcher((taskId, seconds) =>
			taskId === '1' && seconds >= 25 ? end : running,
		);
		begin('1', { pollIntervalMs: 26_000, ...changes });
		await until(100_000);
		begin('2');
		await until(160_000);
		expect(looks[2][0]).toBeGreaterThanOrEqual(100 + first);
		expect(looks[2][0]).toBeLessThan(100 + first + 2);
	});

	test('one ends, the others are still watched, and so is one that comes after all have ended', async () => {
		const { begin, ended } = watcher((taskId, seconds) =>
			seconds < Number(taskId) * 10 ? running : done,
		);
		begin('1');
		begin('2');
		await until(60_000);
		expect(ended[1]).toBe(10);
		expect(ended[2]).toBeGreaterThanOrEqual(20);
		expect(ended[2]).toBeLessThan(22);
		begin('7');
		await until(120_000);
		expect(ended[7]).toBeGreaterThanOrEqual(70);
	});

	test('when the node is stopped, all end with the reason', async () => {
		const { begin, halt, ended, looks } = watcher(() => running);
		['1', '2', '3', '4'].forEach((taskId) => begin(taskId));
		await until(5_000);
		halt.stop(new Error('stopped'));
		await until(6_000);
		expect(Object.values(ended)).toEqual(Array(4).fill(new Error('stopped')));
		const before = JSON.stringify(looks);
		await until(60_000);
		expect(JSON.stringify(looks)).toBe(before);
	});
});

import { TaskPoller, type Watch } from '../../../../../nodes/Kling/job/waiting/poller.ts';
import type { KlingApi } from '../../../../../nodes/Kling/transport/client.ts';
import type { ApiResult } from '../../../../../nodes/Kling/transport/types.ts';
import { answered, contextOf, done, missing, running } from '../../../../support/fakes.mts';

/** Several tasks under one watch: what the list of running jobs is good for, and what one task teaches about the next. */

const START_MS = 1_000_000_000_000;
const passedMs = () => Date.now() - START_MS;

beforeEach(() => void jest.useFakeTimers({ now: START_MS }));
afterEach(() => void jest.useRealTimers());

const task = (status: string, times: { createTime?: number; updateTime?: number } = {}) =>
	answered(200, {
		task: times,
		works: [{ resource: { resource: 'https://s21.example.com/3.png' } }],
		status_name: status,
		status_final: ['succeed', 'failed'].includes(status),
	});

/** One poller, whose tasks answer from a script; the list of running jobs is what `list` says. */
function poller(
	script: (taskId: string, seconds: number) => ApiResult,
	list: (seconds: number) => ApiResult = () => answered(503, {}),
) {
	const looks: Record<string, number[]> = {};
	const lists: number[] = [];
	const seconds = () => Math.round(passedMs() / 100) / 10;
	const api = {
		getTask: async (taskId: string) => {
			(looks[taskId] ??= []).push(seconds());
			return script(taskId, passedMs() / 1000);
		},
		getRunningJobs: async () => {
			lists.push(seconds());
			return list(passedMs() / 1000);
		},
	} as unknown as KlingApi;
	const context = contextOf(api);
	const all = new TaskPoller(context);
	const ended: Record<string, number | Error> = {};
	const begin = (taskId: string, changes: Partial<Watch> = {}) => {
		const settings = { timeoutMs: 600_000, justSubmitted: true, ...changes };
		void all.waitFor({ ref: { taskId, itemIndex: 0 }, ...settings }).then(
			() => (ended[taskId] = seconds()),
			(error: Error) => (ended[taskId] = error),
		);
	};
	return { begin, cancellation: context.cancellation, looks, lists, ended };
}
const until = async (ms: number) => await jest.advanceTimersByTimeAsync(ms - passedMs());

test('the list of running jobs is asked for from three tasks on', async () => {
	const two = poller((_id, seconds) => (seconds < 30 ? running : done));
	['1', '2'].forEach((taskId) => two.begin(taskId));
	await until(60_000);
	expect(two.lists).toEqual([]);
	expect(Object.keys(two.ended)).toEqual(['1', '2']);
});

test('those on the list are not read, those that have left it are read at once', async () => {
	const { begin, looks, lists, ended } = poller(
		(taskId, seconds) => (taskId === '3' && seconds >= 9 ? done : running),
		(seconds) => answered(200, [{ id: 1 }, { id: '2' }, ...(seconds < 9 ? [{ id: 3 }] : [])]),
	);
	['1', '2', '3'].forEach((taskId) => begin(taskId));
	await until(11_000);
	expect(lists.slice(0, 4)).toEqual([3.4, 5.4, 7.4, 9.4]);
	expect(looks).toEqual({ 3: [9.4] });
	expect(ended).toEqual({ 3: 9.4 });
});

test('one that is not known yet is read when it is due or in a moment, not with every list', async () => {
	const { begin, looks } = poller(
		() => answered(404, { error: 'No such task' }),
		() => answered(200, [{ id: 1 }, { id: 2 }, { id: 3 }]),
	);
	['1', '2', '3'].forEach((taskId) => begin(taskId));
	begin('4', { pollIntervalMs: 5_000 });
	await until(9_000);
	expect(looks).toEqual({ 4: [3.4, 7.4] });
});

test('the list is not trusted for ever: each task is read itself after twenty seconds', async () => {
	const { begin, looks } = poller(
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
	const { begin, looks, ended } = poller(
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
	['nine tenths of the time until it was seen, if it tells none', task('succeed'), {}, 23.4],
	[
		'that too if it took no time at all',
		task('succeed', { createTime: 9, updateTime: 9 }),
		{},
		23.4,
	],
	[
		'that too if its times make no sense',
		task('succeed', { createTime: 9, updateTime: 3 }),
		{},
		23.4,
	],
	['nothing, if it failed', task('failed', { createTime: 1_000, updateTime: 26_000 }), {}, 2],
	[
		'nothing, if it was there before',
		task('succeed', { createTime: 1_000, updateTime: 26_000 }),
		{ justSubmitted: false },
		2,
	],
])('how long one took tells when to look at the next: %s', async (_name, end, changes, first) => {
	const { begin, looks } = poller((taskId, seconds) =>
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
	const { begin, ended } = poller((taskId, seconds) =>
		seconds < Number(taskId) * 10 ? running : done,
	);
	begin('1');
	begin('2');
	await until(60_000);
	expect(ended[1]).toBe(10.4);
	expect(ended[2]).toBeGreaterThanOrEqual(20);
	expect(ended[2]).toBeLessThan(22);
	begin('7');
	await until(120_000);
	expect(ended[7]).toBeGreaterThanOrEqual(70);
});

test('where a task takes a minute, the list is trusted for a minute and a fifth', async () => {
	const aMinute = task('succeed', { createTime: 1_000, updateTime: 61_000 });
	const { begin, looks } = poller(
		(taskId, seconds) => (taskId === '1' && seconds >= 60 ? aMinute : running),
		() => answered(200, [{ id: 2 }, { id: 3 }, { id: 4 }]),
	);
	begin('1');
	await until(100_000);
	['2', '3', '4'].forEach((taskId) => begin(taskId));
	await until(200_000);
	for (const taskId of ['2', '3', '4']) {
		expect(looks[taskId][0]).toBeGreaterThanOrEqual(172);
		expect(looks[taskId][0]).toBeLessThan(180);
	}
});

test('what nobody has thought of ends the watch as well, and is told', async () => {
	const { begin, ended } = poller(() => {
		throw new Error('unthinkable');
	});
	begin('1');
	await until(5_000);
	expect(ended).toEqual({ 1: new Error('unthinkable') });
});

test('when all have ended nobody watches the clock any more', async () => {
	const { begin, ended } = poller(() => done);
	['1', '2', '3'].forEach((taskId) => begin(taskId));
	await until(5_000);
	expect(Object.keys(ended)).toHaveLength(3);
	expect(jest.getTimerCount()).toBe(0);
});

test('when the node is stopped, all end with the reason', async () => {
	const { begin, cancellation, ended, looks } = poller(() => running);
	['1', '2', '3', '4'].forEach((taskId) => begin(taskId));
	await until(5_000);
	cancellation.abort(new Error('stopped'));
	await until(6_000);
	expect(Object.values(ended)).toEqual(Array(4).fill(new Error('stopped')));
	const before = JSON.stringify(looks);
	await until(60_000);
	expect(JSON.stringify(looks)).toBe(before);
});

describe('items that wait for the same task', () => {
	/** Items by their names, of one task. */
	async function watchAll(items: Array<Partial<Watch> & { account?: string }>, endSeconds: number) {
		const looks: number[] = [];
		const api = {
			getTask: async () => {
				looks.push(passedMs() / 1000);
				return passedMs() >= endSeconds * 1000 ? done : running;
			},
			getRunningJobs: async () => answered(503, {}),
		} as unknown as KlingApi;
		const all = new TaskPoller(contextOf(api));
		const ended: Array<number | string> = [];
		items.forEach(({ account, ...changes }, itemIndex) => {
			const ref = { taskId: '1', itemIndex, account };
			const settings = { timeoutMs: 600_000, justSubmitted: false, pollIntervalMs: 4_000 };
			void all.waitFor({ ref, ...settings, ...changes }).then(
				() => (ended[itemIndex] = passedMs() / 1000),
				(error: { context: { itemIndex: number } }) =>
					(ended[itemIndex] = `item ${error.context.itemIndex}`),
			);
		});
		await until(60_000);
		return { looks, ended };
	}

	test('share every look, and each has its result', async () => {
		const { looks, ended } = await watchAll([{}, {}, {}], 8);
		expect([looks, ended]).toEqual([
			// Those that come while the first look is under way need one of their own.
			[0, 0, 4, 8],
			[8, 8, 8],
		]);
	});

	test('have a time limit each', async () => {
		const { looks, ended } = await watchAll([{ timeoutMs: 6_000 }, {}], 9);
		expect(ended).toEqual(['item 0', 10]);
		expect(looks).toEqual([0, 0, 4, 6, 10]);
	});

	test('have one account, or are looked at each', async () => {
		const { looks } = await watchAll([{}, { account: 'a@example.com' }], 0);
		expect(looks).toEqual([0, 0]);
	});
});

test('the list has named a task, but only the task itself has been there: a 404 needs its time', async () => {
	const { begin, ended, looks } = poller(
		() => missing,
		(seconds) => answered(200, seconds < 5 ? [{ id: 1 }, { id: 2 }, { id: 3 }] : []),
	);
	['1', '2', '3'].forEach((taskId) => begin(taskId));
	await until(14_900);
	expect(ended).toEqual({});
	await until(20_000);
	expect(Object.keys(ended)).toEqual(['1', '2', '3']);
	expect(looks[1].length).toBeGreaterThanOrEqual(3);
});

import fc from 'fast-check';

import {
	Account,
	LIST_AGE_MS,
	runBatch,
	TASK_MS,
	type List,
	type Times,
} from '../support/account.mts';

/**
 * Submitting and watching together, in virtual time: what a real account makes of a batch, without waiting for it. The
 * same on n8n's engine, in real time, is in test/engine; the figures on the real n8n are the benchmark's.
 */

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

test('100 items on 10 slots take at most 1.25 times ten task times, and never more than 10 run', async () => {
	const account = new Account(10);
	const { seconds, order } = await runBatch(account, 100);
	expect(seconds).toBeLessThanOrEqual((1.25 * 10 * TASK_MS) / 1000);
	expect(account.peak).toBe(10);
	// Sent in input order.
	expect(order).toEqual(Array.from({ length: 100 }, (_, item) => String(item + 1)));
});

test('1,000 items on 10 slots all get through, though each alone waits far past its time limit', async () => {
	const account = new Account(10);
	const { order } = await runBatch(account, 1_000);
	expect(new Set(order).size).toBe(1_000);
	expect(account.peak).toBe(10);
}, 60_000);

test('a single item is seen finished within 1.2 task times', async () => {
	const { seconds } = await runBatch(new Account(1), 1);
	expect(seconds).toBeLessThanOrEqual((1.2 * TASK_MS) / 1000);
});

test('two accounts do not wait for each other', async () => {
	const [slow, quick] = [new Account(1), new Account(10)];
	const [, { seconds }] = await Promise.all([runBatch(slow, 5), runBatch(quick, 10)]);
	expect(seconds).toBeLessThan((1.5 * TASK_MS) / 1000);
});

/** A slow round: one task time of 20 seconds and a bit. */
const SLOW_ROUND_S = 1.2 * 20 + 1;

describe('few calls', () => {
	const minute = () => 60_000;

	test('100 tasks of a minute on 10 slots: at most 3 calls for a task, each seen within 1.2 task times', async () => {
		const { calls, late, seconds } = await runBatch(new Account(10, 'true', minute), 100);
		expect(calls).toBeLessThanOrEqual(300);
		expect(Math.max(...late)).toBeLessThanOrEqual(0.2 * 60);
		expect(seconds).toBeLessThanOrEqual(1.1 * 600);
	});

	test('tasks that take very different times are all seen in time, with few calls', async () => {
		const mixed = (position: number) => 20_000 + ((position * 7) % 10) * 10_000;
		const { calls, late } = await runBatch(new Account(10, 'true', mixed), 100);
		const withoutList = await runBatch(new Account(10, 'fails', mixed), 100);
		expect(calls).toBeLessThan(0.7 * withoutList.calls);
		expect(Math.max(...late)).toBeLessThanOrEqual(SLOW_ROUND_S);
	});

	test('1,000 tasks at once, of which nothing is known: four calls for each are enough', async () => {
		const account = new Account(1_000, 'true', minute);
		const { calls } = await runBatch(account, 1_000);
		expect(calls).toBeLessThanOrEqual(4_000);
	}, 60_000);
});

describe('a list of running jobs that cannot be relied on', () => {
	/** The pause between two looks at a task that has taken 20 seconds so far, and the look itself. */
	const A_FIFTH_S = 0.2 * 20 + 0.5;

	test.each<[List, number]>([
		['old', LIST_AGE_MS / 1000 + 2],
		['empty', A_FIFTH_S],
		['never forgets', SLOW_ROUND_S],
		['fails', A_FIFTH_S],
		['no list', A_FIFTH_S],
	])('%s: no task is reported late by more than one slow round', async (list, seconds) => {
		const account = new Account(10, list);
		const { late, order, calls } = await runBatch(account, 50);
		expect(new Set(order).size).toBe(50);
		expect(Math.max(...late)).toBeLessThanOrEqual(seconds);
		expect(account.peak).toBe(10);
		// Each by itself costs about as much as it did without a list.
		expect(calls).toBeLessThanOrEqual(50 * 12);
	});
});

describe('a batch of 100 on 10 slots', () => {
	/** Its time as a part of the shortest possible, in which no result waits for a look; and its calls for each task. */
	async function measure(taskMs: number, times: Times) {
		const account = new Account(10, 'true', () => taskMs, times);
		const { seconds, calls } = await runBatch(account, 100);
		// One request sends a job, and another one tells its end.
		const limitS = (10 * (taskMs + 2 * 300)) / 1000;
		return { ofLimit: seconds / limitS, calls: calls / 100 };
	}

	test.each<[string, Times]>([
		['right', 'right'],
		['moving with every read', 'moving'],
		['missing', 'missing'],
		['twice too long', { wrong: (ms) => 2 * ms }],
		['five seconds too long', { wrong: (ms) => ms + 5_000 }],
		['none at all', { wrong: () => 0 }],
	])('is near its limit with few calls when the API’s times are %s', async (_name, times) => {
		const short = await measure(5_000, times);
		expect(short.ofLimit).toBeLessThanOrEqual(1.15);
		expect(short.calls).toBeLessThanOrEqual(2.5);
		const long = await measure(20_000, times);
		expect(long.ofLimit).toBeLessThanOrEqual(1.055);
		expect(long.calls).toBeLessThanOrEqual(2.5);
	});

	test('is never slower than 1.25 of its limit, whatever the API’s times are', async () => {
		const anyTimes = fc
			.record({
				factor: fc.double({ min: 0, max: 3, noNaN: true }),
				ms: fc.integer({ min: -60_000, max: 60_000 }),
			})
			.map(({ factor, ms }): Times => ({ wrong: (taskMs) => taskMs * factor + ms }));
		await fc.assert(
			fc.asyncProperty(anyTimes, fc.constantFrom(3_000, 5_000, 20_000), async (times, taskMs) => {
				expect((await measure(taskMs, times)).ofLimit).toBeLessThanOrEqual(1.25);
			}),
			{ numRuns: 40 },
		);
	}, 60_000);
});

import fc from 'fast-check';

import {
	DurationEstimate,
	type Observation,
} from '../../../../nodes/Kling/job/waiting/durations.ts';
import { Account, runBatch, type Times } from '../../support/account.mts';

/** What is learned about how long tasks take, when the API's own times are right, and when they are not. */

const seen = { ranMs: 0, listedMs: 0, seenMs: 10_000 };
const expected = (...tasks: Array<Partial<Observation>>) => {
	const times = new DurationEstimate();
	tasks.forEach((task) => times.add({ ...seen, ...task }));
	return times.expectedMs;
};

test.each<[string, Partial<Observation>, number]>([
	['the API’s times', { toldMs: 8_500 }, 8_500],
	['the API’s times, at the look itself', { toldMs: 10_000 }, 10_000],
	['not those from after the look', { toldMs: 10_001 }, 9_000],
	['not those from before a look that saw it running', { ranMs: 9_600, toldMs: 9_500 }, 9_800],
	['none of the API’s, seen running shortly before', { ranMs: 9_000 }, 9_500],
	['none of the API’s, listed as running shortly before', { listedMs: 9_400 }, 9_700],
	['none of the API’s, and not seen for long', { ranMs: 2_000 }, 9_000],
	['no number', { toldMs: NaN }, 9_000],
])('%s', (_name, task, ms) => expect(expected(task)).toBe(ms));

test('nothing is expected as long as nothing is known', () => expect(expected()).toBe(0));

test('a tenth of the last forty tasks stays below what is expected', () => {
	const tasks = Array.from({ length: 60 }, (_, number) => ({ toldMs: number + 1 }));
	expect(expected(...tasks)).toBe(20 + 5);
});

test('one look in five comes early, and only where the API’s times are of no use', () => {
	const firstLooks = (task: Partial<Observation>) => {
		const times = new DurationEstimate();
		times.add({ ...seen, ...task });
		return Array.from({ length: 12 }, () => times.firstLookMs());
	};
	expect(firstLooks({ toldMs: 8_000 }).every((ms) => ms === 8_000)).toBe(true);
	const looks = firstLooks({});
	expect(looks.filter((ms) => ms < 9_000)).toEqual([7_650, 7_650]);
	expect(looks.filter((ms) => ms === 9_000)).toHaveLength(10);
});

describe('a batch of 100 on 10 slots', () => {
	beforeEach(() => void jest.useFakeTimers({ now: 1_000_000_000_000 }));
	afterEach(() => void jest.useRealTimers());

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
		expect(long.calls).toBeLessThanOrEqual(2.6);
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
			{ numRuns: 20 },
		);
	}, 60_000);
});

import { DurationEstimate } from '../../../../nodes/Kling/job/waiting/durations.ts';

/** How long the next task is expected to take, by those before it. */

const expectedAfter = (...tookMs: number[]) => {
	const estimate = new DurationEstimate();
	tookMs.forEach((ms) => estimate.add(ms));
	return estimate.expectedMs;
};
const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

test.each<[string, number[], number]>([
	['nothing is known: at once', [], 0],
	['one task: as long as that one', [20_000], 20_000],
	['up to nine tasks: as long as the quickest, whichever came first', [30, 9, 200, 100, 10], 9],
	['ten tasks: nine of them took at least as long', [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 2],
	['one that was quick does not count for twenty', [...times(18, 60), 1, 2], 60],
	['the latest forty count', [...times(4, 1), ...times(36, 60)], 60],
	['what was before them does not', [...times(100, 1), ...times(40, 60)], 60],
	['and they do from the first on', [...times(100, 60), ...times(5, 1)], 1],
])('%s', (_name, tookMs, expected) => expect(expectedAfter(...tookMs)).toBe(expected));

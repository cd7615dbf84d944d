import {
	DurationEstimate,
	type Observation,
} from '../../../../nodes/Kling/job/waiting/durations.ts';

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

test('a fifth of the last forty tasks stays below what is expected', () => {
	const tasks = Array.from({ length: 60 }, (_, number) => ({ toldMs: number + 1 }));
	expect(expected(...tasks)).toBe(20 + 9);
});

test('one look in ten comes early, and only where the API’s times are of no use', () => {
	const firstLooks = (task: Partial<Observation>) => {
		const times = new DurationEstimate();
		times.add({ ...seen, ...task });
		return Array.from({ length: 24 }, () => times.firstLookMs());
	};
	expect(firstLooks({ toldMs: 8_000 }).every((ms) => ms === 8_000)).toBe(true);
	const looks = firstLooks({});
	expect(looks.filter((ms) => ms < 9_000)).toEqual([8_550, 8_550]);
	expect(looks.filter((ms) => ms === 9_000)).toHaveLength(22);
});

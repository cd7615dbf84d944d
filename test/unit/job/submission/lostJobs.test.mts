import { Cancellation } from '../../../../nodes/Kling/runtime/cancellation.ts';
import type { Sighting } from '../../../../nodes/Kling/job/submission/earlierJobs.ts';
import { LostJobs } from '../../../../nodes/Kling/job/submission/lostJobs.ts';
import {
	answered,
	FakeKling,
	contextOf,
	nodeOf,
	realTime,
	START_MS,
	through,
	virtualTime,
} from '../../../support/fakes.mts';
import { callOf } from '../../support/submitting.mts';

/** When it is looked for a job whose answer was lost. */

beforeEach(virtualTime);
afterEach(realTime);

const secondsPassed = () => Math.round((Date.now() - START_MS) / 100) / 10;

/** Jobs that get lost; `looks` has the second of every look. */
function losing(kling = new FakeKling()) {
	const cancellation = new Cancellation(nodeOf());
	const looks: number[] = [];
	const { getRunningJobs } = kling.api;
	kling.api.getRunningJobs = async () => {
		looks.push(secondsPassed());
		return await getRunningJobs();
	};
	const lostJobs = new LostJobs(contextOf(kling.api, {}, cancellation));
	const lose = async (workId = '2', limitMs = 600_000): Promise<Sighting> => {
		const { wanted } = callOf({ workId });
		return await lostJobs.find({ ...wanted, sinceMs: Date.now() }, limitMs);
	};
	return { kling, cancellation, looks, lose };
}

test('after 1, 4, 10, 25 and 55 seconds, and then no more', async () => {
	const { looks, lose } = losing();
	expect(await through(lose())).toEqual({ is: 'untold' });
	expect(looks).toEqual([1, 4, 10, 25, 55]);
	expect(jest.getTimerCount()).toBe(0);
});

test.each([
	[600_000, [1, 4, 10, 25, 55]],
	[55_000, [1, 4, 10, 25, 55]],
	[30_000, [1, 4, 10, 25, 30]],
	[10_000, [1, 4, 10]],
	[1_000, [1]],
	[500, [0.5]],
])('with a time limit of %i ms the last look is no later', async (limitMs, expected) => {
	const { looks, lose } = losing();
	await through(lose('2', limitMs));
	expect(looks).toEqual(expected);
});

test('the first look that finds it is the last one', async () => {
	const { kling, looks, lose } = losing();
	setTimeout(() => kling.add({ taskId: '777' }), 5_000);
	expect(await through(lose())).toMatchObject({ is: 'found', taskId: '777' });
	expect(looks).toEqual([1, 4, 10]);
});

test('the last look counts, not the worst one', async () => {
	const { kling, lose } = losing();
	kling.add({ workId: '9' });
	kling.listFault = answered(403, {});
	setTimeout(() => (kling.listFault = undefined), 40_000);
	expect(await through(lose())).toEqual({ is: 'absent' });
	const again = losing();
	setTimeout(() => (again.kling.listFault = answered(403, {})), 40_000);
	expect(await through(again.lose())).toMatchObject({ is: 'unreadable' });
});

test('one look serves all that are lost', async () => {
	const { kling, looks, lose } = losing();
	kling.add({ workId: '1', taskId: '701', madeMs: START_MS });
	const found = Promise.all(
		Array.from({ length: 50 }, async (_, item) => await lose(String(item))),
	);
	const sightings = await through(found);
	expect(sightings.map(({ is }) => is).filter((is) => is === 'found')).toHaveLength(1);
	expect(looks).toEqual([1, 4, 10, 25, 55]);
	expect(kling.count('GET 701')).toBe(1);
});

test('an older job of the image stands in for it only at the last look', async () => {
	const { kling, looks, lose } = losing();
	kling.add({ taskId: '701', madeMs: START_MS - 30_000 });
	setTimeout(() => kling.add({ taskId: '777' }), 5_000);
	expect(await through(lose())).toMatchObject({ is: 'found', taskId: '777' });
	expect(looks).toEqual([1, 4, 10]);
});

test('an older job of the image is better than none', async () => {
	const { kling, lose } = losing();
	kling.add({ taskId: '701', madeMs: START_MS - 30_000 });
	expect(await through(lose())).toMatchObject({ is: 'found', taskId: '701' });
	expect(secondsPassed()).toBe(55);
});

test('one that gets lost later is looked for after its own loss, and by the looks for others', async () => {
	const { kling, looks, lose } = losing();
	kling.add({ workId: '9' });
	const first = lose('2');
	await jest.advanceTimersByTimeAsync(20_000);
	const second = lose('3').then((sighting) => [sighting.is, secondsPassed()]);
	expect(await through(Promise.all([first, second]))).toEqual([{ is: 'absent' }, ['absent', 75]]);
	expect(looks).toEqual([1, 4, 10, 21, 24, 25, 30, 45, 55, 75]);
});

test('one that gets lost later does not wait past its own time limit', async () => {
	const { lose } = losing();
	void lose('2');
	await jest.advanceTimersByTimeAsync(26_000);
	await through(lose('3', 2_000));
	expect(secondsPassed()).toBe(28);
});

test('one that gets lost when all others are through is looked for as well', async () => {
	const { looks, lose } = losing();
	await through(lose('2', 1_000));
	await through(lose('3', 1_000));
	expect(looks).toEqual([1, 2]);
});

test('when the node is stopped all are stopped, at once', async () => {
	const { cancellation, looks, lose } = losing();
	const both = Promise.allSettled([lose('2'), lose('3')]);
	await jest.advanceTimersByTimeAsync(5_000);
	cancellation.abort(new Error('stopped'));
	const reasons = (await through(both)).map((result) => (result as PromiseRejectedResult).reason);
	expect(reasons).toEqual([new Error('stopped'), new Error('stopped')]);
	expect(secondsPassed()).toBeLessThan(5.5);
	await jest.advanceTimersByTimeAsync(60_000);
	expect(looks).toEqual([1, 4]);
});

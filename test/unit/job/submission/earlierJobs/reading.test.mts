import {
	EarlierJobs,
	type KnownJob,
	type Wanted,
} from '../../../../../nodes/Kling/job/submission/earlierJobs.ts';
import { Cancellation } from '../../../../../nodes/Kling/runtime/cancellation.ts';
import {
	answered,
	contextOf,
	FakeKling,
	lost,
	nodeOf,
	realTime,
	START_MS,
	through,
	virtualTime,
	type FakeJob,
} from '../../../../support/fakes.mts';
import { callOf } from '../../../support/submitting.mts';
import { ago, earlierJobs, find, MINUTE_MS } from './find.mts';

/** How much of the API's lists is read, and what comes of one that cannot be read. */

beforeEach(virtualTime);
afterEach(realTime);

describe('whether the lists tell', () => {
	const silent = { listTells: false, taskTells: false };

	test.each<[string, Array<Partial<FakeJob>>, string]>([
		['an empty list tells nothing', [], 'untold'],
		['another job tells what it is of', [{ workId: '9', ...ago(5) }], 'absent'],
		['a running one tells by itself', [{ workId: '9', listTells: false }], 'absent'],
		['none tells', [{ ...silent, ...ago(5) }], 'untold'],
		['one that could be it does not', [{ workId: '9' }, { ...silent, ...ago(5) }], 'untold'],
		['a job of another type does not', [{ workId: '9' }, { ...silent, type: 'video' }], 'absent'],
		['it does, when it is read itself', [{ ...ago(5), listTells: false }], 'found'],
	])('%s', async (_name, jobs, is) => {
		expect((await find(jobs)).sighting.is).toBe(is);
	});

	test('one made before the time of sending is no matter', async () => {
		const jobs = [{ workId: '9' }, { ...silent, ...ago(10) }];
		expect((await find(jobs, { sinceMs: START_MS })).sighting.is).toBe('absent');
	});

	test('more than a hundred that are silent are not all read', async () => {
		const jobs = Array.from({ length: 150 }, (_, i) => ({
			workId: '9',
			...ago(i),
			listTells: false,
		}));
		const { kling, sighting } = await find(jobs);
		expect(sighting.is).toBe('untold');
		expect(kling.calls.filter((call) => /^GET \d/.test(call))).toHaveLength(100);
	});
});

describe('how far back it reads', () => {
	const many = (count: number) =>
		Array.from({ length: count }, (_, i) => ({ workId: '9', ...ago(i) }));

	test.each<[string, Partial<Wanted>, number]>([
		['to the task that made the image', { sourceTaskId: '560' }, 2],
		['to the time of sending, and two minutes more', { sinceMs: START_MS - 40 * MINUTE_MS }, 1],
		['no further, though the page ends there', { sinceMs: START_MS - 48 * MINUTE_MS }, 2],
		// The oldest task of a page comes again with the next one.
		['to five hundred tasks', {}, 11],
	])('%s', async (_name, changes, pages) => {
		const { kling } = await find(many(700), { sourceTaskId: undefined, ...changes });
		expect(kling.count('GET tasks')).toBe(pages);
	});

	test('to the end, where there are fewer', async () => {
		expect((await find([...many(60), { taskId: '777', ...ago(99) }])).sighting.is).toBe('found');
	});

	test('who asks later reads on where the list was left', async () => {
		const kling = new FakeKling();
		many(120).forEach((job) => kling.add(job));
		const look = earlierJobs(kling);
		await look({ sinceMs: START_MS });
		expect(kling.count('GET tasks')).toBe(1);
		await look({ sourceTaskId: '560' });
		await look({ sourceTaskId: '560' });
		expect([kling.count('GET tasks'), kling.count('GET scheduler')]).toEqual([2, 1]);
	});
});

describe('running jobs', () => {
	test('are read each, once, as long as they tell what they are of', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '601', workId: '9' });
		kling.add({ taskId: '602', taskTells: false, listTells: false });
		const read = new Map<string, KnownJob>();
		await earlierJobs(kling, read)();
		await earlierJobs(kling, read)();
		expect(kling.count('GET 601')).toBe(1);
		expect(kling.count('GET 602')).toBeGreaterThan(1);
	});

	test('that an earlier look has read are known to have ended, once the list says so', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777', end: 'failed' });
		const read = new Map<string, KnownJob>();
		const sent = { sinceMs: START_MS };
		expect(await earlierJobs(kling, read)(sent)).toMatchObject({ is: 'found', taskId: '777' });
		await jest.advanceTimersByTimeAsync(kling.taskMs);
		expect(await earlierJobs(kling, read)(sent)).toEqual({ is: 'absent' });
	});

	test('of other accounts are no matter', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777', account: 'b@example.com' });
		kling.add({ workId: '9', account: 'a@example.com', ...ago(5) });
		expect(await earlierJobs(kling)({ account: 'a@example.com' })).toEqual({ is: 'absent' });
		expect(kling.count('GET 777')).toBe(0);
		expect(await earlierJobs(kling)({ account: 'b@example.com' })).toMatchObject({ is: 'found' });
	});

	test('of which the list names no account may be of any', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777' });
		expect(await earlierJobs(kling)({ account: 'a@example.com' })).toMatchObject({ is: 'found' });
	});

	test('that cannot be read are looked for in the list', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777' });
		kling.taskFault = () => answered(500, {});
		expect(await earlierJobs(kling)()).toMatchObject({ is: 'found', taskId: '777' });
	});
});

describe('lists that cannot be read', () => {
	test.each([
		['refused', answered(401, {}), 'The API token was refused'],
		['lost', lost, 'useapi.net gave no usable answer (ECONNRESET)'],
		[
			'no list',
			answered(200, { hello: 'world' }),
			'The answer of useapi.net is not a list of jobs',
		],
	])('%s: it says so, and the next look asks anew', async (_name, fault, message) => {
		const kling = new FakeKling();
		kling.add({ taskId: '777' });
		kling.listFault = fault;
		expect(await earlierJobs(kling)()).toMatchObject({ is: 'unreadable', problem: { message } });
		kling.listFault = undefined;
		expect(await earlierJobs(kling)()).toMatchObject({ is: 'found' });
	});

	test('a problem that passes is waited out', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777' });
		kling.listFault = answered(503, {});
		setTimeout(() => (kling.listFault = undefined), 2_000);
		expect(await earlierJobs(kling)()).toMatchObject({ is: 'found' });
	});

	test('when the node is stopped it is stopped as well', async () => {
		const kling = new FakeKling();
		const cancellation = new Cancellation(nodeOf());
		const looking = new EarlierJobs(contextOf(kling.api, {}, cancellation)).find(callOf().wanted);
		cancellation.abort(new Error('stopped'));
		await expect(through(looking)).rejects.toThrow('stopped');
	});
});

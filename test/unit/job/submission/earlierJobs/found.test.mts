import fc from 'fast-check';

import { Cancellation } from '../../../../../nodes/Kling/runtime/cancellation.ts';
import {
	EarlierJobs,
	type KnownJob,
	type Wanted,
} from '../../../../../nodes/Kling/job/submission/earlierJobs.ts';
import {
	answered,
	FakeKling,
	contextOf,
	lost,
	nodeOf,
	realTime,
	START_MS,
	through,
	UPSCALE_TYPE,
	virtualTime,
	type FakeJob,
} from '../../../../support/fakes.mts';
import { callOf } from '../../../support/submitting.mts';

/** What the API's lists say of a job, and how much of them is read for it. */

beforeEach(virtualTime);
afterEach(realTime);

const MINUTE_MS = 60_000;
/** Made so many minutes ago, and finished. */
const ago = (minutes: number) => {
	const madeMs = START_MS - minutes * MINUTE_MS;
	return { madeMs, endMs: madeMs };
};

function earlierJobs(kling: FakeKling, read?: Map<string, KnownJob>) {
	const jobs = new EarlierJobs(contextOf(kling.api), read);
	return async (changes: Partial<Wanted> = {}) =>
		await through(jobs.find({ ...callOf().wanted, ...changes }));
}

async function find(jobs: Array<Partial<FakeJob>>, changes: Partial<Wanted> = {}) {
	const kling = new FakeKling();
	jobs.forEach((job) => kling.add(job));
	return { kling, sighting: await earlierJobs(kling)(changes) };
}

describe('a job of the image', () => {
	const sent = { sinceMs: START_MS - MINUTE_MS };

	test.each<[string, Partial<FakeJob>, Partial<Wanted>, string]>([
		['that runs', {}, {}, 'found'],
		['that has succeeded', ago(5), {}, 'found'],
		['that has failed is none', { ...ago(5), end: 'failed' }, {}, 'absent'],
		['that came to nothing is none', { ...ago(5), end: 'empty' }, {}, 'absent'],
		['of another image', { ...ago(5), workId: '3' }, {}, 'absent'],
		['of another type', { ...ago(5), type: 'other' }, {}, 'absent'],
		['just sent, that runs', {}, sent, 'found'],
		['just sent, that has succeeded', ago(0), sent, 'found'],
		['just sent, that has failed is none either', { ...ago(0), end: 'failed' }, sent, 'absent'],
		['just sent, that has come to nothing yet', { ...ago(0), end: 'empty' }, sent, 'found'],
		['just sent, by a clock that is two minutes slow', ago(3), sent, 'found'],
		['sent long before', ago(3.1), sent, 'absent'],
	])('%s', async (_name, job, changes, is) => {
		const { sighting } = await find([{ taskId: '777', ...job }, { workId: '9' }], changes);
		expect(sighting).toMatchObject(is === 'found' ? { is, taskId: '777' } : { is });
	});

	const two = [{ taskId: '701' }, { taskId: '702', ...ago(2) }];
	const oneFailed = [{ taskId: '701' }, { taskId: '702', ...ago(0), end: 'failed' as const }];
	test.each<[string, Array<Partial<FakeJob>>, Partial<Wanted>, object]>([
		['one that has succeeded, though another runs', two, {}, { taskId: '702' }],
		['one that runs, though another has failed', oneFailed, sent, { taskId: '701' }],
		['the newest, when one was just sent', two, sent, { taskId: '701', isSure: true }],
		['an older one is not surely the one that was sent', [two[1]], sent, { isSure: false }],
	])('of several: %s', async (_name, jobs, changes, expected) => {
		const { sighting } = await find(jobs, changes);
		expect(sighting).toMatchObject({ is: 'found', ...expected });
	});
});

describe('a job that was made from a link, of a type that nobody knows', () => {
	const inputUrl = 'https://s21.example.com/a b.png';
	const made = { workId: undefined, type: 'some_enhance', inputUrl };
	const link: Partial<Wanted> = {
		fromWorkId: undefined,
		type: undefined,
		sourceTaskId: undefined,
		inputUrl,
		otherArgs: { resolution: '2k' },
		sinceMs: START_MS - MINUTE_MS,
	};

	test.each<[string, Partial<FakeJob>, string]>([
		['that runs', {}, 'found'],
		['that has succeeded', ago(0), 'found'],
		['that has failed is none', { ...ago(0), end: 'failed' }, 'absent'],
		['whose link is written in another way', { inputUrl: inputUrl.replace(' ', '%20') }, 'found'],
		// The API may tell a link of its own for the one that was sent.
		['of another link could be it', { inputUrl: `${inputUrl}?2` }, 'untold'],
		[
			'of another link that has failed is none',
			{ inputUrl: 'https://b', ...ago(0), end: 'failed' },
			'absent',
		],
		['of another link sent long before is none', { inputUrl: 'https://b', ...ago(3.1) }, 'absent'],
		['that was asked for the same', { args: { resolution: '4k', biz: 'klingai' } }, 'found'],
		['that was asked for it in other words', { args: { resolution: '5120' } }, 'found'],
		['that was asked for something else', { args: { resolution: '2K' } }, 'absent'],
		['that has a prompt is a generation', { args: { prompt: '' } }, 'absent'],
		['that is an upscale', { type: UPSCALE_TYPE }, 'absent'],
		['that tells no type', { type: undefined }, 'found'],
		['sent long before', ago(3.1), 'absent'],
	])('%s', async (_name, job, is) => {
		const { sighting } = await find([{ taskId: '777', ...made, ...job }, { workId: '9' }], link);
		expect(sighting).toMatchObject(is === 'found' ? { is, taskId: '777' } : { is });
	});

	test.each<[string, Partial<FakeJob>, string]>([
		['a silent one could be it', { type: 'other' }, 'untold'],
		['a silent upscale could not', { type: UPSCALE_TYPE }, 'absent'],
	])('%s', async (_name, job, is) => {
		const silent = { listTells: false, taskTells: false, ...job };
		expect((await find([{ workId: '9' }, silent], link)).sighting.is).toBe(is);
	});

	test('a task that is known to be of another job is not it', async () => {
		const isOther = (taskId: string) => taskId === '777';
		const jobs = [{ taskId: '777', ...made }, { workId: '9' }];
		expect((await find(jobs, { ...link, isOther })).sighting.is).toBe('absent');
		const ofAnotherLink = jobs.map((job) => ({ ...job, inputUrl: 'https://b' }));
		expect((await find(ofAnotherLink, { ...link, isOther })).sighting.is).toBe('absent');
		const [first, other] = jobs;
		const two = [first, { ...made, taskId: '778', ...ago(0.5) }, other];
		expect((await find(two, { ...link, isOther })).sighting).toMatchObject({ taskId: '778' });
	});
});

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

describe('what the lists leave out', () => {
	/** What one place tells of the job. That it is there, and how it is doing, is always told. */
	interface Tells {
		inputs: boolean;
		type: boolean;
		files: boolean;
		/** When it was made, epoch ms; by default now. */
		madeMs?: number;
	}
	const everything = { inputs: true, type: true, files: true };
	const nothing = { inputs: false, type: false, files: false };

	interface More {
		/** The list of tasks has it. */
		isListed?: boolean;
		/** The list of running jobs has it. */
		runs?: boolean;
		sinceMs?: number;
	}

	/** Looks for a job; by default for one that was just sent. */
	async function findSent(status: string, inList: Tells, inTask: Tells, more: More = {}) {
		const { isListed = true, runs = status === 'processing' } = more;
		const { sinceMs } = { sinceMs: START_MS, ...more };
		const modelOf = ({ inputs, type, files, madeMs = START_MS }: Tells) => ({
			status_name: status,
			status_final: status !== 'processing',
			works: [
				{
					workId: '7771',
					taskId: '777',
					createTime: madeMs,
					...(type && { type: UPSCALE_TYPE }),
					...(inputs && { taskInfo: { inputs: [{ fromWorkId: '2' }] } }),
					...(files && { resource: { resource: 'https://s21.example.com/7.png' } }),
				},
			],
		});
		const kling = new FakeKling();
		kling.add({ taskId: '601', workId: '9', ...ago(0) });
		const { getTask, getTasks } = kling.api;
		kling.api.getTask = async (taskId) =>
			taskId === '777' ? answered(200, modelOf(inTask)) : await getTask(taskId);
		kling.api.getRunningJobs = async () => answered(200, runs ? [{ id: 777 }] : []);
		kling.api.getTasks = async (query) => {
			const { body } = (await getTasks(query)) as { body: { history: object[] } };
			return answered(200, { history: [...(isListed ? [modelOf(inList)] : []), ...body.history] });
		};
		return (await earlierJobs(kling)({ sinceMs })).is;
	}

	test.each<[string, string, Tells, Tells, string]>([
		['a success has no file yet', 'succeed', { ...everything, files: false }, nothing, 'found'],
		['only the task tells all', 'succeed', nothing, everything, 'found'],
		['only the running task tells all', 'processing', nothing, everything, 'found'],
		['nobody tells anything', 'succeed', nothing, nothing, 'untold'],
	])('%s', async (_name, status, inList, inTask, is) => {
		expect(await findSent(status, inList, inTask)).toBe(is);
	});

	test('only the task tells of a file, and the list of running jobs has it still', async () => {
		const inList = { ...everything, files: false };
		const more = { runs: true, sinceMs: undefined };
		expect(await findSent('succeed', inList, everything, more)).toBe('found');
	});

	test('only the task tells when it was made: long before', async () => {
		const inTask = { ...everything, madeMs: START_MS - 3_600_000 };
		const inList = { ...everything, madeMs: 0 };
		expect(await findSent('succeed', inList, inTask, { runs: true })).toBe('absent');
	});

	test('a job of the image that tells no type may be the one', async () => {
		const noType = { ...everything, type: false };
		expect(await findSent('succeed', noType, noType)).not.toBe('absent');
	});

	test('whatever it is, a job that was sent and has not failed is never called absent', async () => {
		const tells = fc.record({ inputs: fc.boolean(), type: fc.boolean(), files: fc.boolean() });
		const status = fc.constantFrom('processing', 'succeed');
		await fc.assert(
			fc.asyncProperty(status, tells, tells, fc.boolean(), async (name, inList, inTask, listed) => {
				const isListed = listed || name !== 'processing';
				expect(await findSent(name, inList, inTask, { isListed })).not.toBe('absent');
			}),
		);
	});
});

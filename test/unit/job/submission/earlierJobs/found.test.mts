import type { Wanted } from '../../../../../nodes/Kling/job/submission/earlierJobs.ts';
import {
	realTime,
	START_MS,
	UPSCALE_TYPE,
	virtualTime,
	type FakeJob,
} from '../../../../support/fakes.mts';
import { ago, find, MINUTE_MS } from './find.mts';

/** Which of the jobs in the API's lists is the one that is looked for. */

beforeEach(virtualTime);
afterEach(realTime);

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

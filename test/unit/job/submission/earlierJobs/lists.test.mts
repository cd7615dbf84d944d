import {
	answered,
	FakeKling,
	realTime,
	START_MS,
	virtualTime,
} from '../../../../support/fakes.mts';
import { earlierJobs } from './find.mts';

/** How the API's lists are read. What they say of a job: found.test.mts. */

beforeEach(virtualTime);
afterEach(realTime);

/** Made so many seconds ago, and finished. */
const ago = (seconds: number) => {
	const madeMs = START_MS - 1_000 * seconds;
	return { madeMs, endMs: madeMs };
};

describe('a list of tasks that cannot be read', () => {
	test('is told with the words of useapi.net', async () => {
		const kling = new FakeKling();
		kling.api.getTasks = async () => answered(403, { error: 'No tasks' });
		const problem = { message: 'No tasks', httpCode: '403' };
		expect(await earlierJobs(kling)()).toMatchObject({ is: 'unreadable', problem });
	});

	test('for whatever reason is no reason to send a job', async () => {
		const kling = new FakeKling();
		kling.api.getTasks = async () => await Promise.reject(new Error('No credential'));
		const problem = { message: 'No credential', description: '' };
		expect(await earlierJobs(kling)()).toEqual({ is: 'unreadable', problem });
	});
});

describe('the list of running jobs', () => {
	const account = 'a@b.c';

	test('may have what the list of tasks does not show yet', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777', account });
		kling.api.getTasks = async () => answered(200, { history: [] });
		expect(await earlierJobs(kling)({ account })).toMatchObject({ is: 'found', taskId: '777' });
	});

	test('is read as far as it names jobs', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777', account });
		kling.api.getRunningJobs = async () => answered(200, [{}, null, { id: {} }, { id: 777 }]);
		expect(await earlierJobs(kling)({ account })).toMatchObject({ taskId: '777' });
		expect(kling.calls.filter((call) => /^GET (?!tasks)/.test(call))).toEqual(['GET 777']);
	});
});

test.each([
	[499, true],
	[500, false],
])('a job made %d ms before it was sent, by the clock here: sure %s', async (beforeMs, isSure) => {
	const kling = new FakeKling();
	kling.add({ taskId: '777', madeMs: START_MS - beforeMs });
	expect(await earlierJobs(kling)({ sinceMs: START_MS })).toMatchObject({ is: 'found', isSure });
});

test.each([
	[1, 2, 3],
	[1, 3, 2],
	[2, 1, 3],
	[2, 3, 1],
	[3, 1, 2],
	[3, 2, 1],
])('of jobs made %d, %d and %d s after it was sent the newest is taken', async (...seconds) => {
	const kling = new FakeKling();
	kling.api.getTasks = async () => answered(200, { history: [] });
	// In the order of the list of running jobs.
	seconds.forEach((second) => kling.add({ taskId: `70${second}`, madeMs: START_MS + second }));
	kling.add({ taskId: '709', madeMs: NaN, endMs: Infinity });
	expect(await earlierJobs(kling)({ sinceMs: START_MS })).toMatchObject({ taskId: '703' });
});

test('no more is read once there are five hundred tasks', async () => {
	const kling = new FakeKling();
	for (let task = 0; task < 600; task++) kling.add({ workId: '9', ...ago(task) });
	const { getTasks } = kling.api;
	// Pages whose moments do not overlap: ten of fifty.
	kling.api.getTasks = async ({ createdBefore, ...query }) =>
		await getTasks({
			...query,
			...(createdBefore !== undefined && { createdBefore: Number(createdBefore) - 1 }),
		});
	await earlierJobs(kling)({ sourceTaskId: undefined });
	expect(kling.count('GET tasks')).toBe(10);
});

test('a task that tells no time does not hide how far back a page reaches', async () => {
	const kling = new FakeKling();
	for (let task = 0; task < 200; task++) kling.add({ workId: '9', ...ago(100 * task) });
	const { getTasks } = kling.api;
	kling.api.getTasks = async (query) => {
		const { body } = (await getTasks(query)) as { body: { history: object[] } };
		return answered(200, {
			history: [...body.history, { task: { id: `9${query.createdBefore}` } }],
		});
	};
	await earlierJobs(kling)({ sinceMs: START_MS - 1_000_000, sourceTaskId: undefined });
	expect(kling.count('GET tasks')).toBe(1);
});

import { execute } from '../../../../nodes/Kling/actions/task/get.operation.ts';
import {
	FakeKling,
	realTime,
	START_MS,
	through,
	virtualTime,
	type FakeJob,
} from '../../../support/fakes.mts';
import { nodeWith, type Fields } from '../../support/fields.mts';

/** Gets tasks as they are, or waits for them. */

beforeEach(virtualTime);
afterEach(realTime);

const FINISHED = { endMs: START_MS - 1 };
const FAILED = { ...FINISHED, end: 'failed' } as const;
const seconds = () => (Date.now() - START_MS) / 1000;

/** Gets a job of the account, for each record of fields. */
function get(job: Partial<FakeJob>, ...items: Fields[]) {
	const kling = new FakeKling();
	const { taskId } = kling.add(job);
	const node = nodeWith(
		kling,
		items.map((fields) => ({ taskId, ...fields })),
	);
	return { kling, outcome: through(execute(node)) };
}
const jsonOf = async (job: Partial<FakeJob>, fields: Fields) =>
	(await get(job, fields).outcome).map(({ json }) => json);

test.each<[string, Partial<FakeJob>, object]>([
	['runs', {}, { status: 'processing', finished: false }],
	['has finished', FINISHED, { status: 'succeed', finished: true }],
	['has failed', FAILED, { status: 'failed', finished: true }],
])('a task that %s is told as it is, with one look', async (_name, job, expected) => {
	const { kling, outcome } = get(job, {});
	expect(await outcome).toMatchObject([
		{ json: { taskId: '501', ...expected }, pairedItem: { item: 0 } },
	]);
	expect([kling.calls, seconds()]).toEqual([['GET 501'], 0]);
});

test('a task on an account is looked for there, and says so', async () => {
	const kling = new FakeKling();
	const asked: unknown[] = [];
	const { getTask } = kling.api;
	kling.api.getTask = async (...call) => (asked.push(call), await getTask(...call));
	kling.add(FINISHED);
	const node = nodeWith(kling, [{ taskId: '501', account: 'a@b.c' }]);
	expect((await through(execute(node)))[0].json).toMatchObject({ account: 'a@b.c' });
	expect(asked).toEqual([['501', 'a@b.c']]);
});

describe('waiting', () => {
	const wait = { wait: 'poll' };

	test('brings the result as soon as it is there', async () => {
		expect(await jsonOf({}, wait)).toMatchObject([{ status: 'succeed' }]);
		expect(seconds()).toBeGreaterThanOrEqual(20);
		expect(seconds()).toBeLessThan(25);
	});

	test('begins with a look: the task may have finished long ago', async () => {
		expect(await jsonOf(FINISHED, wait)).toMatchObject([{ status: 'succeed' }]);
		expect(seconds()).toBe(0);
	});

	test('ends at the time limit', async () => {
		const { outcome } = get({ endMs: Infinity }, { ...wait, 'options.timeout': 90 });
		await expect(outcome).rejects.toThrow(/did not finish within 90 seconds/);
		expect(seconds()).toBe(90);
	});

	test('looks as often as is asked for', async () => {
		const { kling, outcome } = get({}, { ...wait, 'options.pollInterval': 7 });
		await outcome;
		expect([kling.count('GET 501'), seconds()]).toEqual([4, 21]);
	});

	test('is one look for all items that name the same task', async () => {
		const { kling, outcome } = get({}, wait, wait, wait);
		expect((await outcome).map(({ pairedItem }) => pairedItem)).toEqual(
			[0, 1, 2].map((item) => ({ item })),
		);
		expect(kling.count('GET 501')).toBeLessThan(10);
	});

	test('for a task that failed is an error', async () => {
		await expect(get(FAILED, wait).outcome).rejects.toThrow('Task 501 failed');
	});

	test('options that only a wait has are not looked at without one', async () => {
		const fields = { 'options.timeout': 'soon', 'options.pollInterval': 'often' };
		expect(await jsonOf(FINISHED, fields)).toMatchObject([{ status: 'succeed' }]);
		await expect(get(FINISHED, { ...wait, ...fields }).outcome).rejects.toThrow("'Time Limit'");
	});
});

describe('whoever asks for images', () => {
	const images = { output: 'images' };

	test('gets them', async () => {
		expect(await jsonOf(FINISHED, images)).toMatchObject([{ taskId: '501', workId: '5011' }]);
	});

	test.each<[string, Partial<FakeJob>, string]>([
		['runs', {}, 'Task 501 has no images yet'],
		['has failed', FAILED, 'Task 501 failed'],
		['has none', { ...FINISHED, end: 'empty' }, 'Task 501 finished without an image'],
	])('is told when the task %s', async (_name, job, message) => {
		await expect(get(job, images).outcome).rejects.toThrow(message);
	});
});

test('the file comes along when it is asked for', async () => {
	const [item] = await get(FINISHED, { download: true, binaryPropertyName: 'image' }).outcome;
	expect(item.binary).toMatchObject({ image: { fileName: 'kling-501-5011.png' } });
});

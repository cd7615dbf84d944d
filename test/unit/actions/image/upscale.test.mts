import { execute } from '../../../../nodes/Kling/actions/image/upscale.operation.ts';
import {
	FakeKling,
	realTime,
	START_MS,
	through,
	virtualTime,
	type ExecutionSettings,
} from '../../../support/fakes.mts';
import { nodeWith, type Fields } from '../../support/fields.mts';

/** What Upscale sends, and by what it knows its jobs again. What becomes of them: ../../job. */

beforeEach(virtualTime);
afterEach(realTime);

const image = { taskId: '1', workId: '2', wait: 'none' };

async function upscale(items: Fields[], kling = new FakeKling(), settings?: ExecutionSettings) {
	const outputs = await through(execute(nodeWith(kling, items, settings)));
	return { kling, taskIds: outputs.map(({ json }) => json.taskId) };
}

test('the image that is chosen, with what the fields say', async () => {
	const fields = { ...image, account: 'a@b.c', 'options.maxJobs': 3 };
	const { kling, taskIds } = await upscale([fields]);
	expect(kling.posts).toEqual([{ task_id: '1', workId: '2', email: 'a@b.c', maxJobs: 3 }]);
	expect(taskIds).toEqual(['501']);
});

test.each<[string, Fields, number]>([
	['the same image is paid once, whatever else is asked for', { 'options.maxJobs': 3 }, 1],
	['another image is another job', { workId: '3' }, 2],
	['so is an image of another task', { taskId: '3' }, 2],
	['and the same image on another account', { account: 'd@e.f' }, 2],
])('%s', async (_name, changes, jobs) => {
	const account = 'a@b.c';
	const { kling } = await upscale([
		{ ...image, account },
		{ ...image, account, ...changes },
	]);
	expect(kling.posts).toHaveLength(jobs);
});

test('an earlier upscale of the image is taken on demand', async () => {
	const earlier = () => {
		const kling = new FakeKling();
		const past = { madeMs: START_MS - 1_000, endMs: START_MS - 500 };
		kling.add({ ...past, taskId: '401', type: 'image', workId: '2' });
		kling.add({ ...past, taskId: '402', workId: '9' });
		kling.add({ ...past, taskId: '403', workId: '2' });
		return kling;
	};
	const reused = await upscale([{ ...image, 'options.reuse': true }], earlier());
	expect([reused.taskIds, reused.kling.posts]).toEqual([['403'], []]);
	const paid = await upscale([image], earlier());
	expect(paid.kling.posts).toHaveLength(1);
});

test('lists are read no further back than to the task that made the image', async () => {
	const kling = new FakeKling();
	for (let task = 1; task <= 120; task++) {
		const madeMs = START_MS - 1_000 * task;
		kling.add({ taskId: String(9_000 - task), workId: '9', madeMs, endMs: madeMs });
	}
	const fields = { ...image, 'options.reuse': true };
	await upscale([{ ...fields, taskId: '8990' }], kling);
	expect(kling.count('GET tasks')).toBe(1);
	await upscale([{ ...fields, taskId: '8920' }], kling);
	expect(kling.count('GET tasks')).toBe(1 + 2);
});

test.each([
	[{ workId: '' }, "'Image' is empty"],
	[{ taskId: 'x' }, "'Task' must be an ID made of digits"],
	[{ output: 'images' }, "'Output' must be one of simplified, raw"],
])('nothing is sent when a field of any item is wrong: %j', async (changes, message) => {
	const kling = new FakeKling();
	await expect(upscale([image, { ...image, ...changes }], kling)).rejects.toThrow(message);
	expect(kling.calls).toEqual([]);
});

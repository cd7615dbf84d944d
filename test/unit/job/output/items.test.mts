import { Readable } from 'node:stream';

import {
	buildItems,
	buildResult,
	type OutputSettings,
} from '../../../../nodes/Kling/job/output/items.ts';
import { parseTask } from '../../../../nodes/Kling/tasks/task.ts';
import type { TaskModel } from '../../../../nodes/Kling/transport/types.ts';
import { contextOf, n8nWith } from '../../../support/fakes.mts';

/** The items that a task comes to, and the files in them. What stands in their JSON is tested with result.ts. */

const ref = { taskId: '10', itemIndex: 3 };

const n8n = n8nWith({
	serve: ({ url }) => ({ body: Readable.from([Buffer.from(`\x89PNG ${url}`, 'latin1')]) }),
});
const context = contextOf({ baseUrl: 'http://127.0.0.1:1' }, n8n);

const work = (workId: number) => ({
	workId,
	contentType: 'image',
	resource: { resource: `http://127.0.0.1:1/${workId}.png` },
});
const task = (...workIds: number[]) => ({
	task: { id: 10 },
	status_name: 'succeed',
	status_final: true,
	works: workIds.map(work),
});

const items = async (model: TaskModel, settings: OutputSettings) =>
	await buildItems(context, parseTask(model), ref, settings);
const filesOf = ({ binary }: { binary?: object }) =>
	Object.entries(binary ?? {}).map(([field, { fileName }]) => [field, fileName]);

test('is one item with all files, or one item for each image with its own', async () => {
	const settings = { binaryPropertyName: 'image' };
	const [one, ...none] = await items(task(1, 2, 3), { ...settings, output: 'simplified' });
	expect(none).toEqual([]);
	expect(one.pairedItem).toEqual({ item: 3 });
	expect(filesOf(one)).toEqual([
		['image', 'kling-10-1.png'],
		['image_2', 'kling-10-2.png'],
		['image_3', 'kling-10-3.png'],
	]);
	const each = await items(task(1, 2), { ...settings, output: 'images' });
	expect(each.map(({ json }) => json.workId)).toEqual(['1', '2']);
	expect(each.map(filesOf)).toEqual([[['image', 'kling-10-1.png']], [['image', 'kling-10-2.png']]]);
	expect(each.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 3 }, { item: 3 }]);
});

test('has no files unless a field is named, and none where there is no image', async () => {
	const [without] = await items(task(1), { output: 'raw' });
	expect(without).not.toHaveProperty('binary');
	const [empty] = await items(task(), { output: 'raw', binaryPropertyName: 'image' });
	expect(empty).not.toHaveProperty('binary');
});

const failed = { status_name: 'failed', status_final: true };

test.each<[string, TaskModel, RegExp, RegExp, string]>([
	[
		'runs',
		{ status_name: 'processing' },
		/no images yet \(status: pro/,
		/get the task/,
		'processing',
	],
	['failed', { ...failed, error: 'Why' }, /^Task 10 failed: Why$/, /moderation/, 'failed'],
	['failed in silence', failed, /failed: Kling gave no reason$/, /out of credits/, 'failed'],
	['came to nothing', task(), /^Task 10 finished without an image$/, /in a moment/, 'succeed'],
])(
	'a task that %s is an error where images are wanted',
	async (_name, model, message, next, status) => {
		const error = {
			message: expect.stringMatching(message) as string,
			description: expect.stringMatching(next) as string,
			problem: expect.objectContaining({ details: { taskId: '10', status } }) as object,
			context: expect.objectContaining({ itemIndex: 3 }) as object,
		};
		await expect(items(model, { output: 'images' })).rejects.toMatchObject(error);
		const result = buildResult(context, parseTask(model), ref, { output: 'raw' });
		await expect(result).rejects.toMatchObject(error);
		// Where the task itself is wanted it is none.
		expect(await items(model, { output: 'raw' })).toHaveLength(1);
	},
);

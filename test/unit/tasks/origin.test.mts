import { originOf, tellsInputs } from '../../../nodes/Kling/tasks/origin.ts';
import { parseTask } from '../../../nodes/Kling/tasks/task.ts';
import type { TaskModel } from '../../../nodes/Kling/transport/types.ts';

/** What an answer tells of what a task was made of, whatever may be missing in it. */

const of = (model: object) => originOf(parseTask(model as TaskModel));
const taskWith = (taskInfo: object) => ({ task: { taskInfo } });
const nothing = { fromWorkIds: [], inputUrls: [], args: {} };
const URL = 'https://cdn.example.com/1.png';

test.each<[string, object, object]>([
	['nothing', {}, {}],
	['no inputs', taskWith({ inputs: 'none', arguments: null }), {}],
	['inputs of nothing', taskWith({ inputs: [null, {}, { fromWorkId: {}, url: '' }] }), {}],
	['an image', taskWith({ inputs: [{ fromWorkId: 2 }] }), { fromWorkIds: ['2'] }],
	['an image by text', taskWith({ inputs: [{ fromWorkId: '2' }] }), { fromWorkIds: ['2'] }],
	['a link', taskWith({ inputs: [{ url: URL }] }), { inputUrls: [URL] }],
	[
		'it in each work',
		{
			works: [
				{ taskInfo: { inputs: [{ fromWorkId: 2 }] } },
				null,
				{ taskInfo: { inputs: [{ fromWorkId: 3, url: URL }] } },
			],
		},
		{ fromWorkIds: ['2', '3'], inputUrls: [URL] },
	],
	[
		'it beside works that are none',
		{ works: 'none', ...taskWith({ inputs: [{ fromWorkId: 2 }] }) },
		{ fromWorkIds: ['2'] },
	],
	[
		'what was asked for',
		taskWith({
			arguments: [
				{ name: 'prompt', value: 'A shoe' },
				{ name: 'count', value: 2 },
			],
		}),
		{ args: { prompt: 'A shoe', count: '2' } },
	],
])('%s', (_name, model, expected) => expect(of(model)).toEqual({ ...nothing, ...expected }));

test.each<[object, boolean]>([
	[{}, false],
	[{ args: { prompt: 'A shoe' } }, false],
	[{ fromWorkIds: ['2'] }, true],
	[{ inputUrls: [URL] }, true],
])('%j tells what it was made of: %s', (origin, expected) =>
	expect(tellsInputs({ ...nothing, ...origin })).toBe(expected),
);

import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import type { Ended } from '../../../../nodes/Kling/job/waiting/checkTasks.ts';
import { pendingOutputs } from '../../../../nodes/Kling/job/waiting/pendingOutputs.ts';
import type { PendingTask } from '../../../../nodes/Kling/job/waiting/suspend.ts';
import { parseTask } from '../../../../nodes/Kling/tasks/task.ts';
import type { TaskModel } from '../../../../nodes/Kling/transport/types.ts';
import {
	answered,
	contextOf,
	done,
	FakeKling,
	realTime,
	through,
	virtualTime,
} from '../../../support/fakes.mts';

/** The items of an execution that goes on, by how its tasks ended. */

beforeEach(virtualTime);
afterEach(realTime);

const success: Ended = { task: parseTask((done as { body: TaskModel }).body) };
const failure: Ended = { task: parseTask({ status_name: 'failed', error: 'Not allowed' }) };
const gone: Ended = { problem: { message: 'No such task', description: 'Look', httpCode: '404' } };

const pendingTask = (itemIndex: number, changes: Partial<PendingTask> = {}): PendingTask => ({
	itemIndex,
	taskId: `50${itemIndex}`,
	settings: { output: 'simplified' },
	sentAtMs: 0,
	...changes,
});

const before = (count: number): INodeExecutionData[] =>
	Array.from({ length: count }, (_, item) => ({ json: { before: item }, pairedItem: { item: 9 } }));

async function outputsOf(
	tasks: PendingTask[],
	ended: Record<string, Ended>,
	items = before(3),
	kling = new FakeKling(),
) {
	const context = contextOf(kling.api, { helpers: kling.helpers } as unknown as IExecuteFunctions);
	const pending = { id: '1', tasks, itemCount: 3 };
	const map = new Map(Object.entries(ended));
	return { context, ...(await through(pendingOutputs(context, pending, items, map))) };
}

test('an item that waits for no task comes out as it was, the others with their results', async () => {
	const { outputs, failures } = await outputsOf([pendingTask(2), pendingTask(0)], {
		500: success,
		502: success,
	});
	expect(outputs).toMatchObject([
		{ json: { taskId: '500', status: 'succeed' }, pairedItem: { item: 0 } },
		{ json: { before: 1 }, pairedItem: { item: 1 } },
		{ json: { taskId: '502', status: 'succeed' }, pairedItem: { item: 2 } },
	]);
	expect(failures).toEqual([]);
});

test('a task that failed, or is gone, is an error item, and the error is told', async () => {
	const { outputs, failures } = await outputsOf([pendingTask(0), pendingTask(1), pendingTask(2)], {
		500: failure,
		501: gone,
		502: success,
	});
	expect(outputs).toMatchObject([
		{ json: { error: 'Task 500 failed: Not allowed', details: { taskId: '500' } } },
		{
			json: { error: 'No such task', message: 'Look', details: { taskId: '501', httpCode: '404' } },
		},
		{ json: { status: 'succeed' } },
	]);
	expect(failures.map(({ context }) => context.itemIndex).toSorted()).toEqual([0, 1]);
});

test('several items may wait for one task', async () => {
	const same = { taskId: '500' };
	const { outputs } = await outputsOf([pendingTask(0), pendingTask(1, same)], { 500: success });
	expect(outputs.map(({ json }) => json.taskId ?? 'none')).toEqual(['500', '500', 'none']);
});

test('with Execute Once there is no more than the node works on, and files stay', async () => {
	const items = before(5);
	items[1].binary = { data: { data: '', mimeType: 'image/png' } };
	const { outputs } = await outputsOf([], {}, items);
	expect(outputs).toHaveLength(3);
	expect(outputs[1].binary).toEqual(items[1].binary);
});

test('what the result needs a word about stands in its own item', async () => {
	const settings = {
		output: 'simplified',
		binaryPropertyName: 'data',
		withoutWatermark: true,
	} as const;
	const kling = new FakeKling();
	kling.api.getCleanFile = async () => answered(402, {});
	const { outputs, context } = await outputsOf(
		[pendingTask(0, { settings }), pendingTask(1)],
		{ 500: success, 501: success },
		undefined,
		kling,
	);
	expect(outputs[0].json.message).toMatch(/^Item 0: the image without watermark was not available/);
	expect(outputs[0].binary).toBeDefined();
	expect(outputs[1].json).not.toHaveProperty('message');
	expect(context.hints.size).toBe(0);
});

test('an item whose file cannot be had is an error item', async () => {
	const settings = { output: 'simplified', binaryPropertyName: 'data' } as const;
	const kling = new FakeKling();
	kling.fileFault = { statusCode: 404, headers: {} };
	const { outputs, failures } = await outputsOf(
		[pendingTask(0, { settings })],
		{ 500: success },
		undefined,
		kling,
	);
	expect(outputs[0].json.error).toMatch(/^The image of task 500 could not be downloaded/);
	expect(failures).toHaveLength(1);
});

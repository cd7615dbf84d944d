import type { INodeExecutionData } from 'n8n-workflow';

import type { Pending } from '../../../../nodes/Kling/job/waiting/suspend.ts';
import { suspendAgain } from '../../../../nodes/Kling/job/waiting/suspendAgain.ts';
import {
	answered,
	FakeExecution,
	FakeKling,
	messageOf,
	realTime,
	START_MS,
	through,
	virtualTime,
	type ExecutionSettings,
	type FakeJob,
} from '../../../support/fakes.mts';

/** What comes of it when n8n runs a node once more whose execution is suspended. */

beforeEach(virtualTime);
afterEach(realTime);

const LIMIT_MS = START_MS + 600_000;
const LINK = { item: 7 };

/** The second of two items waits for this job; the first has failed before. */
function suspended(job: Partial<FakeJob>, settings: ExecutionSettings = {}) {
	const kling = new FakeKling();
	const { taskId } = kling.add({ madeMs: START_MS - 60_000, endMs: Infinity, ...job });
	const items: INodeExecutionData[] = [
		{ json: { error: 'No' }, pairedItem: LINK },
		{ json: { taskId, status: 'submitted' }, pairedItem: LINK },
	];
	const execution = new FakeExecution(kling, { items, ...settings });
	const pending: Pending = {
		id: '1',
		tasks: [
			{ itemIndex: 1, taskId, settings: { output: 'simplified' }, sentAtMs: START_MS - 60_000 },
		],
		itemCount: 2,
		limitAtMs: LIMIT_MS,
	};
	const again = async (changes: Partial<Pending> = {}) =>
		await through(suspendAgain(execution.context(), { ...pending, ...changes }));
	return { kling, execution, items, again };
}

test('while the task runs it waits until the same time again, and shows the same items', async () => {
	const { execution, items, again } = suspended({});
	expect(await again()).toEqual([
		{ json: { error: 'No' }, pairedItem: { item: 0 } },
		{ json: { taskId: '501', status: 'submitted' }, pairedItem: { item: 1 } },
	]);
	expect(execution.waits).toEqual([LIMIT_MS]);
	// What n8n hands on at the limit.
	expect(items[1]).toEqual({ json: { taskId: '501', status: 'submitted' }, pairedItem: LINK });
});

test('files that it had before stay', async () => {
	const { items, again } = suspended({});
	items[0].binary = { data: { data: '', mimeType: 'image/png' } };
	expect((await again())[0].binary).toEqual(items[0].binary);
});

test('once the task has ended the result takes the place of the input, and n8n goes on at once', async () => {
	const { execution, items, again } = suspended({ endMs: START_MS - 1 });
	const outputs = await again();
	expect(outputs.map(({ json }) => json.error ?? json.status)).toEqual(['No', 'succeed']);
	expect(execution.waits).toEqual([START_MS]);
	expect(items).toMatchObject([
		{ json: { error: 'No' }, pairedItem: LINK },
		{ json: { taskId: '501', status: 'succeed' }, pairedItem: LINK },
	]);
});

test('a task that failed is an error item then', async () => {
	const { again } = suspended({ endMs: START_MS - 1, end: 'failed' });
	expect((await again())[1].json.error).toBe('Task 501 failed: Kling gave no reason');
});

test('an API that cannot be asked is no matter', async () => {
	const { kling, execution, again } = suspended({ endMs: START_MS - 1 });
	kling.taskFault = () => answered(401, {});
	expect((await again())[1].json.status).toBe('submitted');
	expect(execution.waits).toEqual([LIMIT_MS]);
});

test('a cancel by the user ends it', async () => {
	const { execution, again } = suspended({}, { signal: AbortSignal.abort() });
	expect(await messageOf(again())).toBe('The execution was canceled');
	expect(execution.waits).toEqual([]);
});

test('with Execute Once the items that the node works on come out', async () => {
	expect(await suspended({}).again({ itemCount: 1, tasks: [] })).toHaveLength(1);
});

test('what 1.0.0 suspended, which names no time limit, goes on as soon as n8n looks', async () => {
	const { execution, again } = suspended({});
	await again({ limitAtMs: undefined });
	expect(execution.waits).toEqual([START_MS]);
});

import { execute } from '../../../../nodes/Kling/actions/task/delete.operation.ts';
import type { ApiResult } from '../../../../nodes/Kling/transport/types.ts';
import {
	answered,
	FakeKling,
	lost,
	missing,
	realTime,
	through,
	unsent,
	virtualTime,
	type ExecutionSettings,
} from '../../../support/fakes.mts';
import { nodeWith, type Fields } from '../../support/fields.mts';

/** Deletes tasks, and never says of one that it is there or gone when nobody knows. */

beforeEach(virtualTime);
afterEach(realTime);

/** An API that gives the same answer to each call; what it was asked to delete. */
function remove(answer: ApiResult, items: Fields[], settings?: ExecutionSettings) {
	const kling = new FakeKling();
	const asked: Array<[string, string?]> = [];
	kling.api.deleteTask = async (...call) => (asked.push(call), answer);
	return { asked, outcome: through(execute(nodeWith(kling, items, settings))) };
}
const deleted = answered(200, { deleted: true, workIds: [11, '9007199254740993'] });

test('each item’s task is deleted, on its account', async () => {
	const { asked, outcome } = remove(deleted, [{ taskId: '1' }, { taskId: 2, account: 'a@b.c' }]);
	const workIds = ['11', '9007199254740993'];
	expect(await outcome).toEqual([
		{ json: { deleted: true, taskId: '1', workIds }, pairedItem: { item: 0 } },
		{ json: { deleted: true, taskId: '2', workIds, account: 'a@b.c' }, pairedItem: { item: 1 } },
	]);
	expect(asked).toEqual([
		['1', undefined],
		['2', 'a@b.c'],
	]);
});

test.each([{}, { workIds: 'none' }, { workIds: [null, {}, ''] }])(
	'an answer without images (%j) is a success all the same',
	async (body) => {
		const [item] = await remove(answered(200, body), [{ taskId: '1' }]).outcome;
		expect(item.json).toEqual({ deleted: true, taskId: '1', workIds: [] });
	},
);

const LOST = /^It is unknown whether task 1 was deleted \((.*)\)$/;

test.each<[string, ApiResult, string | RegExp]>([
	['that the API does not know', missing, 'No such task'],
	['that the API fails to delete', answered(500, { error: 'No' }), 'No'],
	['that could not be asked for', unsent, 'Could not connect to useapi.net (ECONNREFUSED)'],
	['whose answer was lost', lost, LOST],
	['whose answer is a gateway’s', answered(502, { error: 'Bad gateway' }), LOST],
	['whose gateway gave up', answered(408, { error: 'Timeout' }), LOST],
])('a task %s is an error, and asked for only once', async (_name, answer, message) => {
	const { asked, outcome } = remove(answer, [{ taskId: '1' }]);
	await expect(outcome).rejects.toThrow(message);
	await expect(outcome).rejects.toMatchObject({
		context: { itemIndex: 0 },
		problem: { details: { taskId: '1' } },
	});
	expect(asked).toHaveLength(1);
});

test.each([
	[lost, 'ECONNRESET'],
	[answered(503, {}), 'HTTP 503'],
])('a lost answer says why, and where to look', async (answer, reason) => {
	await expect(remove(answer, [{ taskId: '1' }]).outcome).rejects.toMatchObject({
		message: `It is unknown whether task 1 was deleted (${reason})`,
		description:
			'The answer was lost. Look the task up with Task → Get before you try to delete it again.',
	});
});

test('an item without a task is an error before anything is deleted', async () => {
	const { asked, outcome } = remove(deleted, [{ taskId: '1' }, { taskId: '' }]);
	await expect(outcome).rejects.toThrow("'Task' is empty");
	expect(asked).toEqual([]);
});

test('a cancel by the user is told as one', async () => {
	const user = new AbortController();
	const kling = new FakeKling();
	kling.api.deleteTask = async () => (user.abort(), lost);
	const node = nodeWith(kling, [{ taskId: '1' }], { signal: user.signal });
	await expect(through(execute(node))).rejects.toThrow('The execution was canceled');
});

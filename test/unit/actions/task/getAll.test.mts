import type { IDataObject } from 'n8n-workflow';

import { execute } from '../../../../nodes/Kling/actions/task/getAll.operation.ts';
import {
	answered,
	FakeKling,
	realTime,
	START_MS,
	through,
	virtualTime,
} from '../../../support/fakes.mts';
import { nodeWith, type Fields } from '../../support/fields.mts';

/** Lists tasks: which ones, how many, and what the API is asked for. How pages are read: tasks/taskPages.test.mts. */

beforeEach(virtualTime);
afterEach(realTime);

/** An account with so many finished tasks, the first of them the oldest, a second apart. */
function accountWith(count: number, account?: string) {
	const kling = new FakeKling();
	const queries: IDataObject[] = [];
	const { getTasks } = kling.api;
	kling.api.getTasks = async (query) => (queries.push(query), await getTasks(query));
	for (let task = 0; task < count; task++) {
		const madeMs = START_MS - 1_000 * (count - task);
		kling.add({ madeMs, endMs: madeMs, account });
	}
	return { kling, queries };
}
const list = async (kling: FakeKling, ...items: Fields[]) =>
	await through(execute(nodeWith(kling, items)));
const taskIds = async (kling: FakeKling, fields: Fields = {}) =>
	(await list(kling, fields)).map(({ json }) => json.taskId);

test('the newest first, fifty unless asked otherwise', async () => {
	const { kling, queries } = accountWith(120);
	const newest = Array.from({ length: 50 }, (_, task) => String(620 - task));
	expect(await taskIds(kling)).toEqual(newest);
	expect(queries).toEqual([{ contentType: 'image', pageSize: 50 }]);
});

test.each([
	[1, 1],
	[51, 51],
	[500, 120],
])('a limit of %d', async (limit, count) => {
	expect(await taskIds(accountWith(120).kling, { limit })).toHaveLength(count);
});

test('all', async () => {
	expect(await taskIds(accountWith(120).kling, { returnAll: true })).toHaveLength(120);
});

test('filters are handed on', async () => {
	const { kling, queries } = accountWith(5, 'a@b.c');
	const filters = {
		account: 'a@b.c',
		'filters.contentType': 'all',
		'filters.createdAfter': START_MS - 4_000,
		'filters.createdBefore': START_MS - 1_000,
	};
	expect(await taskIds(kling, filters)).toEqual(['504', '503', '502']);
	expect(queries[0]).toEqual({ email: 'a@b.c', pageSize: 50, createdBefore: START_MS - 1_000 });
});

test('every item has its own list, and its tasks are linked to it', async () => {
	const { kling } = accountWith(5);
	const links = (await list(kling, { limit: 2 }, { limit: 1 })).map(({ pairedItem }) => pairedItem);
	expect(links).toEqual([{ item: 0 }, { item: 0 }, { item: 1 }]);
});

test('a task says on which account it is', async () => {
	const [item] = await list(accountWith(1, 'a@b.c').kling, { account: 'a@b.c' });
	expect(item.json).toMatchObject({ taskId: '501', account: 'a@b.c', status: 'succeed' });
});

test('of images the limit counts each, and tasks without one are left out', async () => {
	const { kling } = accountWith(4);
	kling.jobs[3].end = 'failed';
	const { getTasks } = kling.api;
	kling.api.getTasks = async (query) => {
		const { body } = (await getTasks(query)) as { body: { history: Array<{ works: object[] }> } };
		// Two images each.
		return answered(200, {
			history: body.history.map((task) => ({ ...task, works: [...task.works, ...task.works] })),
		});
	};
	const items = await list(kling, { output: 'images', limit: 3 });
	expect(items.map(({ json }) => json.workId)).toEqual(['5031', '5031', '5021']);
});

test('an answer that may pass is waited for, another is an error of the item', async () => {
	const { kling } = accountWith(1);
	const { getTasks } = kling.api;
	kling.api.getTasks = async (query) =>
		Date.now() < START_MS + 1_000 ? answered(503, {}) : await getTasks(query);
	expect(await taskIds(kling)).toEqual(['501']);
	kling.listFault = answered(401, {});
	await expect(list(kling, {})).rejects.toMatchObject({
		message: 'The API token was refused',
		context: { itemIndex: 0 },
	});
});

test('what may be missing is told beside the output', async () => {
	const { kling } = accountWith(0);
	for (let task = 0; task < 80; task++) kling.add({ madeMs: START_MS });
	const { getTasks } = kling.api;
	// It shows no more than 60 tasks, however many are asked for.
	kling.api.getTasks = async (query) =>
		await getTasks({ ...query, pageSize: Math.min(60, Number(query.pageSize)) });
	const node = nodeWith(kling, [{ returnAll: true }]);
	const hints = jest.spyOn(node, 'addExecutionHints');
	expect(await through(execute(node))).toHaveLength(60);
	expect(hints).toHaveBeenCalledWith(
		expect.objectContaining({ message: expect.stringContaining('at most 60 of') as string }),
	);
});

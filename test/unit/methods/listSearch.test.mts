import type { ILoadOptionsFunctions, INodeListSearchResult } from 'n8n-workflow';

import {
	searchAccounts,
	searchImages,
	searchTasks,
} from '../../../nodes/Kling/methods/listSearch.ts';
import type { ApiResult } from '../../../nodes/Kling/transport/types.ts';
import {
	answered,
	FakeExecution,
	FakeKling,
	lost,
	missing,
	running,
} from '../../support/fakes.mts';

/** The lists that people choose from, and what they read where there is none. */

type Search = typeof searchTasks;

function open(
	search: Search,
	kling: FakeKling,
	{ filter, page, ...fields }: { filter?: string; page?: string; [name: string]: unknown } = {},
): Promise<INodeListSearchResult> {
	const n8n = {
		...new FakeExecution(kling).context(),
		getTimezone: () => 'UTC',
		getCurrentNodeParameter: (name: string, options: object) => {
			expect(options).toEqual({ extractValue: true });
			return fields[name];
		},
	} as unknown as ILoadOptionsFunctions;
	return search.call(n8n, filter, page);
}
const names = ({ results }: INodeListSearchResult) => results.map(({ name }) => name);

describe('accounts', () => {
	function klingWith(answer: ApiResult) {
		const kling = new FakeKling();
		kling.api.getAccounts = async () => answer;
		return kling;
	}
	const two = klingWith(answered(200, { 'a@b.c': {}, 'D@e.f': {}, note: {} }));

	test('are the connected ones, by email', async () => {
		expect(await open(searchAccounts, two)).toEqual({
			results: [
				{ name: 'a@b.c', value: 'a@b.c' },
				{ name: 'D@e.f', value: 'D@e.f' },
			],
		});
	});

	test.each([
		['d@', ['D@e.f']],
		['D@', ['D@e.f']],
		['x', []],
		['', ['a@b.c', 'D@e.f']],
	])('that fit what is typed: %j', async (filter, expected) => {
		expect(names(await open(searchAccounts, two, { filter }))).toEqual(expected);
	});

	test('may be none', async () => {
		expect(names(await open(searchAccounts, klingWith(answered(200, {}))))).toEqual([]);
	});

	test.each<[string, ApiResult, string, RegExp]>([
		[
			'none connected',
			answered(404, { error: 'No accounts' }),
			'No Kling account is connected to useapi.net yet',
			/says: "No accounts"\. Connect your/,
		],
		[
			'none connected, without a word',
			answered(404, {}),
			'No Kling account is connected to useapi.net yet',
			/^(?!.*By Email).*says: "nothing"\./,
		],
		['a refusal', answered(401, {}), 'The API token was refused', /set 'Account' to 'By Email'\.$/],
		[
			'no answer',
			lost,
			'useapi.net gave no usable answer (ECONNRESET)',
			/set 'Account' to 'By Email'/,
		],
		[
			'something else',
			answered(200, { jobs: [] }),
			'The answer of useapi.net is not a list of accounts',
			/'Base URL'.* set 'Account' to 'By Email'/,
		],
	])('%s: people are told what to do', async (_name, answer, message, description) => {
		await expect(open(searchAccounts, klingWith(answer))).rejects.toMatchObject({
			message,
			description: expect.stringMatching(description) as string,
		});
	});
});

const MARCH = Date.UTC(2026, 2, 1, 18, 30, 15);

describe('tasks', () => {
	function klingWith(...history: object[]) {
		const kling = new FakeKling();
		kling.listFault = answered(200, { history });
		return kling;
	}
	const file = { resource: { resource: 'https://cdn.example.com/1.png' } };

	test('that name no ID are left out, and others that do not fit what is typed', async () => {
		const kling = klingWith({ works: [file] }, { task: { id: 15 } }, { task: { id: 25 } });
		expect((await open(searchTasks, kling)).results.map(({ value }) => value)).toEqual([
			'15',
			'25',
		]);
		const typed = await open(searchTasks, kling, { filter: 'task 2' });
		expect(typed.results.map(({ value }) => value)).toEqual(['25']);
	});

	test('of images, on the chosen account, page by page', async () => {
		const kling = new FakeKling();
		for (let task = 0; task < 70; task++)
			kling.add({ madeMs: MARCH + 60_000 * task, account: 'a@b.c' });
		const asked: unknown[] = [];
		const { getTasks } = kling.api;
		kling.api.getTasks = async (query) => (asked.push(query), await getTasks(query));
		const account = ' a@b.c ';
		const first = await open(searchTasks, kling, { account });
		expect(first.results.map(({ value }) => value)).toEqual(
			Array.from({ length: 50 }, (_, task) => String(570 - task)),
		);
		const page = first.paginationToken as string;
		const second = await open(searchTasks, kling, { account, page });
		expect(second.results.map(({ value }) => value)).toEqual(
			Array.from({ length: 20 }, (_, task) => String(520 - task)),
		);
		expect(asked).toEqual([
			{ email: 'a@b.c', contentType: 'image', pageSize: 50 },
			{
				email: 'a@b.c',
				contentType: 'image',
				pageSize: 50,
				createdBefore: MARCH + 60_000 * 20 + 1,
			},
		]);
		const third = await open(searchTasks, kling, {
			account,
			page: second.paginationToken as string,
		});
		expect(third).toEqual({ results: [] });
	});

	test.each<[ApiResult, string, RegExp]>([
		[answered(401, {}), 'The API token was refused', /^Open the.* set 'Task' to 'By ID'\.$/],
		[
			answered(400, { error: 'No email' }),
			'No email',
			/^Check 'Account'.* set 'Task' to 'By ID'\.$/,
		],
	])('that cannot be had', async (answer, message, description) => {
		const kling = new FakeKling();
		kling.listFault = answer;
		await expect(open(searchTasks, kling)).rejects.toMatchObject({
			message,
			description: expect.stringMatching(description) as string,
		});
	});

	test('without an account all that there is is asked for', async () => {
		const kling = new FakeKling();
		const asked: unknown[] = [];
		kling.api.getTasks = async (query) => (asked.push(query), answered(200, { history: null }));
		expect(await open(searchTasks, kling, { account: null })).toEqual({ results: [] });
		expect(asked).toEqual([{ contentType: 'image', pageSize: 50 }]);
	});
});

describe('images', () => {
	const work = (changes: object, file: object = {}) => ({
		resource: { resource: 'https://cdn.example.com/1.png', ...file },
		...changes,
	});
	function klingWith(answer: ApiResult) {
		const kling = new FakeKling();
		const asked: unknown[] = [];
		kling.api.getTask = async (...call) => (asked.push(call), answer);
		return { kling, asked };
	}
	const full = answered(200, {
		status_name: 'succeed',
		works: [
			work({ workId: 11 }, { width: 1024, height: 768 }),
			work({}),
			work({ workId: 13 }, { width: 1024 }),
			work({ workId: 14 }, { height: 768 }),
		],
	});

	test('of the chosen task, with their size as far as it is told', async () => {
		const { kling, asked } = klingWith(full);
		const { results } = await open(searchImages, kling, { taskId: ' 5 ', account: 'a@b.c' });
		const url = 'https://cdn.example.com/1.png';
		expect(results).toEqual([
			{ name: 'Image 1 · 1024 × 768', value: '11', url },
			{ name: 'Image 3', value: '13', url },
			{ name: 'Image 4', value: '14', url },
		]);
		expect(asked).toEqual([['5', 'a@b.c']]);
	});

	test('of the only account there is, and those that fit what is typed', async () => {
		const { kling, asked } = klingWith(full);
		const found = await open(searchImages, kling, { taskId: 5, filter: 'image 3' });
		expect(names(found)).toEqual(['Image 3']);
		expect(asked).toEqual([['5', undefined]]);
	});

	test.each([
		['a@b.c', { email: 'a@b.c', contentType: 'image' }],
		['', { contentType: 'image' }],
	])(
		'are there without the newest tasks of %j too, which tell of larger versions',
		async (account, query) => {
			const { kling, asked } = klingWith(full);
			const lists: unknown[] = [];
			kling.api.getTasks = async (list) => (lists.push(list), lost);
			expect(names(await open(searchImages, kling, { taskId: '505', account }))).toHaveLength(3);
			expect(lists).toEqual([{ ...query, pageSize: expect.any(Number) }]);
			expect(asked).toEqual([['505', account || undefined]]);
		},
	);

	test('of a task that still runs there are none', async () => {
		expect(await open(searchImages, klingWith(running).kling, { taskId: '5' })).toEqual({
			results: [],
		});
	});

	test.each([undefined, '', 'x5', '5x', '{{ $json.taskId }}'])(
		'of no task (%j) there are none, and nothing is asked',
		async (taskId) => {
			const { kling, asked } = klingWith(full);
			await expect(open(searchImages, kling, { taskId })).rejects.toMatchObject({
				message: 'Choose a task first',
				description: expect.stringMatching(/under 'By ID'\.$/) as string,
			});
			expect(asked).toEqual([]);
		},
	);

	test('of a task that is not known', async () => {
		await expect(
			open(searchImages, klingWith(missing).kling, { taskId: '5' }),
		).rejects.toMatchObject({
			message: 'No such task',
			description: expect.stringMatching(/set 'Image' to 'By ID'\.$/) as string,
		});
	});
});

import { TaskPages, type Cursor } from '../../../nodes/Kling/tasks/taskPages.ts';
import type { ApiResult, TaskModel } from '../../../nodes/Kling/transport/types.ts';
import { apiOf, fail, idsOf, list, START_MS, type Kind, type Task } from '../support/taskPages.mts';

/** The list is right whatever kind of API answers it: the vendor's page leaves several open. */

/** `count` tasks, newest last; where `at` says so, several at one moment. */
const tasksAt = (count: number, at: (number: number) => number): Task[] =>
	Array.from({ length: count }, (_, number) => ({ id: 10 * number, ms: START_MS + at(number) }));
const newestFirst = (tasks: Task[]) =>
	[...tasks].sort((a, b) => b.ms - a.ms || b.id - a.id).map(({ id }) => id);

const kinds: Array<[string, Kind]> = [
	['a strict API', {}],
	['an inclusive API', { inclusive: true }],
	['a strict API of short pages', { cap: 20 }],
	['an inclusive API of short pages', { cap: 20, inclusive: true }],
];

describe.each(kinds)('%s', (_name, kind) => {
	test('gives every task once, newest first', async () => {
		const tasks = tasksAt(120, (number) => number * 60_000);
		expect((await list(apiOf(tasks, kind).ask)).ids).toEqual(newestFirst(tasks));
	});

	test('a moment that several tasks share may lie across the border of two pages', async () => {
		const tasks = tasksAt(120, (number) => Math.floor(number / 8) * 1_000);
		const { ids, hints } = await list(apiOf(tasks, kind).ask);
		expect(ids).toEqual(newestFirst(tasks));
		expect(hints).toEqual([]);
	});

	test('tasks that are made meanwhile neither come in nor move the others', async () => {
		const tasks = tasksAt(120, (number) => Math.floor(number / 3) * 1_000);
		const before = newestFirst(tasks);
		const { ask } = apiOf(tasks, kind);
		let made = 0;
		const meanwhile = async (query: object) => {
			const answer = await ask(query);
			made++;
			tasks.push({ id: 100_000 + made, ms: START_MS + 1_000_000 + made });
			return answer;
		};
		expect((await list(meanwhile)).ids).toEqual(before);
		expect(made).toBeGreaterThan(2);
	});

	test('both dates: from the first on, before the second, and asks no further', async () => {
		const tasks = tasksAt(300, (number) => number * 1_000);
		const { ask, requests } = apiOf(tasks, kind);
		const window = { fromMs: START_MS + 250_000, beforeMs: START_MS + 280_000 };
		const expected = newestFirst(tasks.slice(250, 280));
		expect((await list(ask, window)).ids).toEqual(expected);
		// One that reaches past the first date is the last one.
		expect(requests).toHaveLength(kind.cap === 20 ? 2 : 1);
		expect(requests[0].createdBefore).toBe(window.beforeMs);
	});

	const worksLater = (task: Task): Task => ({
		...task,
		taskMs: task.ms,
		workMs: task.ms + ((task.id * 7) % 400),
	});

	test.each<[string, Task[], mostSeen: number]>([
		['moments of seven tasks', tasksAt(170, (number) => Math.floor(number / 7) * 2_000), 7],
		['a task in every millisecond', tasksAt(170, (number) => number), 170],
		['works made after their task', tasksAt(170, (number) => number * 10).map(worksLater), 170],
	])('another list goes on where one stopped: %s', async (_name, tasks, mostSeen) => {
		const { ask, requests } = apiOf(tasks, kind);
		const ids: number[] = [];
		let cursor: Cursor | undefined;
		do {
			const pages = new TaskPages({ ask, fail }, {}, {}, cursor);
			ids.push(...idsOf((await pages.next()) ?? []));
			cursor = pages.cursor && (JSON.parse(JSON.stringify(pages.cursor)) as Cursor);
			// Only those that the next page may give again, or the cursor would grow with every page.
			expect(cursor?.seen.length ?? 0).toBeLessThanOrEqual(mostSeen);
		} while (cursor);
		expect(ids).toEqual(newestFirst(tasks));
		// Hardly more calls than there are pages.
		const pages = Math.ceil(tasks.length / ((kind.cap ?? 50) - 8));
		expect(requests.length).toBeLessThanOrEqual(pages + 1);
	});

	test('tasks of the first date’s very moment may lie across the border of two pages', async () => {
		const tasks = tasksAt(120, (number) => Math.floor(number / 8) * 1_000);
		const { ask } = apiOf(tasks, kind);
		const { ids } = await list(ask, { fromMs: START_MS + 12_000 });
		expect(ids).toEqual(newestFirst(tasks.slice(96)));
	});

	test('a task without a time among the others stops nothing', async () => {
		const tasks = tasksAt(120, (number) => number * 60_000);
		const { ask } = apiOf(tasks, kind);
		const timeless = async (query: object) => {
			const answer = (await ask(query)) as { body: { history: TaskModel[] } };
			const { history } = answer.body;
			const at = history.findIndex(({ works }) => works![0].taskId === 1_000);
			if (at >= 0) history[at] = { works: [{ taskId: 1_000 }] };
			return answer as unknown as ApiResult;
		};
		expect((await list(timeless)).ids).toEqual(newestFirst(tasks));
	});

	test.each<[string, (ms: number, laterMs: number, earlierMs: number) => Partial<Task>]>([
		['the task’s, and shows only the later one of its work', (_ms, workMs) => ({ workMs })],
		['the task’s, and shows both', (taskMs, workMs) => ({ taskMs, workMs })],
		['the work’s, and shows both', (workMs, _later, taskMs) => ({ taskMs, workMs })],
	])('may page by the time that is %s', async (_name, shown) => {
		const tasks = tasksAt(200, (number) => number * 10).map((task, number) => {
			const apartMs = (number * 7) % 40;
			return { ...task, ...shown(task.ms, task.ms + apartMs, task.ms - apartMs) };
		});
		expect((await list(apiOf(tasks, kind).ask)).ids).toEqual(newestFirst(tasks));
	});
});

test('any mixture of moments comes out whole', async () => {
	// Pseudo-random, and the same in every run (the generator of POSIX's rand).
	let state = 1;
	const random = (below: number) => {
		state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
		return Math.floor((state / 2 ** 31) * below);
	};
	for (let round = 0; round < 200; round++) {
		let atMs = 0;
		const tasks = tasksAt(random(400), () => (atMs += random(3) === 0 ? random(50) : 0));
		const kind = { inclusive: random(2) === 0, cap: 60 + random(200) };
		expect((await list(apiOf(tasks, kind).ask)).ids).toEqual(newestFirst(tasks));
	}
});

describe('more tasks of one moment than a page holds', () => {
	const crowd = (size: number) => [
		...tasksAt(30, (number) => number),
		...tasksAt(size, () => 1_000).map(({ id, ms }) => ({ id: 1_000 + id, ms })),
		...tasksAt(30, (number) => 2_000 + number).map(({ id, ms }) => ({ id: 100_000 + id, ms })),
	];

	test.each([[{}], [{ inclusive: true }]])('are asked for in a larger page: %p', async (kind) => {
		const tasks = crowd(130);
		const { ids, hints } = await list(apiOf(tasks, kind).ask);
		expect(ids).toEqual(newestFirst(tasks));
		expect(hints).toEqual([]);
	});

	test('nobody has to listen to what is said of them', async () => {
		const { ask } = apiOf(crowd(130), { cap: 20 });
		const pages = new TaskPages({ ask, fail }, {});
		let count = 0;
		for (let page = await pages.next(); page; page = await pages.next()) count += page.length;
		expect(count).toBe(30 + 20 + 30);
	});

	test.each<[string, Kind]>([
		['cuts every page off', { cap: 20 }],
		['cuts every page off, and is inclusive', { cap: 20, inclusive: true }],
		['cuts every page off after ten tasks', { cap: 10 }],
		['refuses larger pages', { largest: 50 }],
		['refuses larger pages, and is inclusive', { largest: 50, inclusive: true }],
	])('are said to be missing where the API %s, and the list goes on', async (_name, kind) => {
		const tasks = crowd(130);
		const size = kind.cap ?? 50;
		const { ask, requests } = apiOf(tasks, kind);
		const { ids, hints } = await list(ask);
		// Larger pages are asked for only where the page was as large as asked for.
		expect(requests.some(({ pageSize }) => pageSize > 50)).toBe(kind.cap === undefined);
		expect(hints[0]).toBe(
			`useapi.net shows at most ${size} of the tasks that were made at the same moment (2026-03-01T10:00:01.000Z). Others, if there are any, are missing here.`,
		);
		expect(new Set(hints).size).toBe(1);
		const [older, newer] = [tasks.slice(0, 30), tasks.slice(-30)].map(newestFirst);
		expect(ids.slice(0, 30)).toEqual(newer);
		expect(ids.slice(-30)).toEqual(older);
		expect(ids.length).toBe(30 + size + 30);
	});
});

test('a list that goes on where nothing is left sees it with one call', async () => {
	const { ask, requests } = apiOf(tasksAt(3, (number) => number));
	const first = new TaskPages({ ask, fail }, {});
	await first.next();
	requests.length = 0;
	const second = new TaskPages({ ask, fail }, {}, {}, first.cursor);
	expect(await second.next()).toBeUndefined();
	expect(requests).toHaveLength(1);
});

describe('an API that does not heed createdBefore', () => {
	test('is found out after a few requests: its newest tasks are all there are to be had', async () => {
		const tasks = tasksAt(2_000, (number) => number * 1_000);
		const { ask, requests } = apiOf(tasks, { deaf: true });
		const warn = jest.fn();
		const pages = new TaskPages({ ask, fail, warn }, {});
		const read = async () => {
			while (await pages.next());
		};
		await expect(read()).rejects.toMatchObject({
			message: 'useapi.net does not list more than the newest 200 tasks',
			description:
				"When asked for older ones it gave the same ones again. To continue with these, set 'Limit' to 200 or less, or 'Created After' to a later date.",
		});
		expect(requests.length).toBeLessThan(12);
		expect(warn).not.toHaveBeenCalled();
	});

	test('also while tasks are being made', async () => {
		const tasks = tasksAt(2_000, (number) => number * 1_000);
		const { ask, requests } = apiOf(tasks, { deaf: true, cap: 20 });
		const meanwhile = async (query: object) => {
			tasks.push({ id: 100_000 + requests.length, ms: START_MS + 1e9 + requests.length });
			return await ask(query);
		};
		await expect(list(meanwhile)).rejects.toThrow('useapi.net does not list more');
		expect(requests.length).toBeLessThan(12);
	});

	test('does no harm to a short list', async () => {
		const tasks = tasksAt(3, (number) => number);
		const { ask, requests } = apiOf(tasks, { deaf: true });
		expect((await list(ask)).ids).toEqual(newestFirst(tasks));
		expect(requests).toHaveLength(2);
	});

	test('nor to a list that is wanted only as far as the first page goes', async () => {
		const { ask } = apiOf(
			tasksAt(2_000, (number) => number * 1_000),
			{ deaf: true },
		);
		const pages = new TaskPages({ ask, fail }, {});
		expect(await pages.next()).toHaveLength(50);
	});
});

import { createdMs, parseTask } from '../../../nodes/Kling/tasks/task.ts';
import { TaskPages } from '../../../nodes/Kling/tasks/taskPages.ts';
import type { TaskModel } from '../../../nodes/Kling/transport/types.ts';
import { answered } from '../../support/fakes.mts';
import { entry, fail, list, START_MS } from '../support/taskPages.mts';

/** The list makes the best of every answer. */

describe('answers with gaps', () => {
	const once = (history: unknown) => async () => answered(200, { history });

	test.each([[[]], [null]])('an empty list is no problem: %p', async (history) => {
		expect((await list(once(history))).ids).toEqual([]);
	});

	test.each([[undefined], ['none'], [{}]])('what is no list is an error: %p', async (history) => {
		await expect(list(once(history))).rejects.toMatchObject({
			message: 'The answer of useapi.net is not a list of tasks',
			description:
				"Try again in a moment. If this happens again, check the 'Base URL' of the credential.",
		});
	});

	test('entries that name no task are left out, those without a time are not', async () => {
		const noTime = { works: [{ taskId: 5 }] };
		const noId = { works: [{ createTime: START_MS }] };
		const page = [noTime, noId, { works: [] }, {}, null, entry({ id: 7, ms: START_MS })];
		expect((await list(once(page), { fromMs: START_MS })).ids).toEqual([5, 7]);
	});

	test.each([20, 50])(
		'%d tasks without a time are given; then there is no way on',
		async (length) => {
			const page = Array.from({ length }, (_, number) => ({ works: [{ taskId: number + 1 }] }));
			const pages = new TaskPages({ ask: once(page), fail }, {});
			expect(await pages.next()).toHaveLength(length);
			// Nor for a list that goes on later.
			expect(pages.cursor).toBeUndefined();
			await expect(pages.next()).rejects.toThrow(
				`does not list more than the newest ${length} tasks`,
			);
		},
	);
});

test.each<[string, TaskModel, number]>([
	['the latest of its times', { task: { createTime: 5 }, works: [{ createTime: 7 }, {}] }, 7],
	[
		'that of the task, if it is the latest',
		{ task: { createTime: 9 }, works: [{ createTime: 7 }] },
		9,
	],
	['a time written as text', { task: { createTime: '5' } }, 5],
	['the last moment that there is a date for', { task: { createTime: 8.64e15 } }, 8.64e15],
	['none past it', { task: { createTime: 8.64e15 + 2 } }, NaN],
	['none at zero', { task: { createTime: 0 } }, NaN],
	['none before', { task: { createTime: -5 } }, NaN],
	['none in words', { task: { createTime: 'today' } }, NaN],
	['none', {}, NaN],
])('when a task was made: %s', (_name, model, ms) => expect(createdMs(parseTask(model))).toBe(ms));

describe('a problem is told in the vendor’s words, with a next step that fits a list', () => {
	test.each([
		[400, { error: 'email is required' }, 'email is required', "'Account' must be filled in"],
		[401, { error: 'Unauthorized' }, 'The API token was refused', 'credential'],
		[404, { error: 'Account x not found' }, 'Account x not found', "Check 'Account'"],
		[429, { error: 'Slow down' }, 'Slow down', 'spent no credits'],
		[429, undefined, 'useapi.net received too many requests', 'spent no credits'],
		[500, { error: 'Oops', message: 'Busy' }, 'Oops', 'spent no credits'],
		[503, undefined, 'useapi.net answered with the unexpected HTTP status 503', 'Try again later'],
	])('%d %p', async (status, body, message, description) => {
		const troubles: Array<{ message: string; description: string }> = [];
		const pages = new TaskPages(
			{
				ask: async () => answered(status, body),
				fail: (problem) => {
					troubles.push(problem);
					return new Error();
				},
			},
			{},
		);
		await expect(pages.next()).rejects.toThrow();
		expect(troubles).toEqual([
			expect.objectContaining({ message, description: expect.stringContaining(description) }),
		]);
		expect(troubles[0].description).not.toMatch(/moderation|Max Jobs|Image and/);
	});
});

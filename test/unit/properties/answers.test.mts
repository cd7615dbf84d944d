import fc from 'fast-check';
import type { IWebhookFunctions } from 'n8n-workflow';

import { readCallback } from '../../../nodes/Kling/tasks/callback.ts';
import { outputOf } from '../../../nodes/Kling/job/output/formats.ts';
import { createdMs, isTask, parseTask } from '../../../nodes/Kling/tasks/task.ts';
import { TaskPages } from '../../../nodes/Kling/tasks/taskPages.ts';
import { connect } from '../../../nodes/Kling/transport/client.ts';
import { answerProblem } from '../../../nodes/Kling/runtime/problems.ts';
import { type TaskModel } from '../../../nodes/Kling/transport/types.ts';
import { calledWith, n8nWith } from '../../support/fakes.mts';
import { anyModel, anyText, anyValue, isText, RUNS } from '../support/arbitraries.mts';

/**
 * What holds for every input, tried with hundreds of made-up ones each time. When one breaks it, fast-check prints the
 * smallest that does, and the seed that brings it back.
 */

/** What the client lets pass as an answer of the API: see "is an answer, or lost" below. */
const answeredModel = anyModel.filter((model) => typeof model === 'object' && model !== null);

describe('a task model with every field missing or of a wrong type', () => {
	test('reads as a task with a status, or as none', () =>
		fc.assert(
			fc.property(answeredModel, (model) => {
				const task = parseTask(model as TaskModel);
				expect(isText(task.status)).toBe(true);
				expect([typeof task.finished, typeof task.failed]).toEqual(['boolean', 'boolean']);
				if (task.failed) expect(task.finished).toBe(true);
				for (const text of [task.taskId, task.type, task.message, task.createdAt, task.updatedAt]) {
					expect(text === undefined || isText(text)).toBe(true);
				}
				for (const { workId, url, width, height, coverUrl } of task.images) {
					expect(isText(url)).toBe(true);
					expect([workId, coverUrl].every((text) => text === undefined || isText(text))).toBe(true);
					expect([width, height].every((size) => size === undefined || size > 0)).toBe(true);
				}
				if (task.images.length > 0) expect(isTask(task)).toBe(true);
				const ms = createdMs(task);
				expect(Number.isNaN(ms) || ms > 0).toBe(true);
			}),
			RUNS,
		));

	test.each(['simplified', 'raw', 'images'] as const)(
		'comes out as %s without a field that n8n takes for a failure',
		(output) =>
			fc.assert(
				fc.property(answeredModel, (model) => {
					const known = { taskId: '1', account: 'me@example.com' };
					const items = outputOf(parseTask(model as TaskModel), known, output);
					if (output !== 'images') expect(items).toHaveLength(1);
					for (const item of items) {
						expect(Object.keys(item)).not.toContain('error');
						if (output === 'raw') continue;
						expect(isText(item.taskId)).toBe(true);
						expect(Object.values(item)).not.toContain(undefined);
						expect(Object.values(item)).not.toContain('');
					}
				}),
				RUNS,
			),
	);
});

describe('a list of tasks, whatever is in it', () => {
	const entry = fc.oneof(
		anyModel,
		fc.record({
			task: fc.record({ id: fc.integer({ min: 1, max: 30 }), createTime: fc.integer({ max: 9 }) }),
		}),
	);

	test('comes to an end, and holds no task twice', () =>
		fc.assert(
			fc.asyncProperty(fc.array(fc.array(entry), { minLength: 1, maxLength: 6 }), async (pages) => {
				let asked = 0;
				const seen: string[] = [];
				const listed = new TaskPages(
					{
						// Round and round: an API that does not heed where the list should go on.
						ask: async () => ({
							outcome: 'answered',
							status: 200,
							body: { history: pages[asked++ % pages.length] },
						}),
						fail: ({ message }) => new Error(message),
						warn: () => {},
					},
					{},
				);
				try {
					for (let tasks = await listed.next(); tasks; tasks = await listed.next()) {
						seen.push(...tasks.map((task) => task.taskId!));
					}
				} catch (error) {
					expect((error as Error).message).toMatch(/does not list more than|not a list of tasks/);
				}
				expect(new Set(seen).size).toBe(seen.length);
				expect(seen).not.toContain(undefined);
				const entries = pages.reduce((sum, page) => sum + page.length, 0);
				expect(asked).toBeLessThanOrEqual(4 * (entries + 1));
			}),
			RUNS,
		));
});

describe('an error answer, whatever its status and body', () => {
	test('is told in sentences of bounded length', () =>
		fc.assert(
			fc.property(fc.integer({ min: 300, max: 999 }), anyValue, (status, body) => {
				const { message, description, httpCode } = answerProblem(status, body);
				expect(isText(message) && message.length <= 2_000).toBe(true);
				expect(isText(description) && description.length <= 2_500).toBe(true);
				expect(httpCode).toBe(String(status));
			}),
			RUNS,
		));

	test('is an answer, or lost, but never a crash; and no pause that it asks for is nonsense', () =>
		fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 200, max: 599 }),
				anyText,
				fc.oneof(anyText, fc.integer().map(String), fc.constant(undefined)),
				async (statusCode, text, retryAfter) => {
					const headers = { 'retry-after': retryAfter };
					const api = await connect(n8nWith({ serve: () => ({ statusCode, headers, text }) }));
					const result = await api.getTask('1');
					if (result.outcome !== 'answered') {
						expect(result).toEqual({ outcome: 'lost', reason: expect.any(String) });
						return;
					}
					if (statusCode < 300) expect(result.body).toBeInstanceOf(Object);
					const { retryAfterMs = 0 } = result;
					expect(Number.isFinite(retryAfterMs) && retryAfterMs >= 0).toBe(true);
				},
			),
			RUNS,
		));
});

describe('a callback, whatever is in it', () => {
	const check = (context: IWebhookFunctions) => {
		const { taskId, replyRef, isFinal, isProgress } = readCallback(context);
		expect([taskId, replyRef].every((text) => text === undefined || isText(text))).toBe(true);
		expect(isFinal && isProgress).toBe(false);
	};

	test('says something, or nothing', () =>
		fc.assert(
			fc.property(
				fc.oneof(
					anyModel.map((model) => JSON.stringify(model)),
					anyText,
				),
				(text) => check(calledWith({ rawBody: Buffer.from(text ?? '') }, {})),
			),
			RUNS,
		));

	test('the same where n8n has read it already', () =>
		fc.assert(
			fc.property(fc.oneof(anyModel, anyValue), (body) => check(calledWith({}, body))),
			RUNS,
		));
});

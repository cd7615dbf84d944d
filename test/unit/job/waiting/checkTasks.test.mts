import { checkTasks } from '../../../../nodes/Kling/job/waiting/checkTasks';
import type { PendingTask } from '../../../../nodes/Kling/job/waiting/suspend';
import { parseTask } from '../../../../nodes/Kling/tasks/task';
import type { ApiResult, TaskModel } from '../../../../nodes/Kling/transport/types';
import {
	answered,
	contextOf,
	done,
	empty,
	missing,
	running,
	through,
} from '../../../support/fakes.mts';

/** The rules for checking a suspended execution's tasks, with an API that says what the test wants; the engine tests ask the sandbox. */

const success = parseTask((done as { body: TaskModel }).body);

/** Answers in turn; the last one stays. */
function contextWith(tasks: Record<string, ApiResult[]>, listed?: ApiResult) {
	const asked: string[] = [];
	const api = {
		getRunningJobs: async () => listed ?? answered(503, undefined),
		async getTask(taskId: string) {
			asked.push(taskId);
			const answers = tasks[taskId];
			return answers.length > 1 ? answers.shift()! : answers[0];
		},
	};
	return { context: contextOf(api), asked };
}

const task = (taskId: string, ageMs = 60_000): PendingTask => ({
	itemIndex: 0,
	taskId,
	settings: { output: 'simplified' },
	sentAtMs: Date.now() - ageMs,
});

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('a task the API no longer knows has ended; one that was only just sent may not be known yet', async () => {
	const gone = answered(404, { error: 'Task 1 not found' });
	const old = await through(checkTasks(contextWith({ 1: [gone] }).context, [task('1')]));
	expect(old).toEqual({
		ended: new Map([
			['1', { problem: expect.objectContaining({ message: 'Task 1 not found' }) as object }],
		]),
	});
	const fresh = await through(checkTasks(contextWith({ 1: [gone] }).context, [task('1', 2_000)]));
	expect(fresh).toEqual({ running: '1' });
});

test.each([
	['429', answered(429, undefined)],
	['502', answered(502, undefined)],
	['a lost connection', { outcome: 'lost', reason: 'ECONNRESET' } as ApiResult],
	['no connection', { outcome: 'unsent', reason: 'ECONNREFUSED' } as ApiResult],
])('%s is tried again a few times, and is an error after that', async (_name, problem) => {
	const passing = contextWith({ 1: [problem, problem, done] });
	expect(await through(checkTasks(passing.context, [task('1')]))).toHaveProperty('ended');
	expect(passing.asked.length).toBeGreaterThan(2);
	const lasting = contextWith({ 1: [problem] });
	await expect(through(checkTasks(lasting.context, [task('1')]))).rejects.toThrow();
	expect(lasting.asked).toHaveLength(4);
});

test.each([
	['400', answered(400, undefined)],
	['401', answered(401, undefined)],
	['402', answered(402, undefined)],
	['403', answered(403, undefined)],
	['an answer that is no task', answered(200, { hello: 'world' })],
])('%s is not tried again', async (_name, problem) => {
	const { context, asked } = contextWith({ 1: [problem] });
	await expect(through(checkTasks(context, [task('1')]))).rejects.toThrow();
	expect(asked).toHaveLength(1);
});

test('a task that the list names is read first, and ends the look when it runs', async () => {
	const list = answered(200, [{ id: 3 }, { id: 99 }]);
	const { context, asked } = contextWith({ 1: [done], 2: [done], 3: [running] }, list);
	const look = await through(checkTasks(context, [task('1'), task('2'), task('3')]));
	expect(look).toEqual({ running: '3' });
	expect(asked).toEqual(['3']);
});

test('the task that ran last time is read first, and when it still runs nothing else is asked', async () => {
	const { context, asked } = contextWith({ 1: [done], 2: [running], 3: [running] });
	const list = jest.spyOn(context.api, 'getRunningJobs');
	const tasks = [task('1'), task('2'), task('3')];
	expect(await through(checkTasks(context, tasks, '2'))).toEqual({ running: '2' });
	expect(asked).toEqual(['2']);
	expect(list).not.toHaveBeenCalled();
	// When it has ended the look goes on, and reads it only once.
	expect(await through(checkTasks(context, tasks, '1'))).toEqual({ running: '3' });
	expect(asked).toEqual(['2', '1', '3']);
});

test('of those on the list the one sent last is read first', async () => {
	const list = answered(200, [{ id: 1 }, { id: 2 }, { id: 3 }]);
	const { context, asked } = contextWith({ 1: [running], 2: [running], 3: [running] }, list);
	await through(checkTasks(context, [task('1'), task('2'), task('3')]));
	expect(asked).toEqual(['3']);
});

test('a list that names finished tasks is not trusted', async () => {
	const list = answered(200, [{ id: '1' }, { id: '2' }]);
	const { context, asked } = contextWith({ 1: [done], 2: [done] }, list);
	const look = await through(checkTasks(context, [task('1'), task('2')]));
	expect(look).toEqual({ ended: new Map(['1', '2'].map((id) => [id, { task: success }])) });
	expect(asked).toEqual(['2', '1']);
});

test('without a list the task that was sent last is read first', async () => {
	const { context, asked } = contextWith({ 1: [done], 2: [done], 3: [running] });
	await through(checkTasks(context, [task('1'), task('2'), task('3')]));
	expect(asked).toEqual(['3']);
});

test('of a list that does not name it, entries without an ID among them, a task is found running all the same', async () => {
	const list = answered(200, [{}, null, 7, { id: {} }]);
	const { context, asked } = contextWith({ 1: [done], 2: [running], 3: [done] }, list);
	const look = await through(checkTasks(context, [task('1'), task('2'), task('3')]));
	expect(look).toEqual({ running: '2' });
	expect(asked.toSorted()).toEqual(['1', '2', '3']);
});

test('one task needs no list', async () => {
	const { context, asked } = contextWith({ 1: [running] });
	const list = jest.spyOn(context.api, 'getRunningJobs');
	expect(await through(checkTasks(context, [task('1')]))).toEqual({ running: '1' });
	expect(list).not.toHaveBeenCalled();
	expect(asked).toEqual(['1']);
});

test('a 404 counts when it comes three times, a success without a file when it stays for ten seconds', async () => {
	const gone = contextWith({ 1: [missing] });
	await through(checkTasks(gone.context, [task('1')]));
	expect(gone.asked).toHaveLength(3);
	const back = contextWith({ 1: [missing, missing, running] });
	expect(await through(checkTasks(back.context, [task('1')]))).toEqual({ running: '1' });

	const stays = contextWith({ 1: [empty] });
	const nothing = parseTask((empty as { body: TaskModel }).body);
	expect(await through(checkTasks(stays.context, [task('1')]))).toEqual({
		ended: new Map([['1', { task: nothing }]]),
	});
	expect(stays.asked).toHaveLength(6);
	const fills = contextWith({ 1: [empty, empty, done] });
	expect(await through(checkTasks(fills.context, [task('1')]))).toEqual({
		ended: new Map([['1', { task: success }]]),
	});
});

test('several items that wait for the same task need one look', async () => {
	const { context, asked } = contextWith({ 1: [done] }, answered(200, []));
	await through(checkTasks(context, [task('1'), task('1'), task('1')]));
	expect(asked).toEqual(['1']);
});

import type { IExecuteFunctions } from 'n8n-workflow';

import { oneAtATime, recall, remember, type Sent } from '../../nodes/Kling/job/memory.ts';

const request = { task_id: '1', workId: '2' };
const trouble = { message: 'No', description: 'Why' };
const refused = { ...trouble, httpCode: '400' };
const failedInside = { ...trouble, httpCode: '500' };

/** What n8n keeps between two tries, and between a failed execution and its retry by hand. */
function tries() {
	const kept = {};
	return (executionId: string, runIndex = 0, type = 'kling') =>
		({
			getContext: () => kept,
			getExecutionId: () => executionId,
			getNode: () => ({ type }),
			getWorkflowDataProxy: () => ({ $runIndex: runIndex }),
		}) as unknown as IExecuteFunctions;
}

test.each<[string, Sent, boolean]>([
	['a task that may still bring a result', { taskId: '10' }, true],
	['a task that failed', { taskId: '10', failed: true }, false],
	['a refusal', { trouble: refused }, false],
	['an unknown outcome', { trouble }, true],
	['a 500, which may have been carried out', { trouble: failedInside }, true],
])('%s is kept for the next try; by a person’s retry: %#', (_name, sent, keptForRetry) => {
	const execution = tries();
	remember.call(execution('1'), 0, request, sent);
	expect(recall.call(execution('1'), 0, request)).toEqual(sent);
	expect(recall.call(execution('2'), 0, request)).toEqual(keptForRetry ? sent : undefined);
});

test('another item, another run, another request are other jobs', () => {
	const execution = tries();
	remember.call(execution('1'), 0, request, { taskId: '10' });
	expect(recall.call(execution('1'), 1, request)).toBeUndefined();
	expect(recall.call(execution('1', 1), 0, request)).toBeUndefined();
	expect(recall.call(execution('1'), 0, { ...request, workId: '3' })).toBeUndefined();
});

test('a reference that differs in every try makes it no other job', () => {
	const execution = tries();
	remember.call(execution('1'), 0, { ...request, replyRef: '10:00:01' }, { taskId: '10' });
	const again = { ...request, replyRef: '10:00:02', maxJobs: 3 };
	expect(recall.call(execution('1'), 0, again)).toEqual({ taskId: '10' });
});

test('for an agent the same request is the same job, in whichever run', () => {
	const execution = tries();
	remember.call(execution('1', 0, 'klingTool'), 0, request, { taskId: '10' });
	expect(recall.call(execution('1', 5, 'klingTool'), 0, request)).toEqual({ taskId: '10' });
});

test('the same job is sent when the one before is through, however it ended; another job need not wait', async () => {
	const context = tries()('1');
	const log: string[] = [];
	const ends: Array<() => void> = [];
	const send = (name: string) => async () => {
		log.push(name);
		await new Promise<void>((resolve) => ends.push(resolve));
		if (name === 'first') throw new Error('lost');
		return name;
	};
	const started = async () => await new Promise((resolve) => setImmediate(resolve));
	const first = oneAtATime(context, 0, request, send('first'));
	const second = oneAtATime(context, 0, request, send('second'));
	const other = oneAtATime(context, 1, request, send('other'));
	const third = oneAtATime(context, 0, request, send('third'));
	await started();
	expect(log).toEqual(['first', 'other']);
	ends[0]();
	await expect(first).rejects.toThrow('lost');
	await started();
	expect(log).toEqual(['first', 'other', 'second']);
	ends[2]();
	expect(await second).toBe('second');
	await started();
	expect(log).toEqual(['first', 'other', 'second', 'third']);
	ends[1]();
	ends[3]();
	expect([await other, await third]).toEqual(['other', 'third']);
});

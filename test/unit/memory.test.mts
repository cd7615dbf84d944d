import type { IExecuteFunctions } from 'n8n-workflow';

import { recall, remember, type Sent } from '../../nodes/Kling/job/memory.ts';

const request = { task_id: '1', workId: '2' };
const trouble = { message: 'No', description: 'Why' };

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
	['a refusal, or an unknown outcome', { trouble }, false],
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

test('for an agent the same request is the same job, in whichever run', () => {
	const execution = tries();
	remember.call(execution('1', 0, 'klingTool'), 0, request, { taskId: '10' });
	expect(recall.call(execution('1', 5, 'klingTool'), 0, request)).toEqual({ taskId: '10' });
});

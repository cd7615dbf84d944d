import type { IDataObject, IExecuteFunctions, INode } from 'n8n-workflow';

import type { Batch } from '../../nodes/Kling/job/batch.ts';
import { Halt } from '../../nodes/Kling/job/halt.ts';
import { SlotGate } from '../../nodes/Kling/job/slots.ts';
import { submitUpscale } from '../../nodes/Kling/job/submit.ts';
import type { KlingError } from '../../nodes/Kling/transport/errors.ts';
import type { ApiResult } from '../../nodes/Kling/transport/types.ts';

/** What a second try of the node (Retry On Fail) makes of the first one's answer, without n8n. */

const node = { name: 'Kling', type: 'kling' } as INode;
const request = { task_id: '1', workId: '2' };
const accepted: ApiResult = { outcome: 'answered', status: 200, body: { task: { id: 7 } } };
const messageOf = (error: unknown) => (error as Error).message;
const httpCodeOf = (error: unknown) => (error as KlingError).trouble?.httpCode;

/** One execution in which the API answers one after the other; each call of `tries` is another try of the node. */
function execution(...answers: ApiResult[]) {
	const kept: IDataObject = {};
	const context = {
		getNode: () => node,
		getContext: () => kept,
		getExecutionId: () => '1',
		getWorkflowDataProxy: () => ({ $runIndex: 0 }),
	} as unknown as IExecuteFunctions;
	let posts = 0;
	const tries = async (told: (error: unknown) => unknown = messageOf) => {
		const halt = new Halt(node);
		const gate = new SlotGate(halt);
		const batch = {
			api: { upscale: async () => answers[posts++] },
			halt,
			gate: () => gate,
			accepted: new Map(),
		} as unknown as Batch;
		return await submitUpscale.call(context, batch, request, 0, 1_000).catch(told);
	};
	return { tries, posts: () => posts };
}

test('a request that never left is sent by the next try', async () => {
	const { tries, posts } = execution({ outcome: 'unsent', reason: 'ECONNREFUSED' }, accepted);
	expect(await tries()).toBe('Could not connect to useapi.net (ECONNREFUSED)');
	expect(await tries()).toMatchObject({ taskId: '7' });
	expect(posts()).toBe(2);
});

test.each<[string, ApiResult, string]>([
	['lost', { outcome: 'lost', reason: 'ECONNRESET' }, 'unknown whether the upscale job was'],
	['a gateway’s 503', { outcome: 'answered', status: 503, body: undefined }, '(HTTP 503)'],
	['without a task', { outcome: 'answered', status: 200, body: {} }, 'the answer names no task'],
	['refused', { outcome: 'answered', status: 400, body: { error: 'No' } }, 'No'],
])('an answer that is %s is told again, and nothing is sent', async (_name, answer, words) => {
	const { tries, posts } = execution(answer, accepted);
	expect(await tries()).toContain(words);
	expect(await tries()).toContain(words);
	expect(posts()).toBe(1);
});

test('an accepted job is picked up', async () => {
	const { tries, posts } = execution(accepted, accepted);
	await tries();
	expect(await tries()).toEqual({ taskId: '7' });
	expect(posts()).toBe(1);
});

test.each<[string, ApiResult, string | undefined]>([
	['a gateway’s', { outcome: 'answered', status: 502, body: undefined }, '502'],
	['useapi.net’s own', { outcome: 'answered', status: 500, body: undefined }, '500'],
	['none, where no answer came', { outcome: 'lost', reason: 'ECONNRESET' }, undefined],
	['none, where the answer was lost', { outcome: 'answered', status: 200, body: {} }, undefined],
])('the HTTP status is told: %s', async (_name, answer, httpCode) => {
	expect(await execution(answer).tries(httpCodeOf)).toBe(httpCode);
});

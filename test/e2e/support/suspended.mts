import { setTimeout as pause } from 'node:timers/promises';

import type { Sandbox } from '../../../sandbox/server.mts';
import type { Execution, Workflow } from '../../../tools/n8n/restClient.mts';
import type { RealN8n } from './real-n8n.mts';

/** Suspended executions in the real n8n, and who calls them. */

export const byId = (value: string) => ({ __rl: true, mode: 'id', value });
export const good = { taskId: '123456789', workId: '987654321' };
export const failing = { taskId: '700000005', workId: '700000006' };
export const unfinished = { taskId: '700000001', workId: '700000002' };
/** One image is paid for once, so as many jobs need as many images. */
export const goods = Array.from({ length: 25 }, (_, number) => ({
	taskId: String(710000000 + 2 * number),
	workId: String(710000001 + 2 * number),
}));
export const seeds = [
	good,
	...goods,
	{ taskId: '700000005', upscale: 'fails' as const },
	{ taskId: '700000001', status: 'processing' as const },
];
export const pausing = (changes: object = {}) => ({
	resource: 'image',
	operation: 'upscale',
	taskId: byId('={{ $json.taskId }}'),
	workId: byId('={{ $json.workId }}'),
	wait: 'callback',
	options: {},
	...changes,
});

/** Starts a workflow and waits until its execution is suspended. */
export async function runUntilSuspended(real: RealN8n, workflow: Workflow): Promise<string> {
	const { id } = await real.api.importWorkflow(workflow);
	const executionId = await real.api.runWorkflow(id, 'Start');
	await statusBecomes(real, executionId, 'waiting');
	return executionId;
}

export async function statusBecomes(
	real: RealN8n,
	executionId: string,
	wanted: string,
): Promise<Execution> {
	const deadline = Date.now() + 60_000;
	for (;;) {
		const execution = await real.api.getExecution(executionId);
		if (execution.status === wanted) return execution;
		if (Date.now() > deadline) throw new Error(`It stayed ${execution.status}, not ${wanted}`);
		await pause(50);
	}
}

/** What useapi.net would send about a task now, sent to its reply URL. */
export async function callBack(
	{ sandbox, url }: { sandbox: Sandbox; url: string },
	taskId: unknown,
) {
	const model = await fetch(`${sandbox.url}/v1/kling/tasks/${String(taskId)}`, {
		headers: { authorization: `Bearer ${sandbox.token}` },
	});
	return await send(url, await model.text());
}

export const send = async (url: string, body: string, method = 'POST') =>
	await fetch(url, {
		method,
		headers: { 'content-type': 'application/json' },
		...(method !== 'GET' && { body }),
	});

export const resumeUrlOf = (sandbox: Sandbox) =>
	(sandbox.requests.find(({ method }) => method === 'POST')!.body as { replyUrl: string }).replyUrl;

export async function allFinished(sandbox: Sandbox) {
	const isOver = ({ taskId, status }: { taskId: string; status: string }) =>
		taskId === unfinished.taskId || ['succeed', 'failed'].includes(status);
	while (!(await sandbox.tasks()).every(isOver)) await pause(20);
}

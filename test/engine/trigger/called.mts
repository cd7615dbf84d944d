import type { IDataObject } from 'n8n-workflow';

import type { SandboxOptions, SandboxSeed } from '../../../sandbox/options.mts';
import { bench, TASK_ID } from '../support/kling.mts';
import { openTrigger } from '../support/trigger.mts';

/** A Kling Trigger and true and false calls of it. */

export const DAY_MS = 24 * 3_600_000;
export const ALL_EVENTS = ['succeed', 'failed', 'progress'];
export const RUNNING = '700000001';
export const FAILED = '700000002';
export const VIDEO = '700000003';
export const OLD = '700000004';
export const YESTERDAY = '700000005';
export const REASON = 'The image violates the community guidelines';
export const seeds: SandboxSeed[] = [
	{ taskId: RUNNING, status: 'processing' },
	{ taskId: FAILED, status: 'failed', error: REASON, message: 'Service busy' },
	{ taskId: VIDEO, contentType: 'video' },
	{ taskId: OLD, createTime: Date.now() - 1.1 * DAY_MS },
	{ taskId: YESTERDAY, createTime: Date.now() - 0.9 * DAY_MS },
];
export const WHAT_CAME_OF_IT: Record<string, string> = {
	[TASK_ID]: 'succeed',
	[FAILED]: 'failed',
	[RUNNING]: 'processing',
};

/** A sandbox, and a trigger that listens for everything unless told otherwise. */
export async function open(parameters: IDataObject = {}, options: SandboxOptions = {}) {
	const stand = await bench({ ...options, seeds: [...seeds, ...(options.seeds ?? [])] });
	const trigger = openTrigger({ events: ALL_EVENTS, ...parameters }, stand.credentials);
	return { ...stand, trigger };
}

/** A callback about a task; what it says need not be true. */
export const says = (taskId: unknown, status?: string, more: object = {}) => ({
	task: { id: taskId },
	...(status && {
		status_name: status,
		status_final: status === 'succeed' || status === 'failed',
	}),
	...more,
});

/** A file of a task that succeeded: without any it may still be to come. */
export const withFile = {
	works: [{ workId: 1, contentType: 'image', resource: { resource: 'http://127.0.0.1:9/a.png' } }],
};

/** A callback as useapi.net sends it: "as GET returns it" (kling-api.md, "Callbacks"). */
export async function reported(
	{ sandbox }: Awaited<ReturnType<typeof bench>>,
	taskId: string,
	email?: string,
): Promise<string> {
	const answer = await fetch(
		`${sandbox.url}/v1/kling/tasks/${taskId}${email ? `?email=${email}` : ''}`,
		{ headers: { authorization: `Bearer ${sandbox.token}` } },
	);
	sandbox.requests.length = 0;
	return await answer.text();
}

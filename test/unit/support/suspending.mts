import type { INodeExecutionData } from 'n8n-workflow';

import { runJobs } from '../../../nodes/Kling/job/runJobs.ts';
import type { JobParameters } from '../../../nodes/Kling/job/submission/attempt.ts';
import type { Pending } from '../../../nodes/Kling/job/waiting/suspend.ts';
import type { ExecutionSettings, FakeExecution } from '../../support/fakes.mts';
import { callOf } from './submitting.mts';

/** Calls of the node with Wait for Result set to Pause Until Called Back. */

export const LIMIT_MS = 600_000;
export const RESUME_URL = 'http://127.0.0.1/resume?signature=1';
type Changes = Partial<JobParameters>;

/** One call of the node, with one item for each image. */
export function call(
	execution: FakeExecution,
	workIds: string[],
	changes: Changes = {},
	settings: ExecutionSettings = {},
) {
	const items: INodeExecutionData[] = workIds.map((workId) => ({ json: { workId } }));
	const context = execution.context({ items, ...settings });
	const read = (itemIndex: number): JobParameters => {
		const { workId } = items[itemIndex].json;
		if (typeof workId !== 'string') throw new Error('Image is empty');
		return {
			call: callOf({ workId, replyUrl: RESUME_URL }),
			wait: 'callback',
			callsBack: true,
			reuse: false,
			timeoutMs: LIMIT_MS,
			settings: { output: 'simplified' },
			...changes,
		};
	};
	return { items, outputs: runJobs(context, read) };
}

export const told = (items: INodeExecutionData[]) =>
	items.map(({ json }) => json.error ?? json.failed ?? json.taskId);
export const pendingOf = ({ nodeContext }: FakeExecution) =>
	nodeContext.parkedByKling as unknown as Pending | undefined;
export const pendingIds = (execution: FakeExecution) =>
	pendingOf(execution)?.tasks.map(({ taskId }) => taskId);

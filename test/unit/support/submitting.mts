import type { IExecuteFunctions } from 'n8n-workflow';

import type { PaidCall, PaidJob } from '../../../nodes/Kling/job/submission/attempt.ts';
import { Submitter } from '../../../nodes/Kling/job/submission/submit.ts';
import { Cancellation } from '../../../nodes/Kling/runtime/cancellation.ts';
import { parseTask, type Task } from '../../../nodes/Kling/tasks/task.ts';
import type { PaidRequest } from '../../../nodes/Kling/transport/types.ts';
import {
	contextOf,
	FakeExecution,
	UPSCALE_TYPE,
	type ExecutionSettings,
	type FakeKling,
} from '../../support/fakes.mts';

/** A paid operation as Upscale is one. */

export const request = { task_id: '1', workId: '2' };

export const callOf = (changes: PaidRequest = {}): PaidCall => {
	const { task_id, workId, ...others } = { ...request, ...changes };
	return {
		operation: 'upscale',
		request: { task_id, workId, ...others },
		fingerprint: JSON.stringify({ task_id, workId }),
		wanted: { type: UPSCALE_TYPE, fromWorkId: workId, sourceTaskId: task_id },
	};
};

/** `request`: changes of the request. */
export const jobOf = ({
	request: changed,
	...changes
}: Partial<PaidJob> & { request?: PaidRequest } = {}): PaidJob => ({
	call: callOf(changed),
	timeoutMs: 60_000,
	reuse: false,
	callsBack: false,
	...changes,
});

/** What one call of the node submits with. */
export function submitterOf(kling: FakeKling, n8n: IExecuteFunctions) {
	const cancellation = new Cancellation(n8n.getNode(), n8n.getExecutionCancelSignal());
	const context = contextOf(kling.api, n8n, cancellation);
	const submitter = new Submitter(context);
	return { context, items: submitter.items, submitter };
}

/** One execution whose calls of the node submit one job each. */
export function executionWith(kling: FakeKling, settings: ExecutionSettings = {}) {
	const execution = new FakeExecution(kling, settings);
	const submit = async (changes: ExecutionSettings = {}, job = jobOf()) => {
		const { submitter, ...shared } = submitterOf(kling, execution.context(changes));
		// As runJobs does, so that an error names what earlier tries have sent.
		submitter.noteEarlier(job, 0);
		const submission = await submitter.submit(job, 0);
		return { submission, ...shared };
	};
	return { execution, submit };
}

export const finished = (status: 'succeed' | 'failed'): Task =>
	parseTask({
		status_name: status,
		status_final: true,
		works: [{ resource: { resource: 'https://s21.example.com/3.png' } }],
	});

import type { IExecuteFunctions } from 'n8n-workflow';

import { Cancellation } from '../../../nodes/Kling/runtime/cancellation.ts';
import type { Wanted } from '../../../nodes/Kling/job/submission/earlierJobs.ts';
import type { PaidJob, PaidOperation } from '../../../nodes/Kling/job/submission/attempt.ts';
import { Submitter } from '../../../nodes/Kling/job/submission/submit.ts';
import type { TaskModel, UpscaleRequest } from '../../../nodes/Kling/transport/types.ts';
import {
	batchOf,
	FakeExecution,
	UPSCALE_TYPE,
	type ExecutionSettings,
	type FakeKling,
} from '../../support/fakes.mts';

/** A paid operation as Upscale is one. */

export const request: UpscaleRequest = { task_id: '1', workId: '2' };

export const fingerprint = ({ task_id, workId }: UpscaleRequest) =>
	JSON.stringify({ task_id, workId });

export const wantedOf = ({ task_id, workId }: UpscaleRequest): Omit<Wanted, 'account'> => ({
	type: UPSCALE_TYPE,
	sourceTaskId: task_id,
	matches: ({ type, fromWorkIds }) => type === UPSCALE_TYPE && fromWorkIds.includes(workId),
});

export const operation: PaidOperation<UpscaleRequest> = {
	name: 'upscale',
	send: async (api, body) => await api.upscale(body),
	fingerprint,
	wanted: wantedOf,
};

export const jobOf = (changes: Partial<PaidJob<UpscaleRequest>> = {}): PaidJob<UpscaleRequest> => ({
	request,
	timeoutMs: 60_000,
	reuse: false,
	callsBack: false,
	...changes,
});

/** What one call of the node submits with. */
export function submitterOf(kling: FakeKling, context: IExecuteFunctions) {
	const cancellation = new Cancellation(context.getNode(), context.getExecutionCancelSignal());
	const batch = batchOf(kling.api, cancellation);
	return { batch, submitter: new Submitter(context, batch, operation) };
}

/** One execution whose calls of the node submit one job each. */
export function executionWith(kling: FakeKling, settings: ExecutionSettings = {}) {
	const execution = new FakeExecution(kling, settings);
	const submit = async (changes: ExecutionSettings = {}, job = jobOf()) => {
		const { batch, submitter } = submitterOf(kling, execution.context(changes));
		// As runJobs does, so that an error names what earlier tries have sent.
		submitter.recall(job, 0);
		const submission = await submitter.submit(job, 0);
		return { submission, batch };
	};
	return { execution, submit };
}

export const finished = (status: 'succeed' | 'failed'): TaskModel => ({
	status_name: status,
	status_final: true,
	works: [{ resource: { resource: 'https://s21.example.com/3.png' } }],
});

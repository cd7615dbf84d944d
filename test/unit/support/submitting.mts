import type { IExecuteFunctions } from 'n8n-workflow';

import { Cancellation } from '../../../nodes/Kling/runtime/cancellation.ts';
import type { Wanted } from '../../../nodes/Kling/job/submission/earlierJobs.ts';
import type { PaidJob, PaidOperation } from '../../../nodes/Kling/job/submission/attempt.ts';
import { Submitter } from '../../../nodes/Kling/job/submission/submit.ts';
import type { UpscaleRequest } from '../../../nodes/Kling/transport/types.ts';
import { batchOf, UPSCALE_TYPE, type FakeKling } from '../../support/fakes.mts';

/** A paid operation as Upscale is one. */

export const request: UpscaleRequest = { task_id: '1', workId: '2' };

export const fingerprint = ({ task_id, workId, email }: UpscaleRequest) =>
	JSON.stringify({ task_id, workId, email });

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

import type { PaidRequest } from '../transport/types';
import type { TaskRef, OutputSettings } from './output/items';
import type { PaidJob, Submission } from './submission/attempt';

/** One item of a paid operation, as its parameters say. */
export interface JobParameters<R extends PaidRequest> extends PaidJob<R> {
	wait: 'poll' | 'callback' | 'none';
	pollIntervalMs?: number;
	settings: OutputSettings;
}

/** What the node itself knows of an item's task. */
export function taskRef(
	{ request: { email: account, replyRef } }: PaidJob<PaidRequest>,
	{ taskId, reused }: Submission,
): TaskRef {
	return { taskId, account, replyRef, ...(reused && { reused }) };
}

/** The request without its Reply URL: a resume URL carries n8n's signature, and calls an execution that may be over. */
export function withoutReplyUrl<R extends PaidRequest>(request: R): R {
	return Object.fromEntries(Object.entries(request).filter(([name]) => name !== 'replyUrl')) as R;
}

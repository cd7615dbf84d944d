import type { KlingApi } from '../../transport/client';
import type { ApiResult, PaidRequest } from '../../transport/types';
import type { Wanted } from './earlierJobs';

/** What an operation that spends credits is, beyond its fields. */
export interface PaidOperation<R extends PaidRequest> {
	/** In messages, e.g. "upscale". */
	name: string;
	send(api: KlingApi, request: R): Promise<ApiResult>;
	/** What is paid for: requests with the same fingerprint are the same job. */
	fingerprint(request: R): string;
	/** How the API's lists show the job of a request. */
	wanted(request: R): Pick<Wanted, 'matches' | 'type' | 'sourceTaskId'>;
}

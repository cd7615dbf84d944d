import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';

import { connect, type KlingApi } from '../transport/client';
import { Cancellation } from './cancellation';
import { Semaphore } from './semaphore';

/** Hundreds of items that all ask at once would look like an attack to the API. assumes: no-rate-limit */
export const MAX_PARALLEL_READS = 10;
/** More downloads at once would not be faster, and would fill n8n's memory where it keeps files there. */
const MAX_PARALLEL_DOWNLOADS = 4;

/** Where a job can be worked on: while a node runs, or while n8n hands it a callback. */
export type JobContext = IExecuteFunctions | IWebhookFunctions;

/** What is needed to read tasks and fetch their images. */
export interface Kit {
	api: KlingApi;
	cancellation: Cancellation;
	downloads: Semaphore;
	/** What users should know although nothing failed. */
	hints: Set<string>;
}

/** Nothing of it outlives one call of the node: the next one may run on another machine. */
export async function openKit(
	context: JobContext,
	cancellation = new Cancellation(context.getNode()),
): Promise<Kit> {
	const api = await connect.call(context);
	const reads = new Semaphore(cancellation, MAX_PARALLEL_READS);
	return {
		api: {
			...api,
			getTask: async (taskId, email) => await reads.run(() => api.getTask(taskId, email)),
			getTasks: async (query) => await reads.run(() => api.getTasks(query)),
		},
		cancellation,
		downloads: new Semaphore(cancellation, MAX_PARALLEL_DOWNLOADS),
		hints: new Set(),
	};
}

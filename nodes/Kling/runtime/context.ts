import type { IExecuteFunctions, INode, IWebhookFunctions } from 'n8n-workflow';

import { connect, type KlingApi } from '../transport/client';
import { Cancellation } from './cancellation';
import { Semaphore } from './semaphore';

/** Hundreds of items that all ask at once would look like an attack to the API. assumes: no-rate-limit */
export const MAX_PARALLEL_READS = 10;
/** More downloads at once would not be faster, and would fill n8n's memory where it keeps files there. */
const MAX_PARALLEL_DOWNLOADS = 4;

/** What n8n offers a node: while it runs, or while it is handed a callback. */
export type NodeFunctions = IExecuteFunctions | IWebhookFunctions;

/** What one call of the node shares. Nothing of it outlives the call: the next one may run on another machine. */
export interface Context<F extends NodeFunctions = NodeFunctions> {
	n8n: F;
	node: INode;
	api: KlingApi;
	cancellation: Cancellation;
	downloads: Semaphore;
	/** What users should know although nothing failed. */
	hints: Set<string>;
}

/** For `execute()`: ends when the user cancels the execution. @throws NodeOperationError, see `connect` */
export const openExecution = async (n8n: IExecuteFunctions): Promise<Context<IExecuteFunctions>> =>
	await openContext(n8n, new Cancellation(n8n.getNode(), n8n.getExecutionCancelSignal()));

/** For `webhook()`, which nobody can cancel. @throws NodeOperationError, see `connect` */
export async function openContext<F extends NodeFunctions>(
	n8n: F,
	cancellation = new Cancellation(n8n.getNode()),
): Promise<Context<F>> {
	const api = await connect(n8n);
	const reads = new Semaphore(cancellation, MAX_PARALLEL_READS);
	return {
		n8n,
		node: n8n.getNode(),
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

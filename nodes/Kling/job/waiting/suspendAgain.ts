import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { openExecution } from '../../runtime/context';
import { checkTasks } from './checkTasks';
import { pendingOutputs } from './pendingOutputs';
import { handOnAtLimit, type Pending } from './suspend';

/**
 * Suspends an execution once more that is suspended already: n8n has run the node again because its first item is an
 * error (Retry On Fail). Nothing is read from the parameters, since the input items are the outputs by now.
 *
 * n8n has refused calls between the tries. If all tasks have ended meanwhile, the results take the place of the input
 * and the time limit is over: n8n goes on with them by itself, within a minute.
 */
export async function suspendAgain(
	n8n: IExecuteFunctions,
	pending: Pending,
): Promise<INodeExecutionData[]> {
	const { tasks, itemCount, limitAtMs = Date.now() } = pending;
	const context = await openExecution(n8n);
	const waiting = n8n
		.getInputData()
		.slice(0, itemCount)
		.map(({ json, binary }, item) => ({ json, binary, pairedItem: { item } }));
	// What cannot be asked now is no matter: the callback, or the time limit, brings the execution on.
	const check = await checkTasks(context, tasks).catch(() => undefined);
	context.cancellation.throwIfAborted();
	const isOver = check !== undefined && 'ended' in check;
	await n8n.putExecutionToWait(new Date(isOver ? Date.now() : limitAtMs));
	if (!isOver) return waiting;
	const { outputs } = await pendingOutputs(context, pending, waiting, check.ended);
	handOnAtLimit(n8n, outputs);
	return outputs;
}

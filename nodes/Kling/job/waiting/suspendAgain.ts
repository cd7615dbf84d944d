import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { Cancellation } from '../../runtime/cancellation';
import { openKit } from '../../runtime/context';
import { lookAtAll } from './checkTasks';
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
	context: IExecuteFunctions,
	pending: Pending,
): Promise<INodeExecutionData[]> {
	const { tasks, itemCount, limitAtMs = Date.now() } = pending;
	const items = context.getInputData();
	const node = context.getNode();
	const kit = await openKit(context, new Cancellation(node, context.getExecutionCancelSignal()));
	const waiting = items
		.slice(0, itemCount)
		.map(({ json, binary }, item) => ({ json, binary, pairedItem: { item } }));
	// Trouble is no matter here: the callback, or the time limit, brings the execution on.
	const look = await lookAtAll(node, kit, tasks).catch(() => undefined);
	kit.cancellation.throwIfAborted();
	const isOver = look !== undefined && 'ended' in look;
	await context.putExecutionToWait(new Date(isOver ? Date.now() : limitAtMs));
	if (!isOver) return waiting;
	const { outputs } = await pendingOutputs(context, kit, pending, waiting, look.ended);
	handOnAtLimit(context, outputs);
	return outputs;
}

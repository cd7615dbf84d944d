import type { IDataObject, INode, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import type { KlingError } from '../transport/errors';

/** More task IDs than this nobody reads in an error. */
const MAX_TASKS_TOLD = 20;

/** Errors of ours, and n8n's own, are node errors already; anything else must not reach the user without its item. */
export function asNodeError(node: INode, error: unknown, itemIndex: number): KlingError {
	const known = error as KlingError;
	if (known?.name === 'NodeApiError' || known?.name === 'NodeOperationError') {
		known.context.itemIndex ??= itemIndex;
		return known;
	}
	return new NodeOperationError(node, error as Error, { itemIndex });
}

/**
 * `error`, `message` and `details` as the only keys: that is how n8n tells an error item from a result, and sends it to
 * the error branch when there is one.
 */
export function errorItem(error: KlingError, itemIndex: number): INodeExecutionData {
	const details: IDataObject = { ...error.trouble?.details };
	if ('httpCode' in error && error.httpCode) details.httpCode = error.httpCode;
	return {
		json: {
			// Without the next step that `klingError` puts behind it for an agent: here that has a field of its own.
			error: error.trouble?.message ?? error.message,
			message: error.description ?? 'Check the parameters of this item.',
			details,
		},
		pairedItem: { item: itemIndex },
	};
}

/**
 * Credits that other items already spent are not lost: their results can be fetched.
 *
 * @param tasks the tasks that were accepted, by item
 */
export function withAcceptedTasks(reason: unknown, tasks: Map<number, string>): KlingError {
	const error = reason as KlingError;
	const others = [...tasks].filter(([itemIndex]) => itemIndex !== error.context?.itemIndex);
	if (others.length > 0) {
		const list = others
			.slice(0, MAX_TASKS_TOLD)
			.map(([itemIndex, taskId]) => `item ${itemIndex}: ${taskId}`)
			.concat(others.length > MAX_TASKS_TOLD ? [`and ${others.length - MAX_TASKS_TOLD} more`] : [])
			.join(', ');
		error.description = `${error.description ?? ''} Tasks of other items that were already sent can be fetched with Task → Get (${list}). To let the other items go on, set On Error to Continue in this node's settings.`;
	}
	return error;
}

import type { IDataObject, INode, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import type { KlingError } from './problems';

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
 * Credits that were spent, or may have been, are not lost: the results can be fetched.
 *
 * @param accepted the tasks that were accepted, by item
 * @param unknown items of which it is unknown whether their job was accepted
 */
export function withSentJobs(
	reason: unknown,
	accepted: Map<number, string>,
	unknown = new Set<number>(),
): KlingError {
	const error = reason as KlingError;
	const own = error.context?.itemIndex;
	const said = `${error.message} ${error.description ?? ''}`;
	const tasks = [...accepted]
		.filter(([itemIndex, taskId]) => itemIndex !== own || !said.includes(taskId))
		.map(([itemIndex, taskId]) => `item ${itemIndex}: ${taskId}`);
	const items = [...unknown].filter((itemIndex) => itemIndex !== own).map(String);
	if (tasks.length + items.length === 0) return error;
	const told = [
		error.description,
		tasks.length > 0 &&
			`Tasks that were already created can be fetched with Task → Get (${list(tasks)}).`,
		items.length > 0 &&
			`It is unknown whether the jobs of these items were accepted: ${list(items)}. Look for their tasks with Task → Get Many before you send them again.`,
		"To let the other items continue, set 'On Error' to 'Continue' in this node's settings.",
	];
	error.description = told.filter(Boolean).join(' ');
	return error;
}

function list(names: string[]): string {
	const more = names.length - MAX_TASKS_TOLD;
	return [...names.slice(0, MAX_TASKS_TOLD), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

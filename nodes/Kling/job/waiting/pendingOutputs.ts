import type { INodeExecutionData } from 'n8n-workflow';

import type { Context } from '../../runtime/context';
import { klingError, type KlingError } from '../../runtime/problems';
import { asNodeError, errorItem } from '../../runtime/runItems';
import { buildResult } from '../output/items';
import type { Ended } from './checkTasks';
import type { Pending, PendingTask } from './suspend';

/**
 * What a suspended execution puts out once all its tasks have ended; their files are fetched now.
 *
 * @param items what came out of every item when the execution was suspended
 * @returns one output for each item, in order, and the errors of those that failed
 */
export async function pendingOutputs(
	context: Context,
	{ tasks, itemCount }: Pending,
	items: INodeExecutionData[],
	ended: Map<string, Ended>,
): Promise<{ outputs: INodeExecutionData[]; failures: KlingError[] }> {
	const outputs = items
		.slice(0, itemCount)
		.map(({ json, binary }, item): INodeExecutionData => ({ json, binary, pairedItem: { item } }));
	const failures: KlingError[] = [];
	await Promise.all(
		tasks.map(async (pending) => {
			const { itemIndex, taskId } = pending;
			try {
				outputs[itemIndex] = await outputOf(context, pending, ended.get(taskId)!);
			} catch (error) {
				const nodeError = asNodeError(context.node, error, itemIndex);
				failures.push(nodeError);
				outputs[itemIndex] = errorItem(nodeError, itemIndex);
			}
		}),
	);
	return { outputs, failures };
}

async function outputOf(
	context: Context,
	pending: PendingTask,
	end: Ended,
): Promise<INodeExecutionData> {
	const { itemIndex, taskId, settings } = pending;
	if ('problem' in end) {
		throw klingError(context.node, { ...end.problem, details: { taskId } }, itemIndex);
	}
	// n8n has no place for hints when an execution is resumed, so they go into the item.
	const own = { ...context, hints: new Set<string>() };
	const [item] = await buildResult(own, end.task, pending, settings);
	if (own.hints.size > 0) item.json.message = [...own.hints].join(' ');
	return item;
}

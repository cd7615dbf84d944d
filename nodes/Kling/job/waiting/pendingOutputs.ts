import type { INodeExecutionData } from 'n8n-workflow';

import { klingError, type KlingError } from '../../runtime/problems';
import { asNodeError, errorItem } from '../../runtime/errorItem';
import type { JobContext, Kit } from '../../runtime/context';
import type { Ended } from './checkTasks';
import { buildResult } from '../output/items';
import type { Pending, PendingTask } from './suspend';

/**
 * What a suspended execution puts out once all its tasks have ended; their files are fetched now.
 *
 * @param items what came out of every item when the execution was suspended
 * @returns one output for each item, in order, and the errors of those that failed
 */
export async function pendingOutputs(
	context: JobContext,
	kit: Kit,
	{ tasks, itemCount }: Pending,
	items: INodeExecutionData[],
	ended: Map<string, Ended>,
): Promise<{ outputs: INodeExecutionData[]; failures: KlingError[] }> {
	const outputs = items
		.slice(0, itemCount)
		.map(({ json, binary }, item): INodeExecutionData => ({ json, binary, pairedItem: { item } }));
	const failures: KlingError[] = [];
	await Promise.all(
		tasks.map(async (task) => {
			const { itemIndex, taskId } = task;
			try {
				outputs[itemIndex] = await outputOf(context, kit, task, ended.get(taskId)!);
			} catch (error) {
				const nodeError = asNodeError(context.getNode(), error, itemIndex);
				failures.push(nodeError);
				outputs[itemIndex] = errorItem(nodeError, itemIndex);
			}
		}),
	);
	return { outputs, failures };
}

async function outputOf(
	context: JobContext,
	kit: Kit,
	{ itemIndex, taskId, account, replyRef, reused, settings }: PendingTask,
	end: Ended,
): Promise<INodeExecutionData> {
	if ('trouble' in end) {
		throw klingError(context.getNode(), { ...end.trouble, details: { taskId } }, itemIndex);
	}
	// n8n has no place for hints when an execution is resumed, so they go into the item.
	const own = { ...kit, hints: new Set<string>() };
	const known = { taskId, account, replyRef, ...(reused && { reused }) };
	const [item] = await buildResult.call(context, own, end.model, known, settings, itemIndex);
	if (own.hints.size > 0) item.json.message = [...own.hints].join(' ');
	return item;
}

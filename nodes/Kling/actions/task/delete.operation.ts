import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import type { Context } from '../../runtime/context';
import { klingError, tellsOutcome, unwrap, type Problem } from '../../runtime/problems';
import { runItems } from '../../runtime/runItems';
import { idText, record } from '../../transport/json';
import type { ApiResult } from '../../transport/types';
import { accountField, showFor, taskField } from '../fields';
import { Parameters } from '../parameters';

export const description: INodeProperties[] = showFor('task', 'delete', [
	accountField,
	{ ...taskField, description: 'The task to delete, with all its images. This cannot be undone.' },
]);

/** Deletes every item's task. Spends nothing, and is never sent twice by itself: the second time it would be an error. */
export async function execute(n8n: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await runItems(n8n, (itemIndex) => readParameters(n8n, itemIndex), deleteTask);
}

function readParameters(n8n: IExecuteFunctions, itemIndex: number) {
	const parameters = new Parameters(n8n, itemIndex);
	return { taskId: parameters.id('taskId', 'Task'), account: parameters.account() };
}

async function deleteTask(
	{ node, api, cancellation }: Context,
	{ taskId, account }: ReturnType<typeof readParameters>,
	itemIndex: number,
): Promise<INodeExecutionData[]> {
	const result = await api.deleteTask(taskId, account);
	const got = unwrap(result);
	// A cancel cuts requests short; it must not look like a failure of the API.
	cancellation.throwIfAborted();
	if (got.problem) {
		const reason = lossOf(result);
		const problem = reason ? unknownOutcome(taskId, reason) : got.problem;
		throw klingError(node, { ...problem, details: { taskId } }, itemIndex);
	}
	const { workIds } = record(got.body);
	const ids = Array.isArray(workIds) ? workIds.flatMap((id) => idText(id) ?? []) : [];
	const json = { deleted: true, taskId, workIds: ids, ...(account && { account }) };
	return [{ json, pairedItem: { item: itemIndex } }];
}

/** Why it is unknown whether the API has deleted the task: no answer of its own came back. */
function lossOf(result: ApiResult): string | undefined {
	if (result.outcome === 'answered') {
		return tellsOutcome(result.status) ? undefined : `HTTP ${result.status}`;
	}
	return result.outcome === 'lost' ? result.reason : undefined;
}

const unknownOutcome = (taskId: string, reason: string): Problem => ({
	message: `It is unknown whether task ${taskId} was deleted (${reason})`,
	description:
		'The answer was lost. Look the task up with Task → Get before you try to delete it again.',
});

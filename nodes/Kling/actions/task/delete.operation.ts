import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import { runItems, type Batch } from '../../runtime/runItems';
import { idText, record } from '../../tasks/task';
import { unwrap, klingError, type Problem } from '../../runtime/problems';
import type { ApiResult } from '../../transport/types';
import { accountField, showFor, taskField } from '../fields';
import { Parameters } from '../parameters';

export const description: INodeProperties[] = showFor('task', 'delete', [
	accountField,
	{ ...taskField, description: 'The task to delete, with all its images. This cannot be undone.' },
]);

/** Deletes every item's task. Spends nothing, and is never sent twice by itself: the second time it would be an error. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await runItems(this, readParameters.bind(this), deleteTask.bind(this));
}

function readParameters(this: IExecuteFunctions, itemIndex: number) {
	const parameters = new Parameters(this, itemIndex);
	return { taskId: parameters.id('taskId', 'Task'), account: parameters.account() };
}

async function deleteTask(
	this: IExecuteFunctions,
	{ api, cancellation }: Batch,
	{ taskId, account }: ReturnType<typeof readParameters>,
	itemIndex: number,
): Promise<INodeExecutionData[]> {
	const result = await api.deleteTask(taskId, account);
	const got = unwrap(result);
	// A cancel cuts requests short; it must not look like a failure of the API.
	cancellation.throwIfAborted();
	if (got.trouble) {
		const reason = lossOf(result);
		const trouble = reason ? unknownOutcome(taskId, reason) : got.trouble;
		throw klingError(this.getNode(), { ...trouble, details: { taskId } }, itemIndex);
	}
	const { workIds } = record(got.body);
	const ids = Array.isArray(workIds) ? workIds.flatMap((id) => idText(id) ?? []) : [];
	const json = { deleted: true, taskId, workIds: ids, ...(account && { account }) };
	return [{ json, pairedItem: { item: itemIndex } }];
}

/** Why it is unknown whether the API has deleted the task: no answer of its own came back. */
function lossOf(result: ApiResult): string | undefined {
	if (result.outcome === 'answered')
		return result.status > 500 ? `HTTP ${result.status}` : undefined;
	return result.outcome === 'lost' ? result.reason : undefined;
}

const unknownOutcome = (taskId: string, reason: string): Problem => ({
	message: `It is unknown whether task ${taskId} was deleted (${reason})`,
	description:
		'The answer was lost. Look the task up with Task → Get before you try to delete it again.',
});

import type {
	IDataObject,
	INode,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { sleep } from 'n8n-workflow';

import { klingError, type KlingError } from '../transport/errors';
import { readCallback } from './callback';
import { asNodeError, errorItem, withAcceptedTasks } from './failure';
import { openKit, type Kit } from './kit';
import { lookAtAll, type Ended } from './look';
import { buildResult } from './output';
import { readParked, readParkedItems, type Parked, type ParkedTask } from './pause';
import { together } from './together';

/**
 * When a callback says that a task is finished and GET /tasks does not say so yet, it is asked once more after this.
 * A forged callback costs one more look. assumes: callback-lag
 */
const LAG_MS = 2_000;
/**
 * Which task ran when this process last looked, by parked execution: most likely it still does, and one call tells. Only
 * spares calls: on another machine, or after a restart, the list of running jobs does the same.
 */
const ranLastTime = new Map<string, string>();
/** Executions that time out or are deleted would stay there for ever. */
const MAX_REMEMBERED = 1_000;
/** For whoever may call again; none is documented. */
const RETRY_AFTER_S = 10;

/**
 * Answers a call of a parked execution's resume URL. A call is a wake-up, never data: what the tasks have come to is
 * read from the API, with the credential, and only when all of them are finished does the execution go on.
 *
 * Never throws: n8n would drop the run's data and run the next nodes with an empty item.
 */
export async function resume(this: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		return await wakeUp.call(this);
	} catch (error) {
		// The execution stays parked: another callback, or the time limit, brings it on.
		this.getResponseObject().setHeader('Retry-After', RETRY_AFTER_S);
		return answer(this, 503, `Could not look at the tasks: ${(error as Error).message}`);
	}
}

async function wakeUp(this: IWebhookFunctions): Promise<IWebhookResponseData> {
	const parked = readParked(this);
	if (!parked) return answer(this, 200, 'This node waits for no task');
	const call = readCallback(this);
	const isKnown = parked.tasks.some(({ taskId }) => taskId === call.taskId);
	if (call.taskId && !isKnown) return answer(this, 200, 'This execution waits for other tasks');
	if (call.isProgress) return answer(this, 200, 'Noted');

	const note = call.isFinal ? call.taskId : undefined;
	const workflowData = await together(
		parked.id,
		note,
		async (saidFinal) => await goOn(this, parked, saidFinal),
	);
	return workflowData ? { workflowData } : answer(this, 200, 'Noted');
}

/** What the node puts out, or `undefined` while a task still runs. */
async function goOn(
	context: IWebhookFunctions,
	parked: Parked,
	saidFinal: Set<string>,
): Promise<INodeExecutionData[][] | undefined> {
	const node = context.getNode();
	const kit = await openKit(context);
	let look = await lookAtAll(node, kit, parked.tasks, ranLastTime.get(parked.id));
	if ('running' in look && saidFinal.delete(look.running)) {
		await sleep(LAG_MS);
		look = await lookAtAll(node, kit, parked.tasks, look.running);
	}
	ranLastTime.delete(parked.id);
	if ('running' in look) {
		const [oldest] = ranLastTime.keys();
		if (ranLastTime.size >= MAX_REMEMBERED) ranLastTime.delete(oldest);
		ranLastTime.set(parked.id, look.running);
		return undefined;
	}
	const { ended } = look;

	const items = readParkedItems(context).slice(0, parked.itemCount);
	const outputs = items.map(
		({ json, binary }, item): INodeExecutionData => ({ json, binary, pairedItem: { item } }),
	);
	const failures: KlingError[] = [];
	await Promise.all(
		parked.tasks.map(async (task) => {
			const { itemIndex } = task;
			try {
				const end = ended.get(task.taskId)!;
				outputs[itemIndex] = await result.call(context, kit, task, end);
			} catch (error) {
				const nodeError = asNodeError(node, error, itemIndex);
				failures.push(nodeError);
				outputs[itemIndex] = errorItem(nodeError, itemIndex);
			}
		}),
	);
	if (failures.length === 0 || continuesOnFail(node)) return [outputs];
	const tasks = new Map(parked.tasks.map(({ itemIndex, taskId }) => [itemIndex, taskId]));
	failures.sort((a, b) => Number(a.context.itemIndex) - Number(b.context.itemIndex));
	return failExecution(context, withAcceptedTasks(failures[0], tasks));
}

async function result(
	this: IWebhookFunctions,
	kit: Kit,
	{ itemIndex, taskId, account, replyRef, settings }: ParkedTask,
	end: Ended,
): Promise<INodeExecutionData> {
	if ('trouble' in end) {
		throw klingError(this.getNode(), { ...end.trouble, details: { taskId } }, itemIndex);
	}
	// n8n has no place for hints when an execution is resumed, so they go into the item.
	const hints = new Set<string>();
	const known = { taskId, account, replyRef };
	const [item] = await buildResult.call(
		this,
		{ ...kit, hints },
		end.model,
		known,
		settings,
		itemIndex,
	);
	if (hints.size > 0) item.json.message = [...hints].join(' ');
	return item;
}

function continuesOnFail({ onError, continueOnFail }: INode): boolean {
	return onError === undefined ? continueOnFail === true : onError !== 'stopWorkflow';
}

/**
 * Lets the execution end with an error. n8n has no documented way to do that in a webhook call: to throw is worse than
 * nothing (see `resume`). But its engine, when it resumes a node, throws a `resumeError` that it finds in the metadata
 * of the parked node; that is how it lets a failed sub-workflow fail its parent (n8n-core 2.41, workflow-execute.js).
 *
 * A version of n8n that does not know it finds no items to hand on: nothing after this node runs on a failure that
 * would look like a result.
 */
function failExecution(context: IWebhookFunctions, error: KlingError): INodeExecutionData[][] {
	const { executeData } = context as unknown as { executeData?: { metadata?: IDataObject } };
	if (executeData) {
		// As plain data: in queue mode it goes through JSON, which leaves out an error's own message.
		const { name, message, stack } = error;
		const resumeError = { ...error, name, message, stack } as unknown as IDataObject;
		executeData.metadata = { ...executeData.metadata, resumeError };
	}
	context.logger.warn(`Kling: the execution ends with an error. ${error.message}`);
	return [[]];
}

function answer(context: IWebhookFunctions, status: number, message: string): IWebhookResponseData {
	context.getResponseObject().status(status).json({ message });
	return { noWebhookResponse: true };
}

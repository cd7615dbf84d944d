import type {
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	IWebhookFunctions,
} from 'n8n-workflow';

import type { OutputSettings } from './output';

/** A task that an execution is parked for: all that is needed to go on with it, perhaps on another machine, as JSON. */
export interface ParkedTask {
	itemIndex: number;
	taskId: string;
	account?: string;
	replyRef?: string;
	settings: OutputSettings;
	/** Epoch ms. */
	sentAtMs: number;
}

export interface Parked {
	/** Another one each time an execution parks, e.g. in every round of a loop. */
	id: string;
	/** Those that were not finished yet, in input order. */
	tasks: ParkedTask[];
	/** How many items the node works on; with "Execute Once" fewer than there are. */
	itemCount: number;
}

const CONTEXT_KEY = 'parkedByKling';

/**
 * Parks the execution: it then holds no memory and no worker, and n8n's resume URL wakes it up, or the time limit.
 *
 * When the limit runs out n8n hands on the node's **input** items, whatever `execute()` returned. So the outputs as
 * they stand now take the place of the input: that is what comes out then, links intact.
 *
 * @param outputs one for each input item, in order
 * @param limitMs n8n looks once a minute, so it may take that much longer
 */
export async function park(
	this: IExecuteFunctions,
	outputs: INodeExecutionData[],
	tasks: ParkedTask[],
	limitMs: number,
): Promise<void> {
	const items = this.getInputData();
	for (const [itemIndex, { json, binary }] of outputs.entries()) {
		Object.assign(items[itemIndex], { json, binary });
	}
	const nowMs = Date.now();
	const parked: Parked = {
		id: `${this.getExecutionId()}:${nowMs}:${tasks[0].taskId}`,
		tasks: tasks.toSorted((a, b) => a.itemIndex - b.itemIndex),
		itemCount: outputs.length,
	};
	this.getContext('node')[CONTEXT_KEY] = parked as unknown as IDataObject;
	await this.putExecutionToWait(new Date(nowMs + limitMs));
}

/** What `park` left behind, or `undefined` when the node is not parked. Expressions are the only way to it in a webhook call. */
export function readParked(context: IWebhookFunctions): Parked | undefined {
	const name = inExpression(context.getNode().name);
	const parked = context.evaluateExpression(`{{ $node[${name}].context["${CONTEXT_KEY}"] }}`, 0);
	return (parked ?? undefined) as unknown as Parked | undefined;
}

/** The input items as `park` left them: what was finished, or had failed, before the execution was parked is complete. */
export function readParkedItems(context: IWebhookFunctions): INodeExecutionData[] {
	return context.evaluateExpression('{{ $input.all() }}', 0) as unknown as INodeExecutionData[];
}

/** As a string within an expression; braces would end the expression. */
const inExpression = (text: string): string =>
	JSON.stringify(text).replaceAll('{', '\\u007b').replaceAll('}', '\\u007d');

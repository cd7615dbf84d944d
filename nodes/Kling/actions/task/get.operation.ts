import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import { assertImages, buildItems } from '../../job/output/items';
import { TaskPoller } from '../../job/waiting/poller';
import type { Context } from '../../runtime/context';
import { Items } from '../../runtime/runItems';
import { getTask } from '../../tasks/fetchTask';
import {
	accountField,
	downloadFields,
	IMAGES,
	optionsField,
	outputField,
	pollIntervalOption,
	RAW,
	showFor,
	SIMPLIFIED,
	taskField,
	timeoutOption,
	withoutWatermarkOption,
} from '../fields';
import { Parameters } from '../parameters';

export const description: INodeProperties[] = showFor('task', 'get', [
	accountField,
	taskField,
	{
		displayName: 'Wait for Result',
		name: 'wait',
		type: 'options',
		noDataExpression: true,
		default: 'none',
		options: [
			{
				name: 'Wait Until Finished',
				value: 'poll',
				description: 'Check the status until the task is finished, then continue with its result',
			},
			{
				name: "Don't Wait",
				value: 'none',
				description: 'Continue at once with the task as it is now, finished or not',
			},
		],
	},
	outputField(IMAGES, RAW, SIMPLIFIED),
	...downloadFields,
	optionsField([pollIntervalOption, timeoutOption, withoutWatermarkOption], { wait: ['poll'] }),
	// The same field where nothing is waited for: without a download there would be no option to add.
	optionsField([withoutWatermarkOption], { wait: ['none'], download: [true] }),
]);

/** Gets every item's task, once or until it is finished. Spends nothing. */
export async function execute(n8n: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const items = await Items.read(n8n, (itemIndex) => readParameters(n8n, itemIndex));
	const poller = new TaskPoller(items.context);
	await items.each(async (parameters) => await get(items.context, poller, parameters));
	return items.finish();
}

function readParameters(n8n: IExecuteFunctions, itemIndex: number) {
	const parameters = new Parameters(n8n, itemIndex);
	const waits = parameters.wait() === 'poll';
	return {
		ref: { taskId: parameters.id('taskId', 'Task'), account: parameters.account(), itemIndex },
		waits,
		timeoutMs: waits ? parameters.timeoutMs() : 0,
		pollIntervalMs: waits ? parameters.pollIntervalMs() : undefined,
		settings: parameters.output(),
	};
}

async function get(
	context: Context,
	poller: TaskPoller,
	{ ref, waits, timeoutMs, pollIntervalMs, settings }: ReturnType<typeof readParameters>,
): Promise<INodeExecutionData[]> {
	const task = waits
		? await poller.waitFor({ ref, timeoutMs, pollIntervalMs, justSubmitted: false })
		: await getTask(context, ref);
	// Who waits for a result, or asks for images, wants to hear of a failure; a plain look just tells the status.
	if (waits || settings.output === 'images') assertImages(context, task, ref);
	return await buildItems(context, task, ref, settings);
}

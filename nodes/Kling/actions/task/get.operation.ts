import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import { TaskPoller } from '../../job/waiting/poller';
import { Items, type Batch } from '../../runtime/runItems';
import { assertImages, buildItems } from '../../job/output/items';
import { lookAtTask } from '../../tasks/fetchTask';
import {
	accountField,
	downloadFields,
	pollIntervalOption,
	showFor,
	taskField,
	taskOutputField,
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
	taskOutputField,
	...downloadFields,
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		displayOptions: { show: { wait: ['poll'] } },
		options: [pollIntervalOption, timeoutOption, withoutWatermarkOption],
	},
	{
		// The same field where nothing is waited for: without a download there would be no option to add.
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		displayOptions: { show: { wait: ['none'], download: [true] } },
		options: [withoutWatermarkOption],
	},
]);

/** Gets every item's task, once or until it is finished. Spends nothing. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const items = await Items.read(this, readParameters.bind(this));
	const { api, cancellation } = items.batch;
	const poller = new TaskPoller(this.getNode(), api, cancellation);
	await items.each(
		async (parameters, itemIndex) =>
			await get.call(this, items.batch, poller, parameters, itemIndex),
	);
	return items.finish();
}

function readParameters(this: IExecuteFunctions, itemIndex: number) {
	const parameters = new Parameters(this, itemIndex);
	const waits = parameters.wait() === 'poll';
	return {
		taskId: parameters.id('taskId', 'Task'),
		account: parameters.account(),
		waits,
		timeoutMs: waits ? parameters.timeoutMs() : 0,
		pollIntervalMs: waits ? parameters.pollIntervalMs() : undefined,
		settings: parameters.output(),
	};
}

async function get(
	this: IExecuteFunctions,
	batch: Batch,
	poller: TaskPoller,
	{
		taskId,
		account,
		waits,
		timeoutMs,
		pollIntervalMs,
		settings,
	}: ReturnType<typeof readParameters>,
	itemIndex: number,
): Promise<INodeExecutionData[]> {
	const node = this.getNode();
	const model = waits
		? await poller.waitFor({
				taskId,
				account,
				itemIndex,
				timeoutMs,
				pollIntervalMs,
				justSubmitted: false,
			})
		: await lookAtTask(node, batch, taskId, account, itemIndex);
	// Who waits for a result, or asks for images, wants to hear of a failure; a plain look just tells the status.
	if (waits || settings.output === 'images') assertImages.call(this, model, taskId, itemIndex);
	return await buildItems.call(this, batch, model, { taskId, account }, settings, itemIndex);
}

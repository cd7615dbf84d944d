import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import { runJobs } from '../../job/runJobs';
import type { JobParameters } from '../../job/submission/attempt';
import {
	accountField,
	downloadFields,
	imageField,
	pollIntervalOption,
	reuseOption,
	showFor,
	taskField,
	timeoutOption,
	withoutWatermarkOption,
} from '../fields';
import { PaidParameters } from './paidParameters';

export const description: INodeProperties[] = showFor('image', 'upscale', [
	accountField,
	{ ...taskField, description: 'The finished Kling task that made the image' },
	imageField,
	{
		displayName: 'Wait for Result',
		name: 'wait',
		type: 'options',
		noDataExpression: true,
		default: 'poll',
		builderHint: {
			propertyHint:
				'Keep "poll" unless the user asks for something else. "callback" needs an n8n that can be reached from the internet, and a Kling node after it with resource "task", operation "get" and wait "poll" for calls that got lost. "none" gives no image, only the ID of the new task.',
		},
		options: [
			{
				name: 'Wait Until Finished',
				value: 'poll',
				description: 'Check the status until the task is finished, then continue with its result',
			},
			{
				name: 'Pause Until Called Back',
				value: 'callback',
				description: 'Pause the execution until useapi.net calls this n8n about the result',
				displayOptions: { hide: { '@tool': [true] } },
			},
			{
				name: "Don't Wait",
				value: 'none',
				description:
					"Continue at once with the ID of the new task. useapi.net can call the 'Reply URL' later.",
			},
		],
	},
	{
		displayName:
			"useapi.net must be able to reach this n8n from the internet. If its call does not come within 'Time Limit', the workflow continues with tasks that are not finished. To be safe, put a Kling node with Task → Get after this one.",
		name: 'callbackNotice',
		type: 'notice',
		default: '',
		displayOptions: { show: { wait: ['callback'] }, hide: { '@tool': [true] } },
	},
	{
		displayName: 'Reply URL',
		name: 'replyUrl',
		type: 'string',
		default: '',
		placeholder: 'e.g. https://my-n8n.example.com/webhook/kling',
		description:
			'Where useapi.net reports the result: the Production URL of a Kling Trigger or an n8n Webhook node that starts another workflow',
		builderHint: {
			propertyHint:
				'Known only once the other workflow is there: the Production URL of its Kling Trigger. Never a test URL.',
		},
		displayOptions: { show: { wait: ['none'] } },
	},
	{
		displayName: 'Output',
		name: 'output',
		type: 'options',
		default: 'simplified',
		options: [
			{
				name: 'Raw',
				value: 'raw',
				description: 'The complete response from useapi.net',
			},
			{
				name: 'Simplified',
				value: 'simplified',
				description: 'Status, image links and IDs',
			},
		],
	},
	...downloadFields.map((field) => ({
		...field,
		// Nothing is there to download yet when the node does not wait.
		displayOptions: {
			...field.displayOptions,
			show: { ...field.displayOptions?.show, wait: ['poll', 'callback'] },
		},
	})),
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [
			{
				displayName: 'Max Jobs',
				name: 'maxJobs',
				type: 'number',
				default: 5,
				typeOptions: { minValue: 1, maxValue: 50 },
				description:
					"How many jobs the Kling account may run at once. Without this option the account's own limit applies.",
			},
			{ ...pollIntervalOption, displayOptions: { show: { '/wait': ['poll'] } } },
			{
				displayName: 'Reply Reference',
				name: 'replyRef',
				type: 'string',
				default: '',
				placeholder: 'e.g. order-1234',
				description: 'Custom text that useapi.net returns with each callback',
			},
			reuseOption,
			{
				...timeoutOption,
				description:
					'How long to wait for a free job slot, and then for the result. A task that takes longer continues at Kling and can be fetched later.',
			},
			{
				...withoutWatermarkOption,
				displayOptions: {
					...withoutWatermarkOption.displayOptions,
					show: { '/wait': ['poll', 'callback'], '/download': [true] },
				},
			},
		],
	},
]);

const UPSCALE_TYPE = 'mmu_image_upscale_aiweb';

/** Sends every item's job and then waits for all results together, as Wait for Result says. */
export async function execute(n8n: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await runJobs(n8n, (itemIndex, { baseUrl }) => readParameters(n8n, itemIndex, baseUrl));
}

function readParameters(n8n: IExecuteFunctions, itemIndex: number, baseUrl: string): JobParameters {
	const parameters = new PaidParameters(n8n, itemIndex, baseUrl);
	const { request, ...job } = parameters.job();
	const task_id = parameters.id('taskId', 'Task');
	const workId = parameters.id('workId', 'Image');
	return {
		...job,
		call: {
			operation: 'upscale',
			request: { task_id, workId, ...request },
			// "The request has no scale and no prompt, so two upscales of one image are the same work" (kling-api.md).
			fingerprint: JSON.stringify({ task_id, workId }),
			wanted: { type: UPSCALE_TYPE, fromWorkId: workId, sourceTaskId: task_id },
		},
	};
}

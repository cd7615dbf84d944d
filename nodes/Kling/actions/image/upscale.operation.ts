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
				name: 'Poll Until Finished',
				value: 'poll',
				description: 'Ask for the status until the task is finished, then go on with its result',
			},
			{
				name: 'Pause Until Called Back',
				value: 'callback',
				description: 'Put the execution to sleep until useapi.net calls this n8n about the result',
				displayOptions: { hide: { '@tool': [true] } },
			},
			{
				name: 'Return Immediately',
				value: 'none',
				description: 'Go on at once with the new task ID; useapi.net can call the Reply URL later',
			},
		],
	},
	{
		displayName:
			'This n8n must be reachable from the internet, since useapi.net calls it. If no call comes within the time limit, the workflow goes on with tasks that are not finished: put Task → Get after this node to be safe.',
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
				description: 'Everything useapi.net answers',
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
					"How many jobs the Kling account may run at once. Without this option the account's own limit counts.",
			},
			{ ...pollIntervalOption, displayOptions: { show: { '/wait': ['poll'] } } },
			{
				displayName: 'Reply Reference',
				name: 'replyRef',
				type: 'string',
				default: '',
				placeholder: 'e.g. order-1234',
				description:
					'A text of yours that useapi.net stores with the job and sends along to the Reply URL',
			},
			reuseOption,
			{
				...timeoutOption,
				description:
					'How long to wait while every job slot is taken, and then for the result. A task that takes longer goes on at Kling and can be fetched later.',
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

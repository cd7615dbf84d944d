import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import type { JobParameters } from '../../job/paidJob';
import { runJobs } from '../../job/runJobs';
import type { PaidOperation } from '../../job/submission/attempt';
import type { KlingApi } from '../../transport/client';
import type { UpscaleRequest } from '../../transport/types';
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
import { Parameters } from '../parameters';

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

const operation: PaidOperation<UpscaleRequest> = {
	name: 'upscale',
	send: async (api, request) => await api.upscale(request),
	/** "The request has no scale and no prompt, so two upscales of one image are the same work" (kling-api.md). */
	fingerprint: ({ task_id, workId }) => JSON.stringify({ task_id, workId }),
	wanted: ({ task_id, workId }) => ({
		type: UPSCALE_TYPE,
		sourceTaskId: task_id,
		matches: ({ type, fromWorkIds }) => type === UPSCALE_TYPE && fromWorkIds.includes(workId),
	}),
};

/** Sends every item's job and then waits for all results together, as Wait for Result says. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await runJobs(this, operation, readParameters.bind(this));
}

function readParameters(
	this: IExecuteFunctions,
	itemIndex: number,
	{ baseUrl }: KlingApi,
): JobParameters<UpscaleRequest> {
	const parameters = new Parameters(this, itemIndex);
	const wait = parameters.wait();
	const callsBack = wait === 'callback';
	const replyUrl = {
		poll: () => undefined,
		callback: () => parameters.resumeUrl(baseUrl),
		none: () => parameters.replyUrl(baseUrl),
	}[wait]();
	const account = parameters.account();
	const maxJobs = parameters.maxJobs();
	const replyRef = parameters.replyRef();
	const request: UpscaleRequest = {
		task_id: parameters.id('taskId', 'Task'),
		workId: parameters.id('workId', 'Image'),
		...(account && { email: account }),
		...(maxJobs && { maxJobs }),
		...(replyUrl && { replyUrl }),
		...(replyRef && { replyRef }),
	};
	const settings = parameters.output(['simplified', 'raw']);
	return {
		request,
		wait,
		callsBack,
		reuse: parameters.reuse(),
		timeoutMs: callsBack ? parameters.pauseLimitMs() : parameters.timeoutMs(),
		pollIntervalMs: wait === 'poll' ? parameters.pollIntervalMs() : undefined,
		settings: wait === 'none' ? { output: settings.output } : settings,
	};
}

import type { INodeProperties } from 'n8n-workflow';
import { updateDisplayOptions } from 'n8n-workflow';

import {
	downloadFields,
	optionsField,
	outputField,
	pollIntervalOption,
	RAW,
	SIMPLIFIED,
	timeoutOption,
	withoutWatermarkOption,
} from '../fields';

/**
 * The fields that every operation has which spends credits.
 *
 * @param moreOptions those of the operation itself, in the place that n8n's order by name gives them
 */
export const paidFields = (moreOptions: INodeProperties[] = []): INodeProperties[] => [
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
	outputField(RAW, SIMPLIFIED),
	// Nothing is there to download yet when the node does not wait.
	...updateDisplayOptions({ show: { wait: ['poll', 'callback'] } }, downloadFields),
	optionsField([
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
		...moreOptions,
		{
			displayName: 'Spending Limit',
			name: 'spendingLimit',
			type: 'number',
			default: 10,
			typeOptions: { minValue: 1 },
			description:
				'The most jobs that this node sends in one execution, in all its runs and tries. Further items get an error, and nothing is spent for them. As a tool of an AI agent the limit is 10 without this option.',
		},
		{
			...timeoutOption,
			description:
				'How long to wait for a free job slot, and then for the result. A task that takes longer continues at Kling and can be fetched later.',
		},
		...updateDisplayOptions({ show: { '/wait': ['poll', 'callback'] } }, [withoutWatermarkOption]),
	]),
];

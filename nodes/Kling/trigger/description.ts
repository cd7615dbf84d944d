import type { INodeProperties, TriggerPanelDefinition } from 'n8n-workflow';

import { accountField, downloadFields, outputField, RAW, SIMPLIFIED } from '../actions/fields';

const TEST_HELP =
	"<b>While you build</b>, click the button above, then enter the Test URL as 'Reply URL' of a Kling job and send the job. Its result shows up here.<br /><br />";

/** What the editor says beside the node: n8n's own words would send people to useapi.net "to make an event happen". */
export const triggerPanel: TriggerPanelDefinition = {
	header: 'Wait for a Kling task',
	executionsHelp: {
		inactive: `${TEST_HELP}<b>For everyday use</b>, publish this workflow and enter the Production URL as 'Reply URL' of your Kling jobs. These executions show up in the executions list, not here.`,
		active: `${TEST_HELP}<b>This workflow is published</b>: enter the Production URL as 'Reply URL' of your Kling jobs. These executions show up in the <a data-key="executions">executions list</a>, not here.`,
	},
	activationHint:
		'Once you have finished building, publish the workflow and use the Production URL: it works all the time.',
};

export const properties: INodeProperties[] = [
	{
		displayName:
			"Open <b>Webhook URLs</b> above, copy the <b>Production URL</b> and paste it into 'Reply URL' of your Kling jobs, e.g. in a Kling node with 'Wait for Result' set to 'Don't Wait'. Then publish this workflow. The Test URL works only while you test.",
		name: 'replyUrlNotice',
		type: 'notice',
		default: '',
	},
	{
		...accountField,
		description:
			'The Kling account whose tasks start this workflow. Only needed with several accounts connected to useapi.net; tasks of the others then start nothing.',
	},
	{
		displayName: 'Events',
		name: 'events',
		type: 'multiOptions',
		noDataExpression: true,
		required: true,
		default: ['succeed', 'failed'],
		description: 'What starts the workflow',
		options: [
			{
				name: 'Succeeded',
				value: 'succeed',
				action: 'On task succeeded',
				description: 'A task is finished and has a result',
			},
			{
				name: 'Failed',
				value: 'failed',
				action: 'On task failed',
				description: 'A task ended without a result',
			},
			{
				name: 'Progress',
				value: 'progress',
				action: 'On task progress',
				description: 'The status of a task changed, but the task is not finished yet',
			},
		],
	},
	{
		displayName: 'Reply Reference',
		name: 'replyRef',
		type: 'string',
		default: '',
		placeholder: 'e.g. order-1234',
		description:
			"Start only on callbacks with exactly this text, which you gave the job as its 'Reply Reference'. Leave it empty to start on every callback. Callbacks are not signed, so do not use it as a secret.",
	},
	outputField(
		{
			...RAW,
			description: 'The complete response from useapi.net, also for video and audio tasks',
		},
		SIMPLIFIED,
	),
	...downloadFields,
];

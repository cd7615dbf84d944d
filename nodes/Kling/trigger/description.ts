import type { INodeProperties, TriggerPanelDefinition } from 'n8n-workflow';

import { accountField, downloadFields } from '../actions/fields';

const TEST_HELP =
	'<b>While you build</b>, click the button above, then put the Test URL into Reply URL of a Kling job and send it. Its result shows up here.<br /><br />';

/** What the editor says beside the node: n8n's own words would send people to useapi.net "to make an event happen". */
export const triggerPanel: TriggerPanelDefinition = {
	header: 'Wait for a Kling job',
	executionsHelp: {
		inactive: `${TEST_HELP}<b>For everyday use</b>, publish this workflow and put the Production URL into Reply URL of your Kling jobs. These runs show up in the executions list, not here.`,
		active: `${TEST_HELP}<b>This workflow is published</b>: put the Production URL into Reply URL of your Kling jobs. These runs show up in the <a data-key="executions">executions list</a>, not here.`,
	},
	activationHint:
		'Once you have finished building, publish the workflow and use the Production URL: it works all the time.',
};

export const properties: INodeProperties[] = [
	{
		displayName:
			'Open <b>Webhook URLs</b> above, copy the <b>Production URL</b> and paste it into <b>Reply URL</b> of your Kling jobs, e.g. in a Kling node with Wait for Result set to Return Immediately. Then publish this workflow. The Test URL works only while you test.',
		name: 'replyUrlNotice',
		type: 'notice',
		default: '',
	},
	{
		...accountField,
		description:
			'The Kling account whose jobs start this workflow. Only needed with several accounts connected to useapi.net; jobs of the others then start nothing.',
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
				action: 'On job succeeded',
				description: 'A job is finished and its result is there',
			},
			{
				name: 'Failed',
				value: 'failed',
				action: 'On job failed',
				description: 'A job ended without a result',
			},
			{
				name: 'Progress',
				value: 'progress',
				action: 'On job progress',
				description: 'A job moved on but is not finished yet',
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
			'Start only on calls that bring exactly this text, which a job got as its Reply Reference. Leave it empty to start on every call. It is no password: useapi.net offers no way to check it, so it rests on what the caller says.',
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
				description: 'Everything useapi.net answers, also about videos and other jobs',
			},
			{
				name: 'Simplified',
				value: 'simplified',
				description: 'Status, image links and IDs',
			},
		],
	},
	...downloadFields,
];

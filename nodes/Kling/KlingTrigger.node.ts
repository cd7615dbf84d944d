import type {
	IHookFunctions,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

import { searchAccounts } from './methods/listSearch';
import { assertReady } from './trigger/activate';
import { properties, triggerPanel } from './trigger/description';
import { receive } from './trigger/receive';

export class KlingTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kling Trigger',
		name: 'klingTrigger',
		icon: { light: 'file:kling.svg', dark: 'file:kling.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{$parameter["events"].join(", ")}}',
		// n8n shows both nodes as one entry of its node panel, with this text.
		description:
			'Enhance any image, upscale Kling AI images, get tasks, and start workflows when a task is finished',
		eventTriggerDescription: 'Waiting for useapi.net to call the Test URL',
		activationMessage: 'useapi.net can now call the Production URL of Kling Trigger.',
		builderHint: {
			searchHint:
				'For results of jobs that another workflow sends with wait "none": its Production URL goes into their replyUrl. Not needed with wait "poll", where the Kling node itself waits.',
			relatedNodes: [
				{
					nodeType: 'n8n-nodes-useapi-kling.kling',
					relationHint: "Sends the jobs, in another workflow, with this trigger's URL as replyUrl",
				},
			],
		},
		triggerPanel,
		defaults: { name: 'Kling Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'useApiNetApi', required: true }],
		webhooks: [{ name: 'default', httpMethod: 'POST', responseMode: 'onReceived', path: 'kling' }],
		properties,
	};

	methods = { listSearch: { searchAccounts } };

	// useapi.net is told of the URL job by job (Reply URL), so there is nothing to register or to remove there.
	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return false;
			},
			async create(this: IHookFunctions): Promise<boolean> {
				await assertReady(this);
				return true;
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receive(this);
	}
}

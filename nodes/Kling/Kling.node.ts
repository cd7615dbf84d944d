import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

import { properties, router } from './actions/router';
import { builderHint, resumeWebhooks, WAITING_TOOLTIP } from './actions/versionDescription';
import { resume } from './job/waiting/resume';
import { searchAccounts, searchImages, searchTasks } from './methods/listSearch';

export class Kling implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kling',
		name: 'kling',
		icon: { light: 'file:kling.svg', dark: 'file:kling.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description:
			'Enhance any image, upscale Kling AI images and get Kling tasks through useapi.net',
		defaults: { name: 'Kling' },
		usableAsTool: true,
		builderHint,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		webhooks: resumeWebhooks,
		waitingNodeTooltip: WAITING_TOOLTIP,
		credentials: [{ name: 'useApiNetApi', required: true }],
		properties,
	};

	methods = { listSearch: { searchAccounts, searchTasks, searchImages } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await router(this);
	}

	/** Answers callbacks while an execution is suspended at this node. */
	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await resume(this);
	}
}

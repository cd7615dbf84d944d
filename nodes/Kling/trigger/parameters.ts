import type { IHookFunctions, IWebhookFunctions } from 'n8n-workflow';

import type { OutputSettings } from '../job/output/items';

/** What can start the workflow; `succeed` and `failed` are the API's own names. */
export type Event = 'succeed' | 'failed' | 'progress';

export interface TriggerSettings {
	events: Event[];
	account?: string;
	/** Only calls with this reference are of interest. */
	replyRef?: string;
	output: OutputSettings;
}

/** Nobody is there to read an error when a call comes in, so whatever is not usable counts as not set. */
export function readSettings(context: IWebhookFunctions): TriggerSettings {
	const events = context.getNodeParameter('events', []) as unknown;
	const download = context.getNodeParameter('download', false) === true;
	return {
		events: Array.isArray(events) ? (events as Event[]) : [],
		account: readAccount(context),
		replyRef: asText(context.getNodeParameter('replyRef', '')),
		output: {
			output: context.getNodeParameter('output', 'simplified') as OutputSettings['output'],
			...(download && {
				binaryPropertyName: asText(context.getNodeParameter('binaryPropertyName', '')) ?? 'data',
			}),
		},
	};
}

/** The email of a connected Kling account; empty means the only one there is. */
export function readAccount(context: IHookFunctions | IWebhookFunctions): string | undefined {
	return asText(context.getNodeParameter('account', '', { extractValue: true }));
}

function asText(value: unknown): string | undefined {
	const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
	return text === '' ? undefined : text;
}

import type { IWebhookDescription } from 'n8n-workflow';

/** The address of a suspended execution. It exists only while one is suspended, so there is nothing to set up or to take down. */
export const resumeWebhooks: IWebhookDescription[] = [
	{
		name: 'default',
		httpMethod: 'POST',
		responseMode: 'onReceived',
		// Or the caller would be told what the execution goes on with.
		responseData: '',
		path: '',
		isFullPath: true,
		restartWebhook: true,
	},
];

/** Shown on the canvas beside the node while it waits; an expression, as n8n wants it. */
export const WAITING_TOOLTIP =
	'={{ $parameter["wait"] === "callback" ? "Paused until useapi.net calls back about the images, or until the time limit" : "" }}';

import type { INodeTypeDescription, IWebhookDescription } from 'n8n-workflow';

/** Parts of the Kling node's description that are no fields. */

/** What n8n's own AI workflow builder is told when it looks for a node. People do not see it. */
export const builderHint: INodeTypeDescription['builderHint'] = {
	searchHint:
		'Sends the job and waits for its result by itself: never build a loop of HTTP Request, Wait and If around it. It takes all items at once, waits for free job slots and keeps the order: no Loop Over Items. For images that are not named by the user, put a Kling node with resource "task", operation "get" or "getAll" and output "images" before it, and map taskId and workId from it. For images that Kling has not made, operation "enhance". Retry On Fail never pays twice.',
	relatedNodes: [
		{
			nodeType: 'n8n-nodes-useapi-kling.klingTrigger',
			relationHint:
				'Starts another workflow with the result of jobs that were sent with wait "none" and its Production URL as replyUrl',
		},
		{
			nodeType: 'n8n-nodes-base.removeDuplicates',
			relationHint:
				'In scheduled workflows between "getAll" and "upscale", by workId, with operation "removeItemsSeenInPreviousExecutions": an image that was upscaled before would be paid again',
		},
	],
};

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

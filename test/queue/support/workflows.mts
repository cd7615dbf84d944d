import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import type {
	Credential,
	RestClient,
	Workflow,
	WorkflowNode,
} from '../../../tools/n8n/restClient.mts';

/** Workflows that a call of their webhook starts: what runs in the queue, unlike a click in the editor. */

const KLING = 'n8n-nodes-useapi-kling.kling';
const PUBLISH_LIMIT_MS = 30_000;

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
export const byEmail = (value: string) => ({ __rl: true, mode: 'email', value });

export interface Step {
	name: string;
	type: string;
	typeVersion: number;
	parameters: Record<string, unknown>;
}

/** One item for each image that the call names. */
export const split: Step = {
	name: 'Images',
	type: 'n8n-nodes-base.splitOut',
	typeVersion: 1,
	parameters: { fieldToSplitOut: 'body.images' },
};

/** Upscale of the image that the call, or the item, names. */
export const upscale = (changes: Record<string, unknown> = {}): Step => ({
	name: 'Upscale',
	type: KLING,
	typeVersion: 1,
	parameters: {
		resource: 'image',
		operation: 'upscale',
		account: byEmail('={{ ($json.body ?? $json).account }}'),
		taskId: byId('={{ ($json.body ?? $json).taskId }}'),
		workId: byId('={{ ($json.body ?? $json).workId }}'),
		wait: 'poll',
		output: 'simplified',
		...changes,
	},
});

/** Puts this file out as a binary property. */
export const picture = (file: Buffer): Step[] => [
	{
		name: 'Text',
		type: 'n8n-nodes-base.set',
		typeVersion: 3.4,
		parameters: { mode: 'raw', jsonOutput: JSON.stringify({ file: file.toString('base64') }) },
	},
	{
		name: 'File',
		type: 'n8n-nodes-base.convertToFile',
		typeVersion: 1.1,
		parameters: { operation: 'toBinary', sourceProperty: 'file' },
	},
];

/** Enhance of the item's file. */
export const enhance = (changes: Record<string, unknown> = {}): Step => ({
	name: 'Enhance',
	type: KLING,
	typeVersion: 1,
	parameters: {
		resource: 'image',
		operation: 'enhance',
		account: byEmail("={{ $('Called').first().json.body.account }}"),
		wait: 'poll',
		output: 'simplified',
		options: { replyRef: "={{ $('Called').first().json.body.reference }}" },
		...changes,
	},
});

/** Waits for the task that the step before it has sent. */
export const get = (changes: Record<string, unknown> = {}): Step => ({
	name: 'Get',
	type: KLING,
	typeVersion: 1,
	parameters: {
		resource: 'task',
		operation: 'get',
		account: byEmail('={{ $json.account }}'),
		taskId: byId('={{ $json.taskId }}'),
		wait: 'poll',
		...changes,
	},
});

/** All images made since a time by the account that the call names, of one kind with those that Upscale makes. */
export const getMany = (createdAfter: string): Step => ({
	name: 'Get Many',
	type: KLING,
	typeVersion: 1,
	parameters: {
		resource: 'task',
		operation: 'getAll',
		account: byEmail('={{ $json.body.account }}'),
		returnAll: true,
		output: 'simplified',
		filters: { createdAfter },
	},
});

/** Keeps a worker busy with the execution; n8n suspends it only from 65 s on. */
export const busy = (seconds: number): Step => ({
	name: 'Busy',
	type: 'n8n-nodes-base.wait',
	typeVersion: 1.1,
	parameters: { amount: seconds, unit: 'seconds' },
});

/** Publishes Called → the steps, one after the other. @returns the path of its webhook */
export async function publish(
	api: RestClient,
	{ id, name }: Credential & { id: string },
	...steps: Step[]
): Promise<string> {
	const path = randomUUID();
	const called: Step = {
		name: 'Called',
		type: 'n8n-nodes-base.webhook',
		typeVersion: 2.1,
		parameters: {
			httpMethod: 'POST',
			path,
			responseMode: 'onReceived',
			options: { responseData: '={{ $execution.id }}' },
		},
	};
	const nodes = [called, ...steps].map(
		(step, place): WorkflowNode => ({
			...step,
			id: randomUUID(),
			position: [220 * place, 0],
			...(step === called && { webhookId: path }),
			...(step.type === KLING && { credentials: { useApiNetApi: { id, name } } }),
		}),
	);
	const connections = Object.fromEntries(
		nodes
			.slice(1)
			.map((node, place) => [
				nodes[place].name,
				{ main: [[{ node: node.name, type: 'main', index: 0 }]] },
			]),
	);
	await publishWorkflow(api, {
		name: `Queue ${path}`,
		nodes,
		connections,
		settings: { executionOrder: 'v1' },
	});
	return path;
}

/** @returns the workflow's id */
export async function publishWorkflow(api: RestClient, workflow: Workflow): Promise<string> {
	const { id, versionId } = await api.importWorkflow(workflow);
	await api.request('POST', `/rest/workflows/${id}/activate`, { versionId });
	return id;
}

/** Reads the file with another node, which need not run where the file was stored. */
export const hash: Step = {
	name: 'Hash',
	type: 'n8n-nodes-base.crypto',
	typeVersion: 1,
	parameters: { action: 'hash', type: 'SHA256', binaryData: true, dataPropertyName: 'hash' },
};

/** Calls a webhook. A fresh one can be unknown for a moment. @returns the execution's id */
export async function call(webhookUrl: string, path: string, body: object): Promise<string> {
	const deadline = Date.now() + PUBLISH_LIMIT_MS;
	for (;;) {
		const answer = await fetch(`${webhookUrl}/webhook/${path}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		const text = await answer.text();
		if (answer.ok) return text;
		if (answer.status !== 404 || Date.now() > deadline) {
			throw new Error(`The webhook answered ${answer.status}: ${text}`);
		}
		await pause(100);
	}
}

// The workflows of the soak: each starts with a webhook, waits in the middle, and ends with a node that does nothing.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { NODE_TYPE } from '../../tools/project.mts';
import type { Workflow, WorkflowNode } from '../../tools/n8n/restClient.mts';
import type { RunningN8n } from '../../tools/n8n/process.mts';
import { UserError } from '../../tools/terminal.mts';

/** Longer than the soak: nothing here goes on by n8n's own clock. */
const TIME_LIMIT_S = 7_200;
/** A workflow that has just been published answers 404 for a moment. */
const PUBLISH_LIMIT_MS = 20_000;
const LOOK_AGAIN_MS = 250;
const NODE_WIDTH_PX = 220;

/** The task and image that all jobs are about. */
export const SEED = { taskId: '123456789', workId: '987654321' };
/** The node after the one that waits. */
export const DONE = 'Done';
/** The node that waits. */
export const UPSCALE = 'Upscale';

/** A published workflow, and the address that starts it. */
export interface Published {
	id: string;
	url: string;
}

type Part = [name: string, type: string, typeVersion: number, settings?: Partial<WorkflowNode>];

/**
 * Of the item, or of the call. As expressions, as ids mostly are: n8n checks one that is typed in each time an execution
 * starts or resumes, and gives up on both when the check takes 250 ms, as it can on a busy machine.
 */
const given = (field: string) => `={{ ($json.body ?? $json).${field} }}`;
const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const webhook = (parameters: object = {}): Part => [
	'Webhook',
	'n8n-nodes-base.webhook',
	2,
	{
		webhookId: randomUUID(),
		parameters: { httpMethod: 'POST', path: randomUUID(), ...parameters },
	},
];
const upscale = (credentials: WorkflowNode['credentials']): Part => [
	UPSCALE,
	NODE_TYPE,
	1,
	{
		credentials,
		parameters: {
			resource: 'image',
			operation: 'upscale',
			taskId: byId(given('taskId')),
			workId: byId(given('workId')),
			wait: 'callback',
			options: {
				replyRef: given('reference'),
				timeout: TIME_LIMIT_S,
			},
		},
	},
];
const splitOut: Part = [
	'Split Out',
	'n8n-nodes-base.splitOut',
	1,
	{ parameters: { fieldToSplitOut: 'body.items' } },
];
const tellResumeUrl: Part = [
	'Respond to Webhook',
	'n8n-nodes-base.respondToWebhook',
	1.4,
	{ parameters: { respondWith: 'text', responseBody: '={{ $execution.resumeUrl }}' } },
];
const wait: Part = [
	'Wait',
	'n8n-nodes-base.wait',
	1.1,
	{ webhookId: randomUUID(), parameters: { resume: 'webhook', httpMethod: 'POST' } },
];

function inARow(parts: Part[]): Workflow {
	const all: Part[] = [...parts, [DONE, 'n8n-nodes-base.noOp', 1]];
	const nodes = all.map(([name, type, typeVersion, settings], place) => ({
		id: randomUUID(),
		name,
		type,
		typeVersion,
		position: [NODE_WIDTH_PX * place, 0] as [number, number],
		parameters: {},
		...settings,
	}));
	const connections = Object.fromEntries(
		nodes
			.slice(0, -1)
			.map(({ name }, place) => [
				name,
				{ main: [[{ node: nodes[place + 1].name, type: 'main', index: 0 }]] },
			]),
	);
	const name = nodes.map((node) => node.name).join(' → ');
	return { name, nodes, connections, settings: { executionOrder: 'v1' } };
}

/** One item per execution; called with `{ reference, taskId, workId }`. */
export const singleItem = (credentials: WorkflowNode['credentials']): Workflow =>
	inARow([webhook(), upscale(credentials)]);

/** Many items per execution; called with `{ items: [{ reference, taskId, workId }] }`. */
export const manyItems = (credentials: WorkflowNode['credentials']): Workflow =>
	inARow([webhook(), splitOut, upscale(credentials)]);

/** n8n's own Wait node in place of Kling; answers a call with the execution's resume URL. */
export const waitNode = (): Workflow =>
	inARow([webhook({ responseMode: 'responseNode' }), tellResumeUrl, wait]);

export async function publish(n8n: RunningN8n, workflow: Workflow): Promise<Published> {
	const saved = await n8n.api.importWorkflow(workflow);
	await n8n.api.publishWorkflow(saved);
	const url = `${n8n.url}/webhook/${String(workflow.nodes[0].parameters.path)}`;
	const deadline = Date.now() + PUBLISH_LIMIT_MS;
	// A GET starts nothing; what it is answered tells whether n8n knows the address yet.
	while (!(await (await fetch(url)).text()).includes('Did you mean to make a POST request')) {
		if (Date.now() > deadline) throw new UserError(`n8n did not publish "${workflow.name}".`);
		await pause(LOOK_AGAIN_MS);
	}
	return { id: saved.id, url };
}

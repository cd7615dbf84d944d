// The workflows that are measured: each starts with a webhook, takes its items from the call, and ends with a node that
// does nothing. What they ask of useapi.net is asked of the sandbox when they run.
import { randomUUID } from 'node:crypto';
import type { Workflow, WorkflowNode } from '../tools/n8n/restClient.mts';

export const VENDOR_URL = 'https://api.useapi.net';
/** Longer than any measurement: nothing here goes on by n8n's own clock. */
const TIME_LIMIT_S = 7_200;
/** The node that is measured. */
export const UPSCALE = 'Upscale';
/** The last node. */
export const DONE = 'Done';

/** @param type of n8n's own nodes without the package */
function node(
	name: string,
	type: string,
	version: number,
	parameters: object,
	credential?: string,
) {
	return {
		id: randomUUID(),
		webhookId: randomUUID(),
		name,
		type: type.includes('.') ? type : `n8n-nodes-base.${type}`,
		typeVersion: version,
		position: [0, 0] as [number, number],
		parameters: parameters as WorkflowNode['parameters'],
		...(credential && { credentials: { [credential]: { id: '', name: '' } } }),
	};
}

const webhook = (more: object = {}) =>
	node('Webhook', 'webhook', 2, { httpMethod: 'POST', path: '', ...more });
const splitOut = () => node('Split Out', 'splitOut', 1, { fieldToSplitOut: 'body.items' });
const done = () => node(DONE, 'noOp', 1, {});

/** From a node's output to another node. */
type Link = [from: string, to: string, output?: number];

function workflow(nodes: WorkflowNode[], links: Link[]): Workflow {
	const connections: Record<string, { main: object[][] }> = {};
	for (const [from, to, output = 0] of links) {
		const { main } = (connections[from] ??= { main: [[], []] });
		main[output].push({ node: to, type: 'main', index: 0 });
	}
	const name = nodes.map((each) => each.name).join(', ');
	return { name, nodes, connections, settings: { executionOrder: 'v1' } };
}
const chain = (...names: string[]): Link[] =>
	names.slice(1).map((name, at): Link => [names[at], name]);
const inARow = (...nodes: WorkflowNode[]): Workflow =>
	workflow(nodes, chain(...nodes.map(({ name }) => name)));

/**
 * An id as an expression, as it mostly is: n8n checks one that is typed in each time an execution starts or resumes,
 * and gives up on both when the check takes 250 ms, as it can on a busy machine.
 */
const from = (field: string, mode = 'id') => ({ __rl: true, mode, value: `={{ $json.${field} }}` });

const upscale = (type: string, parameters: object, credential: string): Workflow =>
	inARow(webhook(), splitOut(), node(UPSCALE, type, 1, parameters, credential), done());

export function kling(wait: 'poll' | 'callback', more: object = {}): Workflow {
	const image = { taskId: from('taskId'), workId: from('workId') };
	const where = { ...image, account: from('account', 'email') };
	const options = { replyRef: '={{ $json.reference }}', timeout: TIME_LIMIT_S };
	const parameters = { resource: 'image', operation: 'upscale', ...where, wait, options, ...more };
	return upscale('n8n-nodes-useapi-kling.kling', parameters, 'useApiNetApi');
}

/** n8n-nodes-useapi-net with the defaults of its operation, which has no field for the image (workId). */
export function useApiNet(): Workflow {
	const what = { resource: 'kling', operation: 'upscaleImage', task_id: '={{ $json.taskId }}' };
	const parameters = { ...what, account: '', waitForCompletion: true };
	return upscale('n8n-nodes-useapi-net.useApi', parameters, 'useApiCredentials');
}

/** n8n's own Wait node in place of Kling; answers a call with the execution's resume URL. */
export function waitNode(): Workflow {
	const resumeUrl = '={{ JSON.stringify($execution.resumeUrl) }}';
	const answer = { respondWith: 'text', responseBody: resumeUrl };
	const respond = node('Respond to Webhook', 'respondToWebhook', 1.4, answer);
	const wait = node('Wait', 'wait', 1.1, { resume: 'webhook', httpMethod: 'POST' });
	return inARow(webhook({ responseMode: 'responseNode' }), respond, wait, done());
}

function httpRequest(name: string, path: string, parameters: object) {
	const credential = { authentication: 'genericCredentialType', genericAuthType: 'httpBearerAuth' };
	const all = { ...credential, url: `=${VENDOR_URL}/v1/kling/${path}`, options: {}, ...parameters };
	return node(name, 'httpRequest', 4.5, all, 'httpBearerAuth');
}

/**
 * What people build without a node of their own: send the job, wait, ask, and wait again until the task is final.
 *
 * @param oneByOne true: one item after the other (Loop Over Items); false: all items through every node together
 */
export function httpLoop(pauseSeconds: number, oneByOne: boolean): Workflow {
	const submit = httpRequest(UPSCALE, 'images/upscale', {
		method: 'POST',
		sendBody: true,
		specifyBody: 'json',
		jsonBody: '={{ { task_id: $json.taskId, workId: $json.workId } }}',
	});
	const wait = node('Wait', 'wait', 1.1, { amount: pauseSeconds });
	const look = httpRequest('Look', 'tasks/{{ $json.task.id }}', {});
	const operator = { type: 'boolean', operation: 'true', singleValue: true };
	const isFinal = { leftValue: '={{ $json.status_final }}', rightValue: '', operator };
	const options = { caseSensitive: true, typeValidation: 'strict', version: 3 };
	const conditions = { options, conditions: [isFinal], combinator: 'and' };
	const finished = node('Finished?', 'if', 2.3, { conditions });
	const nodes = [webhook(), splitOut(), submit, wait, look, finished, done()];
	const begin = chain('Webhook', 'Split Out', oneByOne ? 'Loop' : UPSCALE);
	const ask = chain(UPSCALE, 'Wait', 'Look', 'Finished?', oneByOne ? 'Loop' : DONE);
	const links: Link[] = [...begin, ...ask, ['Finished?', 'Wait', 1]];
	if (!oneByOne) return workflow(nodes, links);
	const loop = node('Loop', 'splitInBatches', 3, { options: {} });
	return workflow([...nodes, loop], [...links, ['Loop', DONE], ['Loop', UPSCALE, 1]]);
}

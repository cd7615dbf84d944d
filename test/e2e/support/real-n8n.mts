import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { SandboxOptions } from '../../../sandbox/options.mts';
import { startSandbox, type Sandbox } from '../../../sandbox/server.mts';
import { freePort, startN8n, type RunningN8n } from '../../../tools/n8n/process.mts';
import {
	itemsOf,
	type Credential,
	type Execution,
	type Login,
	type RestClient,
	type Workflow,
	type WorkflowNode,
} from '../../../tools/n8n/restClient.mts';
import { PROJECT, WORK } from '../../../tools/project.mts';

/** The real n8n with the packed tarball, and sandboxes for it to talk to; in a folder of its own, thrown away after. */

export const KLING = 'n8n-nodes-useapi-kling.kling';
export const KLING_TRIGGER = `${KLING}Trigger`;
const CREDENTIAL = 'useApiNetApi';

export type SavedCredential = Credential & { id: string };

export interface RealN8n {
	n8n: RunningN8n;
	api: RestClient;
	login: Login;
	/** For files of a test; gone with n8n. */
	folder: string;
	/** A sandbox with a credential for it in n8n. */
	open(options?: SandboxOptions): Promise<{ sandbox: Sandbox; credential: SavedCredential }>;
	/** Ends n8n as a power cut would and starts it again on its data, at the same address. */
	killAndRestart(): Promise<void>;
	/** Ends n8n and starts it again at the same address, with all that it has stored. */
	restart(): Promise<void>;
	close(): Promise<void>;
}

/** Waits for a condition with a deadline: a workflow that was just published can be unknown for a moment. */
export async function until(condition: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
	const deadline = Date.now() + limitMs;
	while (!(await condition())) {
		if (Date.now() > deadline) throw new Error('It never came to that');
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

export async function openN8n(): Promise<RealN8n> {
	const folder = join(WORK, 'e2e', randomUUID());
	await mkdir(folder, { recursive: true });
	const options = { folder, tarballs: [process.env.KLING_TARBALL!], port: await freePort() };
	const n8n = await startN8n(options);
	const { api } = n8n;
	const login = { email: 'owner@example.com', password: `Kling-${randomUUID()}-1` };
	await api.login(login);
	const sandboxes: Sandbox[] = [];
	const startAgain = async () => {
		real.n8n = await startN8n(options);
		real.api = real.n8n.api;
		await real.api.login(login);
	};
	const real: RealN8n = {
		n8n,
		api,
		login,
		async killAndRestart() {
			await real.n8n.kill();
			await startAgain();
		},
		folder,
		async open(options = {}) {
			const sandbox = await startSandbox({ jobMs: 500, scale: 1, ...options });
			sandboxes.push(sandbox);
			const credential = await real.api.createCredential({
				name: `Sandbox ${sandboxes.length}`,
				type: CREDENTIAL,
				data: { apiToken: sandbox.token, baseUrl: sandbox.url },
			});
			return { sandbox, credential };
		},
		async restart() {
			await real.n8n.stop();
			await startAgain();
		},
		async close() {
			await real.n8n.stop();
			await Promise.all(sandboxes.map(async (sandbox) => await sandbox.close()));
			await rm(folder, { recursive: true, force: true });
		},
	};
	return real;
}

/** Start → Items → Kling → Result (and Failed), as the editor stores it. */
export function klingWorkflow(
	items: object[],
	parameters: Record<string, unknown>,
	{ id, name }: SavedCredential,
	settings: Partial<WorkflowNode> = {},
): Workflow {
	const node = (nodeName: string, type: string, extra: Partial<WorkflowNode>): WorkflowNode => ({
		id: randomUUID(),
		name: nodeName,
		type,
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
		...extra,
	});
	const to = (nodeName: string) => [{ node: nodeName, type: 'main', index: 0 }];
	const sideBySide = (nodes: WorkflowNode[]): WorkflowNode[] =>
		nodes.map((each, place) => ({ ...each, position: [220 * place, 0] }));
	return {
		name: `Test ${randomUUID()}`,
		nodes: sideBySide([
			node('Start', 'n8n-nodes-base.manualTrigger', {}),
			node('Items', 'n8n-nodes-base.code', {
				typeVersion: 2,
				parameters: { jsCode: `return ${JSON.stringify(items.map((json) => ({ json })))};` },
			}),
			node('Kling', KLING, {
				parameters,
				credentials: { [CREDENTIAL]: { id, name } },
				...settings,
			}),
			node('Result', 'n8n-nodes-base.noOp', {}),
			node('Failed', 'n8n-nodes-base.noOp', {}),
		]),
		connections: {
			Start: { main: [to('Items')] },
			Items: { main: [to('Kling')] },
			Kling: {
				main: [to('Result'), settings.onError === 'continueErrorOutput' ? to('Failed') : []],
			},
		},
		settings: { executionOrder: 'v1' },
	};
}

/** Trigger → Result, as the editor stores it; `path` is that of its Production URL and its Test URL. */
export function triggerWorkflow(
	parameters: Record<string, unknown>,
	credential: SavedCredential,
): Workflow & { path: string } {
	const { nodes, settings } = klingWorkflow([], parameters, credential);
	const [, , kling, result] = nodes;
	const webhookId = randomUUID();
	return {
		name: `Test ${webhookId}`,
		nodes: [{ ...kling, name: 'Trigger', type: KLING_TRIGGER, webhookId }, result],
		connections: { Trigger: { main: [[{ node: 'Result', type: 'main', index: 0 }]] } },
		settings,
		path: `${webhookId}/kling`,
	};
}

/** Imports a workflow and presses "Execute workflow". */
export async function execute(
	api: RestClient,
	workflow: Workflow,
	trigger = 'Start',
): Promise<Execution> {
	const { id } = await api.importWorkflow(workflow);
	return await api.waitForExecution(await api.runWorkflow(id, trigger));
}

/** The executions of a workflow, each waited for to its end, newest first. */
export async function executionsOf(api: RestClient, workflowId: string): Promise<Execution[]> {
	const { results } = await api.listExecutions(workflowId);
	return await Promise.all(results.map(async ({ id }) => await api.waitForExecution(id)));
}

/** The examples of that version, as users have saved them. */
export const SAVED_WITH_1_0_0 = 'test/fixtures/1.0.0';

/**
 * An example as a user gets it, with the credential chosen in its Kling nodes.
 *
 * @param others credentials of other services, by how the types of their nodes begin
 */
export async function readExample(
	file: string,
	credential: SavedCredential,
	others: Record<string, SavedCredential> = {},
	folder = 'examples',
): Promise<Workflow> {
	const workflow = JSON.parse(await readFile(join(PROJECT, folder, file), 'utf8')) as Workflow;
	for (const node of workflow.nodes) {
		for (const [types, { type, id, name }] of Object.entries({ [KLING]: credential, ...others })) {
			if (node.type.startsWith(types)) node.credentials = { [type]: { id, name } };
		}
	}
	return workflow;
}

/** @throws if the workflow has no node of that name */
export function nodeOf({ nodes }: Workflow, name: string): WorkflowNode {
	const found = nodes.find((node) => node.name === name);
	if (!found) throw new Error(`There is no node ${name}`);
	return found;
}

export { itemsOf };

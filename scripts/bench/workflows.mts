// The workflows that run against each other. Each is a file that can be imported into n8n; only what differs from run to
// run is filled in here.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from '../../sandbox/server.mts';
import type { RestClient, Workflow } from '../../tools/n8n/restClient.mts';
import { PROJECT } from '../../tools/project.mts';

export type WorkflowName = 'kling' | 'loop' | 'all-at-once' | 'useapi-net';
/** The nodes that the files have in common. */
export const NODES = {
	trigger: 'Start',
	items: 'Items',
	wait: 'Wait',
	kling: 'Kling',
	result: 'Result',
};

const VENDOR_URL = 'https://api.useapi.net';
/** What each kind of credential needs to reach the sandbox. */
const CREDENTIAL_DATA: Record<string, (sandbox: Sandbox) => Record<string, string>> = {
	useApiNetApi: ({ token, url }) => ({ apiToken: token, baseUrl: url }),
	httpBearerAuth: ({ token }) => ({ token }),
	// Its Base URL is a hidden field that no user can change; it is set here, since there is only the sandbox to ask.
	useApiCredentials: ({ token, url }) => ({ apiToken: token, baseUrl: url }),
};

/** The image that every item is about. */
export const SOURCE = { taskId: '123456789', workId: '987654321' };

export interface Filling {
	items: number;
	/** Emails of the Kling accounts that the items are dealt out to; with one, none is named. */
	accounts: string[];
	/** The pause of the Wait node, in seconds. */
	pauseSeconds?: number;
	/** More parameters of the Kling node. */
	parameters?: Record<string, unknown>;
}

/** Code for the node Items: made there, so that the workflow itself is no larger for a thousand items. */
function itemsCode(count: number, accounts: string[]): string {
	const source = JSON.stringify(SOURCE);
	return accounts.length > 1
		? `const accounts = ${JSON.stringify(accounts)};
return Array.from({ length: ${count} }, (_, i) => ({ json: { ...${source}, account: accounts[i % accounts.length] } }));`
		: `return Array.from({ length: ${count} }, () => ({ json: ${source} }));`;
}

/** The workflow with the sandbox in the vendor's place, and its credentials made in n8n. */
export async function readWorkflow(
	name: WorkflowName,
	{ items, accounts, pauseSeconds, parameters }: Filling,
	api: RestClient,
	sandbox: Sandbox,
): Promise<Workflow> {
	const file = join(PROJECT, 'scripts', 'bench', 'workflows', `${name}.json`);
	const text = await readFile(file, 'utf8');
	const workflow = JSON.parse(text.replaceAll(VENDOR_URL, sandbox.url)) as Workflow;
	const made = new Map<string, { id: string; name: string }>();
	for (const node of workflow.nodes) {
		if (node.name === NODES.items) {
			node.parameters.jsCode = itemsCode(items, accounts);
		}
		if (node.name === NODES.wait && pauseSeconds) node.parameters.amount = pauseSeconds;
		if (node.name === NODES.kling) Object.assign(node.parameters, parameters);
		for (const type of Object.keys(node.credentials ?? {})) {
			if (!made.has(type)) {
				const data = CREDENTIAL_DATA[type](sandbox);
				const { id } = await api.createCredential({ name: `${type} ${sandbox.url}`, type, data });
				made.set(type, { id, name: `${type} ${sandbox.url}` });
			}
			node.credentials = { [type]: made.get(type)! };
		}
	}
	return workflow;
}

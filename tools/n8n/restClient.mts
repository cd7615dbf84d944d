// The REST calls that n8n's editor makes, as far as the tools and the tests need them.
import { parse as parseFlatted } from 'flatted';
import type { INodeExecutionData, IRunExecutionData } from 'n8n-workflow';
import { setTimeout as pause } from 'node:timers/promises';

const LOOK_AGAIN_MS = 250;
const EXECUTION_LIMIT_MS = 300_000;
export const RUNNING = ['new', 'running', 'waiting', 'unknown'];
/** The most that n8n lists at once. */
const PAGE_SIZE = 100;

export interface Login {
	email: string;
	password: string;
}
export interface Credential {
	id?: string;
	name: string;
	type: string;
	data: Record<string, unknown>;
}
export interface WorkflowNode {
	id: string;
	name: string;
	type: string;
	typeVersion: number;
	position: [number, number];
	parameters: Record<string, unknown>;
	credentials?: Record<string, { id: string; name: string }>;
	[key: string]: unknown;
}
export interface Workflow {
	name: string;
	nodes: WorkflowNode[];
	connections: Record<string, unknown>;
	[key: string]: unknown;
}
type Saved<T> = T & { id: string };
export type SavedWorkflow = Saved<Workflow> & { versionId: string; isArchived?: boolean };
export type Item = INodeExecutionData;
/** An execution as the editor's list has it: without its data. */
export interface ExecutionSummary {
	id: string;
	status: string;
	startedAt: string;
	/** null while it has not ended. */
	stoppedAt: string | null;
	/** Until when it waits at the latest; null while it does not. */
	waitTill: string | null;
}
export interface Execution {
	id: string;
	status: string;
	startedAt: string;
	stoppedAt: string;
	resultData: IRunExecutionData['resultData'];
}
export type RunError = NonNullable<Execution['resultData']['error']>;

export class RestError extends Error {
	name = 'RestError';
	constructor(
		readonly status: number,
		message: string,
	) {
		super(message);
	}
}

/** What a node put out in its last run, output by output joined. */
export const itemsOf = (execution: Execution, node: string): Item[] =>
	execution.resultData.runData[node]?.at(-1)?.data?.main.flatMap((items) => items ?? []) ?? [];

export class RestClient {
	/** Signs in any other request to this n8n. */
	headers: Record<string, string> = {};

	constructor(readonly url: string) {}

	async #fetch(method: string, path: string, body?: unknown): Promise<Response> {
		const response = await fetch(this.url + path, {
			method,
			headers: {
				...this.headers,
				...(body !== undefined && { 'content-type': 'application/json' }),
			},
			body: JSON.stringify(body),
		});
		const cookie = response.headers.getSetCookie().find((line) => line.startsWith('n8n-auth='));
		if (cookie) this.headers = { cookie: cookie.split(';')[0] };
		if (response.ok) return response;
		const text = (await response.text()).slice(0, 500);
		const asked = `${method} ${path}`;
		throw new RestError(response.status, `n8n answered ${response.status} to ${asked}: ${text}`);
	}

	/** One call; answers n8n's `data`, or what it sent instead. */
	async request<T>(method: string, path: string, body?: unknown): Promise<T> {
		const answer = await (await this.#fetch(method, path, body)).json();
		return (answer.data ?? answer) as T;
	}

	/** The file behind an output item's binary field, as the editor's View and Download get it. */
	async getBinary({ id }: { id?: unknown }): Promise<Buffer> {
		const path = `/rest/binary-data?id=${encodeURIComponent(String(id))}&action=download`;
		return Buffer.from(await (await this.#fetch('GET', path)).arrayBuffer());
	}

	/** Signs in; on a new n8n the owner's account is made first. */
	async login({ email, password }: Login): Promise<void> {
		try {
			await this.request('POST', '/rest/login', { emailOrLdapLoginId: email, password });
		} catch (error) {
			const { userManagement } = await this.request<{
				userManagement: { showSetupOnFirstLoad?: boolean };
			}>('GET', '/rest/settings');
			if (!userManagement.showSetupOnFirstLoad) throw error;
			const owner = { email, password, firstName: 'Kling', lastName: 'Demo' };
			await this.request('POST', '/rest/owner/setup', owner);
		}
	}

	/** The node types that n8n has loaded, such as `n8n-nodes-base.set`. */
	async nodeTypes(): Promise<string[]> {
		const types = await this.request<Array<{ name: string }>>('GET', '/types/nodes.json');
		return types.map(({ name }) => name);
	}

	async createCredential(credential: Credential): Promise<Saved<Credential>> {
		return await this.request('POST', '/rest/credentials', credential);
	}

	/** Creates the credential, or updates the one of that name and type. */
	async saveCredential(credential: Credential): Promise<Saved<Credential>> {
		const all = await this.request<Array<Saved<Credential>>>('GET', '/rest/credentials');
		const same = all.find(({ name, type }) => name === credential.name && type === credential.type);
		if (!same) return await this.createCredential(credential);
		return await this.request('PATCH', `/rest/credentials/${same.id}`, credential);
	}

	async importWorkflow(workflow: Workflow): Promise<SavedWorkflow> {
		return await this.request('POST', '/rest/workflows', workflow);
	}

	async updateWorkflow(id: string, changes: Partial<Workflow>): Promise<SavedWorkflow> {
		return await this.request('PATCH', `/rest/workflows/${id}`, changes);
	}

	/** Undefined when somebody has deleted or archived it. */
	async findWorkflow(id: string): Promise<SavedWorkflow | undefined> {
		try {
			const workflow = await this.request<SavedWorkflow>('GET', `/rest/workflows/${id}`);
			return workflow.isArchived ? undefined : workflow;
		} catch (error) {
			if (error instanceof RestError && [403, 404].includes(error.status)) return undefined;
			throw error;
		}
	}

	/** The "Publish" button. */
	async publishWorkflow({ id, versionId }: Pick<SavedWorkflow, 'id' | 'versionId'>): Promise<void> {
		await this.request('POST', `/rest/workflows/${id}/activate`, { versionId });
	}

	/** The "Execute workflow" button; answers the execution's id. */
	async runWorkflow(id: string, trigger: string): Promise<string> {
		const body = { triggerToStartFrom: { name: trigger } };
		const path = `/rest/workflows/${id}/run`;
		return (await this.request<{ executionId: string }>('POST', path, body)).executionId;
	}

	/** All executions of a workflow, newest first. */
	async listExecutions(workflowId: string): Promise<ExecutionSummary[]> {
		const all: ExecutionSummary[] = [];
		let cursor: string | null | undefined;
		do {
			const page = await this.#executions({ workflowId }, PAGE_SIZE, cursor);
			all.push(...page.results);
			cursor = page.nextCursor;
		} while (cursor);
		return all;
	}

	/** How many executions of a workflow have one of these statuses now. */
	async countExecutions(workflowId: string, status: string[]): Promise<number> {
		return (await this.#executions({ workflowId, status }, 1)).count;
	}

	async #executions(filter: object, limit: number, cursor?: string | null) {
		const query = new URLSearchParams({ filter: JSON.stringify(filter), limit: String(limit) });
		if (cursor) query.set('cursor', cursor);
		return await this.request<{
			count: number;
			results: ExecutionSummary[];
			nextCursor?: string | null;
		}>('GET', `/rest/executions?${query}`);
	}

	/** The executions of a workflow, each waited for to its end, newest first. */
	async executionsOf(workflowId: string): Promise<Execution[]> {
		const all = await this.listExecutions(workflowId);
		return await Promise.all(all.map(async ({ id }) => await this.waitForExecution(id)));
	}

	async getExecution(id: string): Promise<Execution> {
		const path = `/rest/executions/${id}`;
		const { data, ...rest } = await this.request<Execution & { data: string }>('GET', path);
		// A run that has just begun has no data yet.
		const run = parseFlatted(data) as IRunExecutionData | undefined;
		return { ...rest, resultData: run?.resultData ?? { runData: {} } };
	}

	async waitForExecution(id: string, limitMs = EXECUTION_LIMIT_MS): Promise<Execution> {
		const deadline = Date.now() + limitMs;
		for (;;) {
			const execution = await this.getExecution(id);
			if (!RUNNING.includes(execution.status)) return execution;
			if (Date.now() > deadline) {
				throw new RestError(408, `The run has not ended within ${limitMs / 1_000} s`);
			}
			await pause(LOOK_AGAIN_MS);
		}
	}
}

// The REST calls that n8n's editor makes, as far as the tools and the tests need them.
import { parse as parseFlatted } from 'flatted';
import type { INode, INodeExecutionData, IRunExecutionData } from 'n8n-workflow';
import { setTimeout as pause } from 'node:timers/promises';

export const RUNNING = ['new', 'running', 'waiting', 'unknown'];

export type Login = { email: string; password: string };
export type Credential = { name: string; type: string; data: Record<string, unknown> };
export interface WorkflowNode extends Omit<INode, 'parameters' | 'credentials'> {
	parameters: Record<string, unknown>;
	credentials?: Record<string, { id: string; name: string }>;
}
export interface Workflow {
	name: string;
	nodes: WorkflowNode[];
	connections: Record<string, unknown>;
	[key: string]: unknown;
}
type SavedWorkflow = Workflow & { id: string; versionId: string; isArchived: boolean };
type SavedCredential = Credential & { id: string };
export interface Execution {
	id: string;
	status: string;
	startedAt: string;
	/** Of these two, one is null. */
	stoppedAt: string;
	waitTill: string;
	/** Not in a list. */
	resultData: IRunExecutionData['resultData'];
}

/** What a node put out in its last run, output by output joined. */
export const itemsOf = (execution: Execution, node: string): INodeExecutionData[] =>
	execution.resultData.runData[node]?.at(-1)?.data?.main.flatMap((items) => items ?? []) ?? [];

export class RestClient {
	/** Signs in any other request to this n8n. */
	headers: Record<string, string> = {};

	constructor(readonly url: string) {}

	/** One call; answers n8n's `data`, or what it sent instead. */
	async request<T>(method: string, path: string, body?: object): Promise<T> {
		const headers = { ...this.headers, ...(body && { 'content-type': 'application/json' }) };
		const response = await fetch(this.url + path, { method, headers, body: JSON.stringify(body) });
		const cookie = response.headers.getSetCookie().find((line) => line.startsWith('n8n-auth='));
		if (cookie) this.headers = { cookie: cookie.split(';')[0] };
		const text = await response.text();
		if (!response.ok) {
			const asked = `n8n answered ${response.status} to ${method} ${path}`;
			throw new Error(`${asked}: ${text.slice(0, 500)}`, { cause: response.status });
		}
		const answer = JSON.parse(text);
		return answer.data ?? answer;
	}

	/** Signs in, by making the owner's account where there is none yet. */
	async login({ email, password }: Login): Promise<void> {
		const owner = { email, password, firstName: 'Kling', lastName: 'Demo' };
		await this.request('POST', '/rest/owner/setup', owner).catch(async (error) => {
			if (error.cause !== 400) throw error;
			await this.request('POST', '/rest/login', { emailOrLdapLoginId: email, password });
		});
	}

	async createCredential(credential: Credential): Promise<SavedCredential> {
		return await this.request('POST', '/rest/credentials', credential);
	}

	/** Creates the credential, or updates the one of that name and type. */
	async saveCredential(credential: Credential): Promise<SavedCredential> {
		const all = await this.request<Array<SavedCredential>>('GET', '/rest/credentials');
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

	/** The one of this name, unless somebody has deleted or archived it. */
	async findWorkflow(name: string): Promise<SavedWorkflow | undefined> {
		const all = await this.request<SavedWorkflow[]>('GET', '/rest/workflows');
		const found = all.find((each) => each.name === name && !each.isArchived);
		return found && (await this.request('GET', `/rest/workflows/${found.id}`));
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

	/** How many executions of a workflow there are, and the newest of them (at most 100) without their data. */
	async listExecutions(workflowId: string, status?: string[], limit = 100) {
		const filter = encodeURIComponent(JSON.stringify({ workflowId, status }));
		const path = `/rest/executions?limit=${limit}&filter=${filter}`;
		return await this.request<{ count: number; results: Execution[] }>('GET', path);
	}

	async getExecution(id: string): Promise<Execution> {
		const path = `/rest/executions/${id}`;
		const { data, ...rest } = await this.request<Execution & { data: string }>('GET', path);
		// A run that has just begun has no data yet.
		const run = parseFlatted(data) as IRunExecutionData | undefined;
		return { ...rest, resultData: run?.resultData ?? { runData: {} } };
	}

	async waitForExecution(id: string, limitMs = 300_000): Promise<Execution> {
		const deadline = Date.now() + limitMs;
		while (Date.now() < deadline) {
			const execution = await this.getExecution(id);
			if (!RUNNING.includes(execution.status)) return execution;
			await pause(250);
		}
		throw new Error(`The run has not ended within ${limitMs / 1_000} s`);
	}
}

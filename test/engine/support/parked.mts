import { parse, stringify } from 'flatted';
import { WebhookContext, WorkflowExecute } from 'n8n-core';
import type {
	INodeExecutionData,
	INodeType,
	IRunExecutionData,
	IWebhookData,
	IWebhookResponseData,
} from 'n8n-workflow';

import type { Pending, PendingTask } from '../../../nodes/Kling/job/waiting/suspend.ts';
import { prepare, readRun, type Credentials, type EngineRun } from './engine.mts';
import type { EngineWorkflow } from './workflows.mts';

/** What a caller of the resume URL is answered, and the execution if it goes on. */
export interface Called {
	status: number;
	answer: unknown;
	/** The header Retry-After, if there is one. */
	retryAfter?: number;
	run?: EngineRun;
}

/**
 * A parked execution, as n8n's server handles it between the node's parking it and its going on: saved as text, loaded
 * anew for every call (waiting-webhooks.ts, webhook-helpers.ts, wait-tracker.ts).
 */
export interface ParkedRun {
	/** What n8n would write into its database. */
	readonly saved: string;
	readonly waitTill: Date;
	/** A call of the resume URL. The execution goes on if the node says so. */
	call(body: unknown): Promise<Called>;
	/** What comes of it when the time limit is over. */
	limit(): Promise<EngineRun>;
}

/** The tasks that a run is parked for; what is changed about them is so for whoever wakes it up later. */
export function parkedTasks({ run }: EngineRun): PendingTask[] {
	const { parkedByKling } = run.data.executionData!.contextData['node:Kling'];
	return (parkedByKling as unknown as Pending).tasks;
}

export function parkedRun(
	workflow: EngineWorkflow,
	credentials: Credentials,
	parked: EngineRun,
): ParkedRun {
	const { waitTill } = parked.run;
	if (!waitTill) throw new Error(`The execution is not parked: ${parked.error?.message}`);
	const saved = stringify(parked.run.data);
	const load = () => ({
		...(parse(saved) as IRunExecutionData),
		waitTill: waitTill as Date | undefined,
	});

	return {
		saved,
		waitTill,
		async call(body) {
			const { workflow: loaded, additionalData } = await prepare(workflow, credentials);
			const data = load();
			const name = data.resultData.lastNodeExecuted!;
			const [entry] = data.executionData!.nodeExecutionStack;
			entry.node.disabled = true;
			data.waitTill = undefined;
			data.resultData.runData[name].pop();
			const exchange = httpExchange(body);
			const node = loaded.getNode(name)!;
			const { webhook } = loaded.nodeTypes.getByNameAndVersion(node.type) as INodeType;
			const context = new WebhookContext(
				loaded,
				node,
				Object.assign(additionalData, exchange.request),
				'trigger',
				{ webhookDescription: {} } as IWebhookData,
				[],
				data,
			);
			const response: IWebhookResponseData = await webhook!.call(context);
			const answered = exchange.read(response);
			if (!response.workflowData) return answered;
			entry.data.main = parse(stringify(response.workflowData)) as INodeExecutionData[][];
			entry.metadata = { ...entry.metadata, forwardAllOutputs: true };
			const next = await prepare(workflow, credentials);
			const reloaded = parse(stringify(data)) as IRunExecutionData;
			const execute = new WorkflowExecute(next.additionalData, 'trigger', reloaded);
			return {
				...answered,
				run: readRun(await execute.processRunExecutionData(next.workflow)),
			};
		},
		async limit() {
			const { workflow: loaded, additionalData } = await prepare(workflow, credentials);
			const execute = new WorkflowExecute(additionalData, 'trigger', load());
			return readRun(await execute.processRunExecutionData(loaded));
		},
	};
}

/** The express objects that n8n hands to a node, as far as ours uses them. */
function httpExchange(body: unknown) {
	let status = 200;
	let answer: unknown;
	let retryAfter: number | undefined;
	const text = typeof body === 'string' ? body : JSON.stringify(body);
	let parsed: unknown = text;
	try {
		parsed = JSON.parse(text);
	} catch {
		// Not JSON: n8n hands over the text.
	}
	const response = {
		setHeader: (name: string, value: number) => {
			if (name === 'Retry-After') retryAfter = value;
			return response;
		},
		status: (code: number) => {
			status = code;
			return response;
		},
		json: (value: unknown) => {
			answer = value;
			return response;
		},
	};
	return {
		request: {
			// As n8n parses it, large numbers rounded.
			httpRequest: {
				body: parsed,
				rawBody: Buffer.from(text ?? ''),
				headers: {},
				params: {},
				query: {},
			},
			httpResponse: response,
		} as never as object,
		read: ({ noWebhookResponse, webhookResponse }: IWebhookResponseData) =>
			noWebhookResponse ? { status, answer, retryAfter } : { status: 200, answer: webhookResponse },
	};
}

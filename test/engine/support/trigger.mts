import { randomUUID } from 'node:crypto';

import { HookContext, WebhookContext, WorkflowExecute } from 'n8n-core';
import type {
	IDataObject,
	INode,
	INodeExecutionData,
	INodeType,
	IWebhookData,
	IWorkflowExecuteAdditionalData,
	WorkflowActivateMode,
} from 'n8n-workflow';
import { createRunExecutionData } from 'n8n-workflow';

import { passing } from './n8n/clock.mts';
import { prepare, readRun, type Credentials, type EngineRun } from './n8n/engine.mts';
import { triggerWorkflow, type EngineWorkflow } from './n8n/workflows.mts';

/** What came of one call of a trigger's URL. */
export interface Called {
	/** What the caller got, and when (epoch ms). */
	answer?: { status: number; body: unknown; atMs: number };
	/** The items that the workflow starts with, if it does. */
	started?: INodeExecutionData[];
	/** The run that they started, to its end. */
	run?: EngineRun;
	/** Lines for n8n's log, with their level. */
	log: string[];
}

export interface CallOptions {
	/** `manual` is the Test URL. */
	mode?: 'webhook' | 'manual';
	/** What n8n does not know how to parse reaches the node as raw text only. */
	contentType?: string;
}

export interface EngineTrigger {
	/** An object is sent as JSON, a text as it is; without a body there is not even an empty one. */
	call(body?: object | string, options?: CallOptions): Promise<Called>;
	/** @throws what the person who publishes or tests the workflow reads */
	activate(by?: WorkflowActivateMode): Promise<void>;
	/** The same trigger in another n8n process, which knows only what n8n has stored. */
	elsewhere(): EngineTrigger;
}

/**
 * Kling Trigger → Result with n8n-core's own contexts, driven as n8n's server does it (live-webhooks, test-webhooks and
 * webhook-helpers of n8n 2.41): static data is loaded with each call and saved after it, and items that come back start
 * an execution. Only the HTTP request and response are stood in for.
 */
export function openTrigger(
	parameters: IDataObject,
	credentials: Credentials,
	settings?: Partial<INode>,
): EngineTrigger {
	return trigger(triggerWorkflow(parameters, settings), credentials, { staticData: '{}' });
}

function trigger(
	definition: EngineWorkflow,
	credentials: Credentials,
	database: { staticData: string },
): EngineTrigger {
	// The node keeps this by workflow, so another id is as good as another process.
	const id = randomUUID();
	const load = async (staticData: IDataObject) => {
		const { workflow, additionalData } = await prepare(definition, credentials, {
			id,
			staticData,
		});
		const node = workflow.getNode('Trigger')!;
		const type = workflow.nodeTypes.getByNameAndVersion(node.type) as INodeType;
		const webhookData: IWebhookData = {
			httpMethod: 'POST',
			node: node.name,
			path: 'hook/kling',
			webhookDescription: type.description.webhooks![0],
			workflowId: id,
			workflowExecuteAdditionalData: additionalData,
		};
		return { workflow, additionalData, node, type, webhookData };
	};

	return {
		async call(body, { mode = 'webhook', contentType = 'application/json' } = {}) {
			const isLive = mode === 'webhook';
			const loaded = await load(isLive ? JSON.parse(database.staticData) : {});
			const { workflow, additionalData, node, type, webhookData } = loaded;
			const called: Called = { log: [] };
			additionalData.httpRequest = request(body, contentType);
			additionalData.httpResponse = response(called);
			const context = new WebhookContext(
				workflow,
				node,
				additionalData,
				mode,
				webhookData,
				[],
				null,
			);
			Object.defineProperty(context, 'logger', { value: logInto(called.log) });

			const result = await passing(async () => await type.webhook!.call(context));
			expect(result.noWebhookResponse).toBe(true);
			const { staticData } = workflow as unknown as { staticData: { __dataChanged: boolean } };
			if (isLive && staticData.__dataChanged) database.staticData = JSON.stringify(staticData);
			if (!result.workflowData) return called;

			[called.started] = result.workflowData;
			const start = { node, data: { main: result.workflowData }, source: null };
			const runData = createRunExecutionData({ executionData: { nodeExecutionStack: [start] } });
			const execution = new WorkflowExecute(additionalData, mode, runData);
			called.run = readRun(
				await passing(async () => await execution.processRunExecutionData(workflow)),
			);
			return called;
		},
		async activate(by = 'activate') {
			const { workflow, additionalData, node, type, webhookData } = await load({});
			const hook = new HookContext(workflow, node, additionalData, 'trigger', by, webhookData);
			const { checkExists, create } = type.webhookMethods!.default!;
			await passing(async () => {
				if (!(await checkExists!.call(hook))) await create!.call(hook);
			});
		},
		elsewhere: () => trigger(definition, credentials, database),
	};
}

type HttpRequest = NonNullable<IWorkflowExecuteAdditionalData['httpRequest']>;
type HttpResponse = NonNullable<IWorkflowExecuteAdditionalData['httpResponse']>;

/** As n8n's body parser leaves it: the raw text, and what it could parse. */
function request(body: object | string | undefined, contentType: string): HttpRequest {
	const text = typeof body === 'object' ? JSON.stringify(body) : body;
	const parsed = contentType === 'application/json' && text ? JSON.parse(text) : undefined;
	return {
		method: 'POST',
		headers: { 'content-type': contentType },
		params: {},
		query: {},
		contentType,
		body: parsed,
		...(text !== undefined && { rawBody: Buffer.from(text) }),
	} as unknown as HttpRequest;
}

function response(called: Called): HttpResponse {
	let code = 200;
	const own = {
		headersSent: false,
		status(status: number) {
			code = status;
			return own;
		},
		json(body: unknown) {
			expect(called.answer).toBeUndefined();
			called.answer = { status: code, body, atMs: Date.now() };
			own.headersSent = true;
			return own;
		},
	};
	return own as unknown as HttpResponse;
}

function logInto(lines: string[]) {
	const at = (level: string) => (message: string, meta?: object) =>
		void lines.push(`${level}: ${message}${meta ? ` ${JSON.stringify(meta)}` : ''}`);
	return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

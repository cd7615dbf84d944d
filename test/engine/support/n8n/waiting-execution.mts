import { parse, stringify } from 'flatted';
import { WebhookContext, WorkflowExecute } from 'n8n-core';
import type {
	INodeExecutionData,
	INodeType,
	IRunExecutionData,
	IWebhookData,
	IWebhookResponseData,
	Workflow,
} from 'n8n-workflow';

import type { Pending, PendingTask } from '../../../../nodes/Kling/job/waiting/suspend.ts';
import { passing } from './clock.mts';
import { prepare, readRun, type Credentials, type EngineRun } from './engine.mts';
import type { EngineWorkflow } from './workflows.mts';

/** What a caller of the resume URL is answered, and the execution if it is resumed. */
export interface Called {
	status: number;
	answer: unknown;
	/** The header Retry-After, if there is one. */
	retryAfter?: number;
	run?: EngineRun;
}

/** An execution as n8n has loaded it to resume it. */
export interface Loaded {
	execute: WorkflowExecute;
	workflow: Workflow;
}

/**
 * A suspended execution, as n8n's server handles it between its suspension and its resuming: saved as text, loaded
 * anew for every call (waiting-webhooks.ts, webhook-helpers.ts, wait-tracker.ts).
 */
export interface WaitingExecution {
	/** What n8n would write into its database. */
	readonly saved: string;
	readonly waitTill: Date;
	/**
	 * A call of the resume URL, and the execution to resume if the node says so.
	 *
	 * @param onAnswer called when the node answers by itself, perhaps long before it is done
	 */
	ask(body: unknown, onAnswer?: () => void): Promise<Called & { next?: Loaded }>;
	/** The same, and the execution is resumed. */
	call(body: unknown, onAnswer?: () => void): Promise<Called>;
	/** The execution to resume when the time limit is over. */
	loadAtLimit(): Promise<Loaded>;
	/** What comes of it then. */
	limit(): Promise<EngineRun>;
}

/** The tasks that a run is suspended for; what is changed about them is so for whoever resumes it later. */
export function pendingTasks({ run }: EngineRun): PendingTask[] {
	const { parkedByKling } = run.data.executionData!.contextData['node:Kling'];
	return (parkedByKling as unknown as Pending).tasks;
}

export function waitingExecution(
	workflow: EngineWorkflow,
	credentials: Credentials,
	suspended: EngineRun,
): WaitingExecution {
	const { executionId } = suspended;
	return loadWaiting(suspended, async () => await prepare(workflow, credentials, { executionId }));
}

/** @param open what n8n needs to resume it, afresh each time */
export function loadWaiting(
	suspended: EngineRun,
	open: () => ReturnType<typeof prepare>,
): WaitingExecution {
	const { waitTill } = suspended.run;
	if (!waitTill) throw new Error(`The execution does not wait: ${suspended.error?.message}`);
	const saved = stringify(suspended.run.data);
	const load = () => ({
		...(parse(saved) as IRunExecutionData),
		waitTill: waitTill as Date | undefined,
	});

	const resume = async ({ execute, workflow: loaded }: Loaded) =>
		readRun(
			await passing(async () => await execute.processRunExecutionData(loaded)),
			suspended.executionId,
		);

	return {
		saved,
		waitTill,
		async ask(body, onAnswer) {
			const { workflow: loaded, additionalData } = await open();
			const data = load();
			const name = data.resultData.lastNodeExecuted!;
			const [entry] = data.executionData!.nodeExecutionStack;
			entry.node.disabled = true;
			data.waitTill = undefined;
			data.resultData.runData[name].pop();
			const exchange = httpExchange(body, onAnswer);
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
			const response: IWebhookResponseData = await passing(
				async () => await webhook!.call(context),
			);
			const answered = exchange.read(response);
			if (!response.workflowData) return answered;
			entry.data.main = parse(stringify(response.workflowData)) as INodeExecutionData[][];
			entry.metadata = { ...entry.metadata, forwardAllOutputs: true };
			const next = await open();
			const reloaded = parse(stringify(data)) as IRunExecutionData;
			const execute = new WorkflowExecute(next.additionalData, 'trigger', reloaded);
			return { ...answered, next: { execute, workflow: next.workflow } };
		},
		async call(body, onAnswer) {
			const { next, ...answered } = await this.ask(body, onAnswer);
			return next ? { ...answered, run: await resume(next) } : answered;
		},
		async loadAtLimit() {
			const { workflow: loaded, additionalData } = await open();
			return {
				execute: new WorkflowExecute(additionalData, 'trigger', load()),
				workflow: loaded,
			};
		},
		async limit() {
			return await resume(await this.loadAtLimit());
		},
	};
}

/** The express objects that n8n hands to a node, as far as ours uses them. */
function httpExchange(body: unknown, onAnswer?: () => void) {
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
			onAnswer?.();
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

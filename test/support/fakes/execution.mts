import type {
	IDataObject,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	IWebhookFunctions,
} from 'n8n-workflow';

import type { FakeKling } from './kling.mts';
import { CREDENTIALS, nodeOf } from './n8n.mts';

export interface ExecutionSettings {
	id?: string;
	runIndex?: number;
	mode?: string;
	node?: Partial<INode>;
	items?: INodeExecutionData[];
	/** What n8n has queued for the node, where that is more than it is given (Execute Once). */
	queued?: INodeExecutionData[];
	goesOn?: boolean;
	signal?: AbortSignal;
}

interface QueueEntry {
	data: { main: Array<INodeExecutionData[] | null> };
	metadata?: object;
}

/** One execution in n8n: what its calls of the node share. */
export class FakeExecution {
	flow: IDataObject = {};
	nodeContext: IDataObject = {};
	readonly hints: string[] = [];
	readonly waits: number[] = [];
	/** What n8n has queued for the node, by run: the input, which comes out at the time limit, and what is noted with it. */
	readonly queue = new Map<number, QueueEntry>();

	constructor(
		readonly kling: FakeKling,
		private readonly settings: ExecutionSettings = {},
	) {}

	/** Another execution with the same data, as a retry by hand makes it: saved as text and read again. */
	byHand(settings: ExecutionSettings = {}): FakeExecution {
		const next = new FakeExecution(this.kling, {
			...this.settings,
			id: '2',
			mode: 'retry',
			...settings,
		});
		next.flow = JSON.parse(JSON.stringify(this.flow)) as IDataObject;
		next.nodeContext = JSON.parse(JSON.stringify(this.nodeContext)) as IDataObject;
		this.queue.forEach((entry, runIndex) => next.queue.set(runIndex, { ...entry }));
		return next;
	}

	/** One call of the node. */
	context(changes: ExecutionSettings = {}): IExecuteFunctions {
		const settings = { ...this.settings, ...changes };
		const { id = '1', runIndex = 0, mode = 'trigger', items = [{ json: {} }] } = settings;
		const entry = this.queue.get(runIndex) ?? { data: { main: [settings.queued ?? items] } };
		this.queue.set(runIndex, entry);
		return {
			getNode: () => nodeOf(settings.node),
			getMode: () => mode,
			getExecutionId: () => id,
			getContext: (type: 'flow' | 'node') => ({ flow: this.flow, node: this.nodeContext })[type],
			getWorkflowDataProxy: () => ({ $runIndex: runIndex }),
			getInputData: () => items,
			getExecuteData: () => entry,
			getCredentials: async () => CREDENTIALS,
			getExecutionCancelSignal: () => settings.signal,
			continueOnFail: () => settings.goesOn ?? false,
			addExecutionHints: (...added: Array<{ message: string }>) =>
				void this.hints.push(...added.map(({ message }) => message)),
			putExecutionToWait: async (until: Date) => void this.waits.push(until.getTime()),
			helpers: this.kling.helpers,
		} as unknown as IExecuteFunctions;
	}

	/** A call of the resume URL, with the items as the execution was suspended with them. */
	webhook(body: unknown, items: INodeExecutionData[]) {
		const exchange: WebhookExchange = {
			answers: [],
			headers: {},
			log: [],
			expressions: [],
			executeData: {},
		};
		const response = {
			setHeader: (name: string, value: unknown) => {
				exchange.headers[name] = value as string;
				return response;
			},
			status: (status: number) => ({
				json: ({ message }: { message: string }) => exchange.answers.push(`${status} ${message}`),
			}),
		};
		const context = {
			getNode: () => nodeOf(this.settings.node),
			getExecutionId: () => this.settings.id ?? '1',
			getCredentials: async () => CREDENTIALS,
			evaluateExpression: (expression: string) => {
				exchange.expressions.push(expression);
				if (expression.includes('$input')) return items;
				const { parkedByKling: pending } = this.nodeContext;
				return expression.includes('?.id') ? (pending as IDataObject | undefined)?.id : pending;
			},
			getRequestObject: () => ({ rawBody: Buffer.from(JSON.stringify(body)) }),
			getResponseObject: () => response,
			executeData: exchange.executeData,
			logger: { warn: (line: string) => exchange.log.push(line) },
			helpers: this.kling.helpers,
		} as unknown as IWebhookFunctions;
		return { context, exchange };
	}
}

export interface WebhookExchange {
	answers: string[];
	headers: IDataObject;
	log: string[];
	expressions: string[];
	executeData: { metadata?: IDataObject };
}

import { Readable } from 'node:stream';

import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	INode,
	INodeExecutionData,
	IWebhookFunctions,
} from 'n8n-workflow';

import { Cancellation } from '../../nodes/Kling/runtime/cancellation.ts';
import type { Context, NodeFunctions } from '../../nodes/Kling/runtime/context.ts';
import { Semaphore } from '../../nodes/Kling/runtime/semaphore.ts';
import { CREDENTIAL, type KlingApi } from '../../nodes/Kling/transport/client.ts';
import type { ApiResult, PaidRequest, TaskModel } from '../../nodes/Kling/transport/types.ts';

/** Stand-ins for the API, for n8n and for what one call of the node shares. */

// ---- Answers

/** What the API answers. */
export const answered = (status: number, body: unknown, retryAfterMs?: number): ApiResult => ({
	outcome: 'answered',
	status,
	body,
	retryAfterMs,
});

export const lost: ApiResult = { outcome: 'lost', reason: 'ECONNRESET' };
export const unsent: ApiResult = { outcome: 'unsent', reason: 'ECONNREFUSED' };
export const missing = answered(404, { error: 'No such task' });
export const running = answered(200, { status_name: 'processing', status_final: false });
/** A success that names no file. */
export const empty = answered(200, { status_name: 'succeed', status_final: true });
export const done = answered(200, {
	status_name: 'succeed',
	status_final: true,
	works: [{ workId: 3, resource: { resource: 'https://s21.example.com/3.png' } }],
});

// ---- Virtual time

export const START_MS = 1_000_000_000_000;

/** For `beforeEach`; streams and promises go on by themselves. */
export const virtualTime = () =>
	void jest.useFakeTimers({
		now: START_MS,
		doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'],
	});
export const realTime = () => void jest.useRealTimers();

/** More timers than any test needs: what never ends must not run for ever. */
const MAX_TIMERS = 100_000;

/** Lets time pass until the promise is settled, and not longer. */
export async function through<T>(promise: Promise<T>): Promise<T> {
	let isSettled = false;
	const settle = () => void (isSettled = true);
	promise.then(settle, settle);
	await jest.advanceTimersByTimeAsync(0);
	for (let timers = 0; !isSettled && timers < MAX_TIMERS; timers++) {
		await jest.advanceTimersToNextTimerAsync();
	}
	if (!isSettled) throw new Error('It never ends');
	return await promise;
}

export const messageOf = async (promise: Promise<unknown>): Promise<string> =>
	await through(promise).then(
		() => 'no error',
		(error: Error) => error.message,
	);

// ---- The API

const PNG = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1');

export const UPSCALE_TYPE = 'mmu_image_upscale_aiweb';

export interface FakeJob {
	taskId: string;
	/** The image that it was made of. */
	workId: string;
	type: string;
	account?: string;
	madeMs: number;
	endMs: number;
	end: 'succeed' | 'failed' | 'empty';
	/** Whether the lists, and the task itself, say what it was made of. */
	listTells: boolean;
	taskTells: boolean;
}

/** How a POST may be answered: `accept and lose` makes the task all the same. */
type Post = ApiResult | 'accept and lose';

/** A Kling account at useapi.net, whose jobs take 20 s. */
export class FakeKling {
	readonly jobs: FakeJob[] = [];
	/** All calls in order, e.g. `GET scheduler`. */
	readonly calls: string[] = [];
	readonly posts: PaidRequest[] = [];
	/** The answers to the next POSTs; those that come after are accepted. */
	readonly answers: Post[] = [];
	/** What is answered instead of a list, or of a task. */
	listFault?: ApiResult;
	taskFault?: (taskId: string) => ApiResult | undefined;
	fileFault?: { statusCode: number; headers: object };
	taskMs = 20_000;
	/** How many jobs the account runs at once. */
	slots = Infinity;
	private nextId = 501;

	constructor(...answers: Post[]) {
		this.answers.push(...answers);
	}

	add(job: Partial<FakeJob>): FakeJob {
		const madeMs = job.madeMs ?? Date.now();
		const made: FakeJob = {
			taskId: job.taskId ?? String(this.nextId++),
			workId: '2',
			type: UPSCALE_TYPE,
			madeMs,
			endMs: madeMs + this.taskMs,
			end: 'succeed',
			listTells: true,
			taskTells: true,
			...job,
		};
		this.jobs.push(made);
		return made;
	}

	/** How often something was called. */
	count(call: string): number {
		return this.calls.filter((made) => made === call).length;
	}

	readonly api: KlingApi = {
		baseUrl: 'http://127.0.0.1:1',
		getAccounts: async () => answered(200, {}),
		getCleanFile: async () => answered(404, {}),
		deleteTask: async () => answered(200, {}),
		getTask: async (taskId) => {
			this.calls.push(`GET ${taskId}`);
			const job = this.jobs.find((known) => known.taskId === taskId);
			return (
				this.taskFault?.(taskId) ?? (job ? answered(200, modelOf(job, job.taskTells)) : missing)
			);
		},
		getRunningJobs: async () => {
			this.calls.push('GET scheduler');
			const running = this.jobs.filter(isRunning);
			const list = running.map(({ taskId, account }) => ({ id: taskId, email: account }));
			return this.listFault ?? answered(200, list);
		},
		getTasks: async ({ email, pageSize, createdBefore = Infinity }) => {
			this.calls.push('GET tasks');
			const history = this.jobs
				.filter(({ account, madeMs }) => account === email && madeMs < Number(createdBefore))
				.sort((a, b) => b.madeMs - a.madeMs)
				.slice(0, Number(pageSize))
				.map((job) => modelOf(job, job.listTells));
			return this.listFault ?? answered(200, { history });
		},
		submit: async (_operation, request) => {
			this.posts.push(request);
			this.calls.push('POST');
			if (this.jobs.filter(isRunning).length >= this.slots) return answered(429, {});
			const answer = this.answers.shift() ?? 'accept';
			if (typeof answer === 'object') return answer;
			const job = this.add({ workId: String(request.workId), account: request.email });
			return answer === 'accept' ? answered(200, modelOf(job, true)) : lost;
		},
	};

	/** n8n's helpers, for whoever asks by HTTP. */
	readonly helpers = {
		httpRequestWithAuthentication: async (_type: string, options: IHttpRequestOptions) =>
			await this.request(options),
		httpRequest: async ({ url }: IHttpRequestOptions) => {
			this.calls.push(`FILE ${url.split('/').pop()}`);
			if (this.fileFault) return { ...this.fileFault, body: Readable.from([]) };
			return { statusCode: 200, headers: {}, body: Readable.from([PNG]) };
		},
		async prepareBinaryData(stream: Readable, fileName: string, mimeType: string) {
			const data = Buffer.concat(await stream.toArray()).toString('base64');
			return { fileName, mimeType, data };
		},
	};

	private readonly request = async (options: IHttpRequestOptions) => {
		const { method, url, qs = {}, body } = options;
		const path = url.replace(`${this.api.baseUrl}/v1/kling/`, '');
		const sent = (body && JSON.parse(String(body))) as PaidRequest;
		const result = await this.route(`${method} ${path}`, qs, sent);
		if (result.outcome !== 'answered') {
			const syscall = result.outcome === 'unsent' ? 'connect' : 'read';
			throw Object.assign(new Error(result.reason), { code: result.reason, syscall });
		}
		return {
			statusCode: result.status,
			headers: {},
			body: Readable.from([JSON.stringify(result.body ?? null)]),
		};
	};

	private async route(call: string, qs: IDataObject, body: PaidRequest): Promise<ApiResult> {
		const email = qs.email as string | undefined;
		if (call === 'GET accounts') return await this.api.getAccounts();
		if (call.startsWith('DELETE ')) return await this.api.deleteTask(idIn(call), email);
		if (call === 'POST images/upscale') return await this.api.submit('upscale', body);
		if (call === 'GET scheduler') return await this.api.getRunningJobs();
		if (call === 'GET tasks') return await this.api.getTasks(qs);
		return await this.api.getTask(idIn(call), email);
	}
}

const idIn = (call: string) => call.split('/').pop()!;
const isRunning = ({ endMs }: FakeJob) => Date.now() < endMs;

/** A task as GET shows it and as it stands in the list. */
export function modelOf(job: FakeJob, tells: boolean): TaskModel {
	const { taskId, type, madeMs, endMs, end, workId } = job;
	const ended = end === 'failed' ? 'failed' : 'succeed';
	const status = isRunning(job)
		? { status_name: 'processing', status_final: false }
		: { status_name: ended, status_final: true };
	const taskInfo = tells ? { inputs: [{ fromWorkId: workId }] } : {};
	const hasFile = !isRunning(job) && end === 'succeed';
	const url = `https://s21.example.com/${taskId}.png`;
	return {
		...status,
		task: { id: taskId, type, createTime: madeMs, updateTime: endMs, taskInfo },
		works: hasFile ? [{ workId: `${taskId}1`, taskId, type, resource: { resource: url } }] : [],
	};
}

// ---- n8n

export const nodeOf = (changes: Partial<INode> = {}) =>
	({
		id: 'node',
		name: 'Kling',
		type: 'kling',
		credentials: { [CREDENTIAL]: { id: '1', name: 'useapi.net' } },
		...changes,
	}) as INode;

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
			getContext: (type: string) => (type === 'flow' ? this.flow : this.nodeContext),
			getWorkflowDataProxy: () => ({ $runIndex: runIndex }),
			getInputData: () => items,
			getExecuteData: () => entry,
			getCredentials: async () => ({ baseUrl: this.kling.api.baseUrl, apiToken: 'user:1-token' }),
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
		const exchange: WebhookExchange = { answers: [], log: [], executeData: {} };
		const response = {
			setHeader: () => response,
			status: (status: number) => ({
				json: ({ message }: { message: string }) => exchange.answers.push(`${status} ${message}`),
			}),
		};
		const context = {
			getNode: () => nodeOf(this.settings.node),
			getCredentials: async () => ({ baseUrl: this.kling.api.baseUrl, apiToken: 'user:1-token' }),
			evaluateExpression: (expression: string) =>
				expression.includes('$input') ? items : this.nodeContext.parkedByKling,
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
	log: string[];
	executeData: { metadata?: IDataObject };
}

// ---- What one call of the node shares

export function contextOf<F extends NodeFunctions = IExecuteFunctions>(
	api: Partial<KlingApi>,
	n8n: Partial<F> = {},
	cancellation = new Cancellation(nodeOf()),
): Context<F> {
	return {
		n8n: n8n as F,
		node: n8n.getNode?.() ?? nodeOf(),
		api: api as KlingApi,
		cancellation,
		downloads: new Semaphore(cancellation, 4),
		hints: new Set(),
	};
}

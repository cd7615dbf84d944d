import type {
	IDataObject,
	INode,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { sleep } from 'n8n-workflow';

import { openContext, type Context } from '../../runtime/context';
import type { KlingError } from '../../runtime/problems';
import { readCallback } from '../../tasks/callback';
import { LAG_PAUSES_MS } from '../../tasks/fetchTask';
import { ItemJobs } from '../submission/attempt';
import { checkTasks, type Ended } from './checkTasks';
import { coalesce } from './coalesce';
import { pendingOutputs } from './pendingOutputs';
import { readPending, readPendingId, readPendingItems, type Pending } from './suspend';

/** At the time limit n8n goes on by itself; no wait for the API may reach into it. */
const BEFORE_LIMIT_MS = 5_000;

/** What calls have told about a suspended execution. On another machine, or after a restart, the API tells the same. */
interface Progress {
	readonly pending: Pending;
	/** The task that ran at the last look: most likely it still does, and one request tells. */
	lastRunning?: string;
	/** Tasks that callbacks have called finished. */
	saidFinal: Set<string>;
}

const progressByExecution = new Map<string, Progress>();
/** Executions that time out or are deleted would stay there for ever. */
const MAX_KEPT = 1_000;
/** For whoever may call again; none is documented. */
const RETRY_AFTER_S = 10;

/**
 * Answers a call of a suspended execution's resume URL. A call is a wake-up, never data: what the tasks have come to is
 * read from the API, with the credential, and only when all of them are finished does the execution go on.
 *
 * Never throws: n8n would drop the run's data and run the next nodes with an empty item.
 */
export async function resume(n8n: IWebhookFunctions): Promise<IWebhookResponseData> {
	const reply = new Reply(n8n);
	try {
		return await handleCall(n8n, reply);
	} catch (error) {
		// The execution stays suspended: another callback, or the time limit, brings it on.
		return reply.refuse(`Could not read the tasks: ${(error as Error).message}`);
	}
}

async function handleCall(n8n: IWebhookFunctions, reply: Reply): Promise<IWebhookResponseData> {
	const progress = progressOf(n8n);
	if (!progress) return reply.accept('This node waits for no task');
	const { pending } = progress;
	const call = readCallback(n8n);
	const isKnown = pending.tasks.some(({ taskId }) => taskId === call.taskId);
	if (call.taskId && !isKnown) return reply.accept('This execution waits for other tasks');
	if (call.isProgress) return reply.accept('Noted');

	if (call.isFinal && call.taskId) progress.saidFinal.add(call.taskId);
	const workflowData = await coalesce(
		pending.id,
		async () => await resumeIfSettled(n8n, progress, reply),
	);
	if (!workflowData) return reply.accept('Noted');
	progressByExecution.delete(n8n.getExecutionId());
	return reply.isSent ? { noWebhookResponse: true, workflowData } : { workflowData };
}

/** `undefined` when the node is not suspended. */
function progressOf(n8n: IWebhookFunctions): Progress | undefined {
	const executionId = n8n.getExecutionId();
	const known = progressByExecution.get(executionId);
	if (known && readPendingId(n8n) === known.pending.id) return known;
	// The first call, or in a loop the first since the execution was suspended once more.
	const pending = readPending(n8n);
	if (!pending) return undefined;
	const progress = { pending, saidFinal: new Set<string>() };
	const [oldest] = progressByExecution.keys();
	if (!known && progressByExecution.size >= MAX_KEPT) progressByExecution.delete(oldest);
	progressByExecution.set(executionId, progress);
	return progress;
}

/** What the node puts out, or `undefined` while a task still runs. */
async function resumeIfSettled(
	n8n: IWebhookFunctions,
	progress: Progress,
	reply: Reply,
): Promise<INodeExecutionData[][] | undefined> {
	const context = await openContext(n8n);
	const { pending } = progress;
	const { tasks, itemCount } = pending;
	const ended = await checkUntilShown(context, progress, reply);
	if (!ended) return undefined;

	// Each expression costs n8n some ms of processor time, and where every item has a task all outputs are new.
	const items = tasks.length < itemCount ? readPendingItems(n8n) : [];
	const { outputs, failures } = await pendingOutputs(context, pending, items, ended);
	if (failures.length === 0 || continuesOnFail(context.node)) return [outputs];
	const accepted = new Map(pending.accepted ?? tasks.map((task) => [task.itemIndex, task.taskId]));
	failures.sort((a, b) => Number(a.context.itemIndex) - Number(b.context.itemIndex));
	return failExecution(n8n, new ItemJobs(accepted).explain(failures[0]));
}

/**
 * How all tasks ended, or `undefined` when one still runs. A task that a callback calls finished is waited for, after the
 * caller has its answer.
 */
async function checkUntilShown(
	context: Context,
	progress: Progress,
	reply: Reply,
): Promise<Map<string, Ended> | undefined> {
	const { tasks, limitAtMs = Infinity } = progress.pending;
	for (const pauseMs of [...LAG_PAUSES_MS, Infinity]) {
		const isLast = Date.now() + pauseMs >= limitAtMs - BEFORE_LIMIT_MS || pauseMs === Infinity;
		try {
			const check = await checkTasks(context, tasks, progress.lastRunning);
			if ('ended' in check) return check.ended;
			progress.lastRunning = check.running;
			if (!progress.saidFinal.has(check.running)) return undefined;
			// Said too early, or made up.
			if (isLast) progress.saidFinal.delete(check.running);
		} catch (error) {
			if (isLast || !reply.isSent) return await Promise.reject(error as Error);
		}
		if (isLast) return undefined;
		reply.accept('Noted');
		await sleep(pauseMs);
	}
	return undefined;
}

function continuesOnFail({ onError, continueOnFail }: INode): boolean {
	return onError === undefined ? continueOnFail === true : onError !== 'stopWorkflow';
}

/**
 * Lets the execution end with an error. n8n has no documented way to do that in a webhook call: to throw is worse than
 * nothing (see `resume`). But its engine, when it resumes a node, throws a `resumeError` that it finds in the metadata
 * of the suspended node; that is how it lets a failed sub-workflow fail its parent (n8n-core 2.41, workflow-execute.js).
 *
 * A version of n8n that does not know it finds no items to hand on: nothing after this node runs on a failure that
 * would look like a result.
 */
function failExecution(n8n: IWebhookFunctions, error: KlingError): INodeExecutionData[][] {
	const { executeData } = n8n as unknown as { executeData?: { metadata?: IDataObject } };
	if (executeData) {
		// As plain data: in queue mode it goes through JSON, which leaves out an error's own message.
		const { name, message, stack } = error;
		const resumeError = { ...error, name, message, stack } as unknown as IDataObject;
		executeData.metadata = { ...executeData.metadata, resumeError };
	}
	n8n.logger.warn(`Kling: the execution ends with an error. ${error.message}`);
	return [[]];
}

/** The answer to a call. It is given once; what comes after goes to n8n's log. */
class Reply {
	isSent = false;

	constructor(private readonly n8n: IWebhookFunctions) {}

	accept(message: string): IWebhookResponseData {
		if (!this.isSent) this.n8n.getResponseObject().status(200).json({ message });
		this.isSent = true;
		return { noWebhookResponse: true };
	}

	refuse(message: string): IWebhookResponseData {
		if (this.isSent) {
			this.n8n.logger.warn(`"${this.n8n.getNode().name}": ${message}`);
		} else {
			const response = this.n8n.getResponseObject();
			response.setHeader('Retry-After', RETRY_AFTER_S);
			response.status(503).json({ message });
		}
		this.isSent = true;
		return { noWebhookResponse: true };
	}
}

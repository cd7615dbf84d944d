import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { isRefusal, isTool, type Trouble } from '../transport/errors';
import type { UpscaleRequest } from '../transport/types';

/** What one item has already sent in this execution. */
export interface Sent {
	/** The task that was accepted (and paid for). */
	taskId?: string;
	/** That task has ended without a result. */
	failed?: boolean;
	/** Or why there is none: refused, or unknown. Either way the request is not sent a second time. */
	trouble?: Trouble;
}

interface Entry extends IDataObject {
	job: string;
	executionId: string;
	sent: IDataObject;
}

/**
 * Retry On Fail runs the whole node again; what was sent must not be sent, and paid for, twice. n8n's node context
 * survives the tries of one execution, so it is kept there, by run (loops) and item. What the job is about is kept along:
 * another image is another job.
 *
 * n8n keeps the context also when a person retries a failed execution by hand. Then a task that may still bring a result
 * is picked up, and what is unknown stays so; but what failed or was refused is sent anew: that person has read why, and
 * may have put it right.
 */
export function recall(
	this: IExecuteFunctions,
	itemIndex: number,
	request: UpscaleRequest,
): Sent | undefined {
	const entry = memoryOf.call(this)[keyOf.call(this, itemIndex, request)] as Entry | undefined;
	if (entry?.job !== jobOf(request)) return undefined;
	const sent = entry.sent as Sent;
	const isOver = sent.failed || (sent.trouble !== undefined && isRefusal(sent.trouble));
	return isOver && entry.executionId !== this.getExecutionId() ? undefined : sent;
}

export function remember(
	this: IExecuteFunctions,
	itemIndex: number,
	request: UpscaleRequest,
	sent: Sent,
): void {
	const entry: Entry = {
		job: jobOf(request),
		executionId: this.getExecutionId(),
		sent: { ...sent },
	};
	memoryOf.call(this)[keyOf.call(this, itemIndex, request)] = entry;
}

/** The last submission of each job, by the memory it is noted in: gone with its execution. */
const submissions = new WeakMap<IDataObject, Map<string, Promise<unknown>>>();

/**
 * Sends when what was sent before for the same job has been noted. Agents may call the node several times at once, also
 * with the same values; then only the first call may find nothing noted.
 */
export async function oneAtATime<T>(
	context: IExecuteFunctions,
	itemIndex: number,
	request: UpscaleRequest,
	send: () => Promise<T>,
): Promise<T> {
	const memory = memoryOf.call(context);
	const jobs = submissions.get(memory) ?? new Map<string, Promise<unknown>>();
	submissions.set(memory, jobs);
	const key = keyOf.call(context, itemIndex, request);
	const before = jobs.get(key) ?? Promise.resolve();
	const mine = before.then(send, send);
	jobs.set(key, mine);
	return await mine;
}

function memoryOf(this: IExecuteFunctions): IDataObject {
	const context = this.getContext('node');
	context.sentByKling ??= {};
	return context.sentByKling as IDataObject;
}

/** Not the whole request: a Reply Reference with the time in it differs in every try and makes it no other job. */
const jobOf = ({ task_id, workId, email }: UpscaleRequest): string =>
	JSON.stringify({ task_id, workId, email });

function keyOf(this: IExecuteFunctions, itemIndex: number, request: UpscaleRequest): string {
	// For an agent every try is a new run, so the job itself is the key: asking twice for the same is paid once.
	if (isTool(this.getNode())) return jobOf(request);
	const { $runIndex } = this.getWorkflowDataProxy(itemIndex);
	return `${String($runIndex)}:${itemIndex}`;
}

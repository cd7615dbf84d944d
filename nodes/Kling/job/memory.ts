import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { isTool, type Trouble } from '../transport/errors';

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
	request: string;
	executionId: string;
	sent: IDataObject;
}

/**
 * Retry On Fail runs the whole node again; what was sent must not be sent, and paid for, twice. n8n's node context
 * survives the tries of one execution, so it is kept there, by run (loops) and item. The request is kept along: another
 * request is another job, e.g. when an AI agent calls the node again with other values.
 *
 * n8n keeps the context also when a person retries a failed execution by hand. Then a task that may still bring a result
 * is picked up, but what failed or was refused is sent anew: that person has read why, and may have put it right.
 */
export function recall(
	this: IExecuteFunctions,
	itemIndex: number,
	request: IDataObject,
): Sent | undefined {
	const entry = memoryOf.call(this)[keyOf.call(this, itemIndex, request)] as Entry | undefined;
	if (entry?.request !== JSON.stringify(request)) return undefined;
	const sent = entry.sent as Sent;
	const mayBringResult = sent.taskId !== undefined && !sent.failed;
	return mayBringResult || entry.executionId === this.getExecutionId() ? sent : undefined;
}

export function remember(
	this: IExecuteFunctions,
	itemIndex: number,
	request: IDataObject,
	sent: Sent,
): void {
	const entry: Entry = {
		request: JSON.stringify(request),
		executionId: this.getExecutionId(),
		sent: { ...sent },
	};
	memoryOf.call(this)[keyOf.call(this, itemIndex, request)] = entry;
}

function memoryOf(this: IExecuteFunctions): IDataObject {
	const context = this.getContext('node');
	context.sentByKling ??= {};
	return context.sentByKling as IDataObject;
}

function keyOf(this: IExecuteFunctions, itemIndex: number, request: IDataObject): string {
	// For an agent every try is a new run, so the request itself is the key: asking twice for the same is paid once.
	if (isTool(this.getNode())) return JSON.stringify(request);
	const { $runIndex } = this.getWorkflowDataProxy(itemIndex);
	return `${String($runIndex)}:${itemIndex}`;
}

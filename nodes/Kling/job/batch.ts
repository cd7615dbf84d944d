import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { connect, type KlingApi } from '../transport/client';
import type { KlingError } from '../transport/errors';
import { Halt } from './halt';
import { SlotGate } from './slots';
import { Turns } from './turns';

/** Hundreds of items that all ask at once would look like an attack to the API. */
const MAX_PARALLEL_READS = 10;
/** More downloads at once would not be faster, and would fill n8n's memory where it keeps files there. */
const MAX_PARALLEL_DOWNLOADS = 4;
/** More hints than this would bury the output. */
const MAX_HINTS = 5;
/** More task IDs than this nobody reads in an error. */
const MAX_TASKS_TOLD = 20;

/** What the items of one `execute()` share. Nothing of it outlives the execution: the next one may run on another machine. */
export interface Batch {
	api: KlingApi;
	halt: Halt;
	/** Job slots are counted per Kling account, so each account has a gate of its own. */
	gate(account?: string): SlotGate;
	/** Tasks that were accepted, by item: told to the user when the node stops on another item's error. */
	accepted: Map<number, string>;
	downloads: Turns;
	/** What users should know although nothing failed; shown in the output panel. */
	hints: Set<string>;
}

/**
 * Runs all items of a node at once and puts their results out in input order.
 *
 * Parameters of every item are read before anything is sent. An item that fails becomes an error item when the node
 * continues on fail; otherwise the others stop at their next step and the first error is thrown.
 *
 * @throws the first item's error in time, or the cancel
 */
export async function runItems<P>(
	context: IExecuteFunctions,
	read: (itemIndex: number, api: KlingApi) => P,
	run: (batch: Batch, parameters: P, itemIndex: number) => Promise<INodeExecutionData[]>,
): Promise<INodeExecutionData[]> {
	const batch = await openBatch(context);
	const goesOn = context.continueOnFail();
	const tryRead = (itemIndex: number): { parameters: P } | { error: Error } => {
		try {
			return { parameters: read(itemIndex, batch.api) };
		} catch (error) {
			if (!goesOn) throw asNodeError(context, error, itemIndex);
			return { error: error as Error };
		}
	};
	const readings = context.getInputData().map((_, itemIndex) => tryRead(itemIndex));
	const outputs = await Promise.allSettled(
		readings.map(async (reading, itemIndex) => {
			try {
				if ('error' in reading) throw reading.error;
				return await run(batch, reading.parameters, itemIndex);
			} catch (error) {
				const nodeError = asNodeError(context, error, itemIndex);
				if (goesOn && !batch.halt.isCanceled) return [errorItem(nodeError, itemIndex)];
				batch.halt.stop(nodeError);
				throw nodeError;
			}
		}),
	);
	const failed = outputs.find((output) => output.status === 'rejected');
	// Whatever an item was rejected with came after the first reason to stop.
	if (failed) throw withAcceptedTasks(batch.halt.why ?? failed.reason, batch.accepted);
	showHints(context, [...batch.hints]);
	return outputs.flatMap((output) => (output.status === 'fulfilled' ? output.value : []));
}

function showHints(context: IExecuteFunctions, hints: string[]): void {
	const shown = hints.slice(0, MAX_HINTS);
	if (hints.length > shown.length) shown.push(`The same for ${hints.length - shown.length} more.`);
	context.addExecutionHints(
		...shown.map((message) => ({ message, type: 'warning', location: 'outputPane' }) as const),
	);
}

async function openBatch(context: IExecuteFunctions): Promise<Batch> {
	const halt = new Halt(context.getNode(), context.getExecutionCancelSignal());
	const gates = new Map<string, SlotGate>();
	const api = await connect.call(context);
	const reads = new Turns(halt, MAX_PARALLEL_READS);
	return {
		api: {
			...api,
			getTask: async (taskId, email) => await reads.take(() => api.getTask(taskId, email)),
			getTasks: async (query) => await reads.take(() => api.getTasks(query)),
		},
		halt,
		gate(account = '') {
			const gate = gates.get(account) ?? new SlotGate(halt);
			gates.set(account, gate);
			return gate;
		},
		accepted: new Map(),
		downloads: new Turns(halt, MAX_PARALLEL_DOWNLOADS),
		hints: new Set(),
	};
}

/** Errors of ours, and n8n's own, are node errors already; anything else must not reach the user without its item. */
function asNodeError(context: IExecuteFunctions, error: unknown, itemIndex: number): KlingError {
	const known = error as KlingError;
	if (known?.name === 'NodeApiError' || known?.name === 'NodeOperationError') {
		known.context.itemIndex ??= itemIndex;
		return known;
	}
	return new NodeOperationError(context.getNode(), error as Error, { itemIndex });
}

/**
 * `error`, `message` and `details` as the only keys: that is how n8n tells an error item from a result, and sends it to
 * the error branch when there is one.
 */
function errorItem(error: KlingError, itemIndex: number): INodeExecutionData {
	const details: IDataObject = { ...error.trouble?.details };
	if ('httpCode' in error && error.httpCode) details.httpCode = error.httpCode;
	return {
		json: {
			error: error.message,
			message: error.description ?? 'Check the parameters of this item.',
			details,
		},
		pairedItem: { item: itemIndex },
	};
}

/** Credits that other items already spent are not lost: their results can be fetched. */
function withAcceptedTasks(reason: unknown, accepted: Batch['accepted']): KlingError {
	const error = reason as KlingError;
	const others = [...accepted].filter(([itemIndex]) => itemIndex !== error.context?.itemIndex);
	if (others.length > 0) {
		const list = others
			.slice(0, MAX_TASKS_TOLD)
			.map(([itemIndex, taskId]) => `item ${itemIndex}: ${taskId}`)
			.concat(others.length > MAX_TASKS_TOLD ? [`and ${others.length - MAX_TASKS_TOLD} more`] : [])
			.join(', ');
		error.description = `${error.description ?? ''} Tasks of other items that were already sent can be fetched with Task → Get (${list}). To let the other items go on, set On Error to Continue in this node's settings.`;
	}
	return error;
}

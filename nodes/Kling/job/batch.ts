import type { IExecuteFunctions, INode, INodeExecutionData } from 'n8n-workflow';

import type { KlingApi } from '../transport/client';
import { asNodeError, errorItem, withAcceptedTasks } from './failure';
import { Halt } from './halt';
import { openKit, type Kit } from './kit';
import { Meeting } from './meeting';
import { SlotGate } from './slots';
import { Watcher } from './watch';

/** More hints than this would bury the output. */
const MAX_HINTS = 5;

/** What the items of one `execute()` share. */
export interface Batch extends Kit {
	/** Job slots are counted per Kling account, so each account has a gate of its own. */
	gate(account?: string): SlotGate;
	/** Tasks that were accepted, by item: told to the user when the node stops on another item's error. */
	accepted: Map<number, string>;
	watcher: Watcher;
	/** Of the items whose parameters are right. */
	submissions: Meeting;
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
	const node = context.getNode();
	const goesOn = context.continueOnFail();
	const kit = await openKit(context, new Halt(node, context.getExecutionCancelSignal()));
	const tryRead = (itemIndex: number): { parameters: P } | { error: Error } => {
		try {
			return { parameters: read(itemIndex, kit.api) };
		} catch (error) {
			if (!goesOn) throw asNodeError(node, error, itemIndex);
			return { error: error as Error };
		}
	};
	const readings = context.getInputData().map((_, itemIndex) => tryRead(itemIndex));
	const batch = openBatch(node, kit, readings.filter((reading) => 'parameters' in reading).length);
	const outputs = await Promise.allSettled(
		readings.map(async (reading, itemIndex) => {
			try {
				if ('error' in reading) throw reading.error;
				return await run(batch, reading.parameters, itemIndex);
			} catch (error) {
				const nodeError = asNodeError(node, error, itemIndex);
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

function openBatch(node: INode, kit: Kit, runs: number): Batch {
	const gates = new Map<string, SlotGate>();
	return {
		...kit,
		gate(account = '') {
			const gate = gates.get(account) ?? new SlotGate(kit.halt);
			gates.set(account, gate);
			return gate;
		},
		accepted: new Map(),
		watcher: new Watcher(node, kit.api, kit.halt),
		submissions: new Meeting(runs),
	};
}

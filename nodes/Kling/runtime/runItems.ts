import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import type { KlingApi } from '../transport/client';
import { asNodeError, errorItem, withSentJobs } from './errorItem';
import { Cancellation } from './cancellation';
import { openKit, type Kit } from './context';

/** More hints than this would bury the output. */
const MAX_HINTS = 5;

/** What the items of one `execute()` share. */
export interface Batch extends Kit {
	/** Tasks that were accepted, by item: told to the user when the node stops on another item's error. */
	accepted: Map<number, string>;
	/** Items of which it is unknown whether their job was accepted. */
	unknown: Set<number>;
}

type Reading<P> = { parameters: P } | { error: Error };
/** An item's output; `undefined` while it has none. */
type Output = INodeExecutionData[] | undefined;

/** All items of one `execute()`, which pass through one step or several together. */
export class Items<P> {
	private readonly outputs: Output[];

	private constructor(
		private readonly context: IExecuteFunctions,
		readonly batch: Batch,
		private readonly readings: Array<Reading<P>>,
	) {
		this.outputs = readings.map(() => undefined);
	}

	/**
	 * Reads the parameters of every item, before anything is sent.
	 *
	 * @throws the first item's error when the node stops on errors
	 */
	static async read<P>(
		context: IExecuteFunctions,
		read: (itemIndex: number, api: KlingApi) => P,
	): Promise<Items<P>> {
		const node = context.getNode();
		const kit = await openKit(context, new Cancellation(node, context.getExecutionCancelSignal()));
		const readings = context.getInputData().map((_, itemIndex): Reading<P> => {
			try {
				return { parameters: read(itemIndex, kit.api) };
			} catch (error) {
				if (!context.continueOnFail()) throw asNodeError(node, error, itemIndex);
				return { error: error as Error };
			}
		});
		const batch = { ...kit, accepted: new Map<number, string>(), unknown: new Set<number>() };
		return new Items(context, batch, readings);
	}

	/** The parameters of the first item that has any. */
	get first(): P | undefined {
		const readable = this.readings.find((reading) => 'parameters' in reading);
		return readable?.parameters;
	}

	forEach(visit: (parameters: P, itemIndex: number) => void): void {
		for (const [itemIndex, reading] of this.readings.entries()) {
			if ('parameters' in reading) visit(reading.parameters, itemIndex);
		}
	}

	/**
	 * A step that all items without output take at once. One that fails becomes an error item when the node continues on
	 * fail; otherwise the others stop at their next step.
	 *
	 * @throws the first item's error in time, or the cancel
	 */
	async each(step: (parameters: P, itemIndex: number) => Promise<Output>): Promise<void> {
		const { context, batch, outputs } = this;
		const node = context.getNode();
		const results = await Promise.allSettled(
			this.readings.map(async (reading, itemIndex) => {
				if (outputs[itemIndex]) return;
				try {
					if ('error' in reading) throw reading.error;
					outputs[itemIndex] = await step(reading.parameters, itemIndex);
				} catch (error) {
					const nodeError = asNodeError(node, error, itemIndex);
					if (!context.continueOnFail() || batch.cancellation.isCanceled) {
						batch.cancellation.abort(nodeError);
						throw nodeError;
					}
					outputs[itemIndex] = [errorItem(nodeError, itemIndex)];
				}
			}),
		);
		const failed = results.find((result) => result.status === 'rejected');
		// Whatever an item was rejected with came after the first reason to stop.
		if (failed)
			throw withSentJobs(batch.cancellation.reason ?? failed.reason, batch.accepted, batch.unknown);
	}

	/** All outputs in input order, once every item has one; shows the hints. */
	finish(): INodeExecutionData[] {
		showHints(this.context, [...this.batch.hints]);
		return this.outputs.flatMap((output) => output ?? []);
	}
}

/**
 * Runs all items of a node at once and puts their results out in input order.
 *
 * @throws the first item's error in time, or the cancel
 */
export async function runItems<P>(
	context: IExecuteFunctions,
	read: (itemIndex: number, api: KlingApi) => P,
	run: (batch: Batch, parameters: P, itemIndex: number) => Promise<INodeExecutionData[]>,
): Promise<INodeExecutionData[]> {
	const items = await Items.read(context, read);
	await items.each(async (parameters, itemIndex) => await run(items.batch, parameters, itemIndex));
	return items.finish();
}

function showHints(context: IExecuteFunctions, hints: string[]): void {
	const shown = hints.slice(0, MAX_HINTS);
	if (hints.length > shown.length)
		shown.push(`There are ${hints.length - shown.length} more hints like these.`);
	context.addExecutionHints(
		...shown.map((message) => ({ message, type: 'warning', location: 'outputPane' }) as const),
	);
}

import type { IDataObject, IExecuteFunctions, INode, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import type { KlingApi } from '../transport/client';
import { openExecution, type Context } from './context';
import type { KlingError } from './problems';

/** More hints than this would bury the output. */
const MAX_HINTS = 5;

type Reading<P> = { parameters: P } | { error: Error };
/** An item's output; `undefined` while it has none. */
type Output = INodeExecutionData[] | undefined;

/** All items of one `execute()`, which pass through one step or several together. */
export class Items<P> {
	private readonly outputs: Output[];
	/** What else the error tells that stops the node, e.g. which jobs were sent. */
	explainStop = (error: KlingError): KlingError => error;

	private constructor(
		readonly context: Context<IExecuteFunctions>,
		private readonly readings: Array<Reading<P>>,
	) {
		this.outputs = readings.map(() => undefined);
	}

	/**
	 * Reads the parameters of every item, before anything is sent: one after another, since they may lead to files.
	 *
	 * @throws the first item's error when the node stops on errors, or the cancel
	 */
	static async read<P>(
		n8n: IExecuteFunctions,
		read: (itemIndex: number, api: KlingApi) => P | Promise<P>,
	): Promise<Items<P>> {
		const context = await openExecution(n8n);
		const readings: Array<Reading<P>> = [];
		for (const itemIndex of n8n.getInputData().keys()) {
			context.cancellation.throwIfAborted();
			try {
				readings.push({ parameters: await read(itemIndex, context.api) });
			} catch (error) {
				if (!n8n.continueOnFail()) throw asNodeError(context.node, error, itemIndex);
				readings.push({ error: error as Error });
			}
		}
		return new Items(context, readings);
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
		const { outputs } = this;
		const { n8n, node, cancellation } = this.context;
		const results = await Promise.allSettled(
			this.readings.map(async (reading, itemIndex) => {
				if (outputs[itemIndex]) return;
				try {
					if ('error' in reading) throw reading.error;
					outputs[itemIndex] = await step(reading.parameters, itemIndex);
				} catch (error) {
					const nodeError = asNodeError(node, error, itemIndex);
					if (!n8n.continueOnFail() || cancellation.isCanceled) {
						cancellation.abort(nodeError);
						throw nodeError;
					}
					outputs[itemIndex] = [errorItem(nodeError, itemIndex)];
				}
			}),
		);
		const failed = results.find((result) => result.status === 'rejected');
		// Whatever an item was rejected with came after the first reason to stop.
		if (failed) throw this.explainStop((cancellation.reason ?? failed.reason) as KlingError);
	}

	/** All outputs in input order, once every item has one; shows the hints. */
	finish(): INodeExecutionData[] {
		const { n8n, hints } = this.context;
		showHints(n8n, [...hints]);
		return this.outputs.flatMap((output) => output ?? []);
	}
}

/**
 * Runs all items of a node at once and puts their results out in input order.
 *
 * @throws the first item's error in time, or the cancel
 */
export async function runItems<P>(
	n8n: IExecuteFunctions,
	read: (itemIndex: number, api: KlingApi) => P,
	run: (
		context: Context<IExecuteFunctions>,
		parameters: P,
		itemIndex: number,
	) => Promise<INodeExecutionData[]>,
): Promise<INodeExecutionData[]> {
	const items = await Items.read(n8n, read);
	await items.each(
		async (parameters, itemIndex) => await run(items.context, parameters, itemIndex),
	);
	return items.finish();
}

function showHints(n8n: IExecuteFunctions, hints: string[]): void {
	const shown = hints.slice(0, MAX_HINTS);
	if (hints.length > shown.length)
		shown.push(`There are ${hints.length - shown.length} more hints like these.`);
	n8n.addExecutionHints(
		...shown.map((message) => ({ message, type: 'warning', location: 'outputPane' }) as const),
	);
}

/** Errors of ours, and n8n's own, are node errors already; anything else must not reach the user without its item. */
export function asNodeError(node: INode, error: unknown, itemIndex: number): KlingError {
	const known = error as KlingError;
	if (known?.name === 'NodeApiError' || known?.name === 'NodeOperationError') {
		known.context.itemIndex ??= itemIndex;
		return known;
	}
	return new NodeOperationError(node, error as Error, { itemIndex });
}

/**
 * `error`, `message` and `details` as the only keys: that is how n8n tells an error item from a result, and sends it to
 * the error branch when there is one.
 */
export function errorItem(error: KlingError, itemIndex: number): INodeExecutionData {
	const details: IDataObject = { ...error.problem?.details };
	if ('httpCode' in error && error.httpCode) details.httpCode = error.httpCode;
	return {
		json: {
			// Without the next step that `klingError` puts behind it for an agent: here that has a field of its own.
			error: error.problem?.message ?? error.message,
			message: error.description ?? 'Check the parameters of this item.',
			details,
		},
		pairedItem: { item: itemIndex },
	};
}

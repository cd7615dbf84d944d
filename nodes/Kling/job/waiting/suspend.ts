import type {
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	ITaskMetadata,
	IWebhookFunctions,
} from 'n8n-workflow';

import type { TaskRef } from '../../tasks/task';
import type { OutputSettings } from '../output/items';
import type { PaidCall } from '../submission/attempt';

/** A task that a suspended execution still has to do with: all that is needed to go on, perhaps on another machine, as JSON. */
export interface PendingTask extends TaskRef {
	settings: OutputSettings;
	/** Epoch ms. */
	sentAtMs: number;
	/** What was sent, for a person who retries the execution: the parameters can no longer be read. 1.0.0 had none. */
	call?: PaidCall;
	/** The time limit of the item in ms, likewise. */
	timeoutMs?: number;
	spendingLimit?: number;
}

export interface Pending {
	/** Another one each time an execution is suspended, e.g. in every round of a loop. */
	id: string;
	/** In input order. */
	tasks: PendingTask[];
	/** How many items the node works on; with "Execute Once" fewer than there are. */
	itemCount: number;
	/** The tasks of all items, also of those that were finished by then: told when the execution ends with an error. */
	accepted?: Array<[itemIndex: number, taskId: string]>;
	/** The rest is missing in executions that 1.0.0 has suspended. */
	executionId?: string;
	/** Epoch ms. */
	limitAtMs?: number;
}

/** As 1.0.0 called it: executions that it has suspended may still wait. */
const CONTEXT_KEY = 'parkedByKling';
const LIMITS_KEY = 'waitLimitsOfKling';
const MARK = 'suspendedByKling';

/**
 * n8n sets a timer for every wait that is due within 70 s, by execution, and nothing but the end of the execution takes it
 * back: it would end a later wait early (n8n 2.41, wait-tracker.js). A timer may be a little late.
 */
const TIMER_AHEAD_MS = 75_000;
const TIMER_LATE_MS = 5_000;

/**
 * Suspends the execution: it then holds no memory and no worker, and n8n's resume URL wakes it up, or the time limit.
 *
 * When the limit runs out n8n hands on the node's **input** items, whatever `execute()` returned. So the outputs as
 * they stand now take the place of the input: that is what comes out then, links intact.
 *
 * @param outputs one for each input item, in order
 * @param limitMs n8n looks once a minute, so it may take that much longer
 */
export async function suspend(
	n8n: IExecuteFunctions,
	outputs: INodeExecutionData[],
	tasks: PendingTask[],
	accepted: Map<number, string>,
	limitMs: number,
): Promise<void> {
	handOnAtLimit(n8n, outputs);
	const executionId = n8n.getExecutionId();
	const limitAtMs = Date.now() + limitMs;
	const pending: Pending = {
		id: `${executionId}:${Date.now()}:${tasks[0].taskId}`,
		tasks: tasks.toSorted((a, b) => a.itemIndex - b.itemIndex),
		itemCount: outputs.length,
		accepted: [...accepted],
		executionId,
		limitAtMs,
	};
	markInput(n8n, pending.id);
	n8n.getContext('node')[CONTEXT_KEY] = pending as unknown as IDataObject;
	const flow = n8n.getContext('flow');
	flow[LIMITS_KEY] = [...limitsOf(flow), limitAtMs];
	await n8n.putExecutionToWait(new Date(limitAtMs));
}

/** Replaces the input items by the outputs. With "Execute Once" n8n would also hand on what the node was never given. */
export function handOnAtLimit(n8n: IExecuteFunctions, outputs: INodeExecutionData[]): void {
	const items = n8n.getInputData();
	for (const [itemIndex, { json, binary }] of outputs.entries()) {
		Object.assign(items[itemIndex], { json, binary });
	}
	const data = n8n.getExecuteData();
	const [first, ...others] = data.data.main;
	if (first && first.length > items.length) data.data = { ...data.data, main: [items, ...others] };
}

/** The mark stays with these very input items, through further tries and a retry by hand, and with no others. */
function markInput(n8n: IExecuteFunctions, id: string): void {
	const data = n8n.getExecuteData();
	data.metadata = { ...data.metadata, [MARK]: id } as ITaskMetadata;
}

/** What the node was suspended for, when n8n runs it again on the same input: after an error item, or by hand. */
export function suspendedBefore(n8n: IExecuteFunctions): Pending | undefined {
	const pending = n8n.getContext('node')[CONTEXT_KEY] as unknown as Pending | undefined;
	const { [MARK]: id } = (n8n.getExecuteData().metadata ?? {}) as { [MARK]?: string };
	return id !== undefined && pending?.id === id ? pending : undefined;
}

/**
 * Until when n8n may end a wait of this execution early, in epoch ms: timers of earlier waits that are still set. To be
 * called as soon as the node runs: whose limit is further away then has no timer, and never gets one.
 *
 * @returns `undefined` when the execution can be suspended at once
 */
export function earlierTimerMs(n8n: IExecuteFunctions): number | undefined {
	const flow = n8n.getContext('flow');
	const nowMs = Date.now();
	const set = limitsOf(flow).filter((limitMs) => {
		const lastMs = limitMs + TIMER_LATE_MS;
		return nowMs < lastMs && limitMs < nowMs + TIMER_AHEAD_MS;
	});
	flow[LIMITS_KEY] = set;
	return set.length > 0 ? Math.max(...set) + TIMER_LATE_MS : undefined;
}

const limitsOf = (flow: IDataObject) => (flow[LIMITS_KEY] ?? []) as number[];

/** What `suspend` left behind, or `undefined` when the node is not suspended. Expressions are the only way to it in a webhook call. */
export function readPending(n8n: IWebhookFunctions): Pending | undefined {
	return (readContext(n8n) ?? undefined) as unknown as Pending | undefined;
}

/** Its `id` alone: n8n takes about half a millisecond for each task that an expression hands over (n8n 2.41). */
export const readPendingId = (n8n: IWebhookFunctions): unknown => readContext(n8n, '?.id');

function readContext(n8n: IWebhookFunctions, path = ''): unknown {
	const name = inExpression(n8n.getNode().name);
	return n8n.evaluateExpression(`{{ $node[${name}].context["${CONTEXT_KEY}"]${path} }}`, 0);
}

/** The input items as `suspend` left them: of what had failed before, and of what has no file to fetch, that is the output. */
export function readPendingItems(n8n: IWebhookFunctions): INodeExecutionData[] {
	return n8n.evaluateExpression('{{ $input.all() }}', 0) as unknown as INodeExecutionData[];
}

/** As a string within an expression; braces would end the expression. */
const inExpression = (text: string): string =>
	JSON.stringify(text).replaceAll('{', '\\u007b').replaceAll('}', '\\u007d');

import type { ITaskData } from 'n8n-workflow';

import type { Payment } from './network.mts';
import type { Execution } from './server.mts';
import type { Sequence, Setup } from './setup.mts';
import { isOfFailing, keyOf } from './workflow.mts';

/** Nothing is paid twice, and nothing paid is lost: by what the API has accepted, and what n8n has put out. */

/** @returns what is broken, in words */
export function robbed(
	{ setup, steps }: Sequence,
	payments: Payment[],
	ended: Execution[],
): string[] {
	const spoiled = steps.flatMap((step) => (step.do === 'spoil' ? [step.call] : []));
	const readsSpoiled = spoiled.some((call) => !['post', 'upload', 'file'].includes(call));
	const isReadable = setup.wholeLists && !readsSpoiled;
	const asked = new Set(setup.items.map(keyOf));
	return [
		...payments.filter(({ key }) => !asked.has(key)).map(({ key }) => `nobody asked for: ${key}`),
		...payments.flatMap((payment, index) =>
			payments
				.slice(0, index)
				.filter(({ key }) => key === payment.key)
				.flatMap((before) => paidTwice(before, payment, setup, isReadable)),
		),
		...ended.flatMap((execution) => lost(execution, payments, isReadable)),
	];
}

/** A task that Kling ended as failed may be sent again by a later run of the node, but not by an automatic try. */
function paidTwice(
	before: Payment,
	{ taskId, key, at, execution, klingRun }: Payment,
	{ jobMs, reuse, listLagMs, source }: Setup,
	isReadable: boolean,
): string[] {
	const both = `${key} (${before.taskId}, ${taskId})`;
	if (before.execution === execution && before.klingRun === klingRun) {
		return [`paid twice in one run: ${both}`];
	}
	if (isOfFailing(key) && at >= before.at + jobMs) return [];
	if (before.execution.family === execution.family) return [`paid twice in one execution: ${both}`];
	const showsIt = isReadable && execution.startedMs > before.at + listLagMs;
	return source === 'kling' && reuse && showsIt
		? [`paid twice in two executions, with reuse: ${both}`]
		: [];
}

/** A task whose answer was lost can only be named where the API's lists tell of it, and need not be if it failed. */
function lost(execution: Execution, payments: Payment[], isReadable: boolean): string[] {
	const { runData, error } = execution.last!.run.data.resultData;
	const results = [...(runData.Kling ?? []), { error } as ITaskData];
	const told = results.map(textOf).join(' ');
	// Another item's error has stopped the search for it.
	const isToldUnknown = execution.status === 'error' && /unknown whether the jobs/.test(told);
	return payments
		.filter((payment) => payment.execution === execution && !told.includes(payment.taskId))
		.filter(
			({ isAnswerLost, key }) =>
				!isAnswerLost || (isReadable && !isToldUnknown && !isOfFailing(key)),
		)
		.map(({ taskId, isAnswerLost }) => {
			return `paid and not named${isAnswerLost ? ', its answer was lost' : ''}: ${taskId}`;
		});
}

function textOf({ data, error }: ITaskData): string {
	const { message, description, context } = (error ?? {}) as unknown as Record<string, unknown>;
	const items = (data?.main ?? []).flatMap((output) => (output ?? []).map(({ json }) => json));
	return JSON.stringify({ message, description, context, items });
}

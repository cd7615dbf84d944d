import type { INodeExecutionData, IRunData, ITaskData } from 'n8n-workflow';

import type { Payment } from './network.mts';
import type { Execution } from './server.mts';
import type { Sequence, Setup } from './setup.mts';
import { isOfFailing, keyOf } from './workflow.mts';

/** What must hold after every sequence, judged by what the API has accepted and what n8n has put out. */

/** So much later than it could a task is found to be finished, at the most: pauses between two looks, and lags. */
const NOTICE_MS = 120_000;

/** @returns what is broken, in words */
export function violations(
	{ setup, steps }: Sequence,
	payments: Payment[],
	executions: Execution[],
): string[] {
	const spoiled = steps.flatMap((step) => (step.do === 'spoil' ? [step.call] : []));
	const isReadable =
		setup.wholeLists && !spoiled.some((call) => call !== 'post' && call !== 'file');
	const told = executions.filter(({ status }) => status === 'success' || status === 'error');
	const isCalm = steps.length === 0 && setup.callbacks.every((fate) => fate !== 'lost');
	return [
		...payments.flatMap((payment, index) =>
			paidTwice(payment, payments.slice(0, index), setup, isReadable && setup.listLagMs === 0),
		),
		...told.flatMap((execution) => lost(execution, payments, isReadable)),
		...told.flatMap((execution) => wrongItems(execution, payments, setup)),
		...(isCalm ? told.flatMap((execution) => sleptThrough(execution, payments, setup)) : []),
	];
}

/** A task that Kling ended as failed may be sent again by a later run of the node, but not by an automatic try. */
function paidTwice(
	{ taskId, key, at, execution, klingRun }: Payment,
	before: Payment[],
	{ jobMs, reuse }: Setup,
	showsAll: boolean,
): string[] {
	return before
		.filter((other) => other.key === key)
		.flatMap((other) => {
			const isSameRun = other.execution === execution && other.klingRun === klingRun;
			const isFamily = other.execution.family === execution.family;
			const hasFailed = isOfFailing(key) && at >= other.at + jobMs;
			if (isSameRun) return [`paid twice in one run: ${key} (${other.taskId}, ${taskId})`];
			if (hasFailed || !(isFamily || (reuse && showsAll))) return [];
			const where = isFamily ? 'in one execution' : 'in two executions, with reuse';
			return [`paid twice ${where}: ${key} (${other.taskId}, ${taskId})`];
		});
}

function lost(execution: Execution, payments: Payment[], isReadable: boolean): string[] {
	const { resultData } = execution.last!.run.data;
	const results = [...(resultData.runData.Kling ?? []), { error: resultData.error }];
	const text = results.map((run) => toldBy(run as ITaskData)).join(' ');
	return payments
		.filter((payment) => payment.execution === execution)
		.filter(({ taskId }) => !text.includes(taskId))
		.filter(({ isAnswerLost }) => isReadable || !isAnswerLost)
		.map(
			({ taskId, isAnswerLost }) =>
				`paid and not named: ${taskId}${isAnswerLost ? ' (its answer was lost)' : ''}`,
		);
}

function toldBy({ data, error }: ITaskData): string {
	const { message, description, context } = (error ?? {}) as unknown as Record<string, unknown>;
	const items = (data?.main ?? []).flatMap((output) => (output ?? []).map(({ json }) => json));
	return JSON.stringify({ message, description, context, items });
}

/** One output item per input item, in order, linked, and about the image that was asked for. */
function wrongItems({ last }: Execution, payments: Payment[], { items, reuse }: Setup): string[] {
	const { runData } = last!.run.data.resultData;
	return (runData.Kling ?? []).flatMap((run, index) => {
		if (run.error && !run.data) return [];
		const where = `in run ${index}`;
		const input = inputOf(runData, run);
		const outputs = (run.data?.main ?? []).map((output) => output ?? []);
		const links = outputs.map((output) => output.map(linkOf));
		const all = links.flat().toSorted((a, b) => a - b);
		if (all.length !== input.length || all.some((link, item) => link !== item)) {
			return [`not one item per input item ${where}: ${JSON.stringify(links)} of ${input.length}`];
		}
		if (links.some((link) => link.some((item, place) => item < (link[place - 1] ?? 0)))) {
			return [`out of order ${where}: ${JSON.stringify(links)}`];
		}
		return outputs.flat().flatMap((output) => {
			const asked = keyOf(items[originOf(runData, run, linkOf(output))]);
			const payment = payments.find(({ taskId }) => taskId === output.json.taskId);
			// n8n puts what came in into an error item that goes to the error output.
			if (output.json.error !== undefined || output.json.taskId === undefined) return [];
			if (payment?.key === asked) return [];
			if (!payment && reuse) return [];
			return [`another image's result ${where}: ${String(output.json.taskId)} for ${asked}`];
		});
	});
}

const linkOf = ({ pairedItem }: INodeExecutionData): number =>
	typeof pairedItem === 'object' && !Array.isArray(pairedItem) ? pairedItem.item : -1;

function inputOf(runData: IRunData, { source }: ITaskData): INodeExecutionData[] {
	const { previousNode, previousNodeOutput = 0, previousNodeRun = 0 } = source[0]!;
	return runData[previousNode][previousNodeRun].data?.main?.[previousNodeOutput] ?? [];
}

/** The item of Start that an input item comes from. */
function originOf(runData: IRunData, run: ITaskData, item: number): number {
	const { previousNode, previousNodeRun = 0 } = run.source[0]!;
	if (previousNode === 'Start') return item;
	return originOf(
		runData,
		runData[previousNode][previousNodeRun],
		linkOf(inputOf(runData, run)[item]),
	);
}

/** Nothing went wrong, and yet a task comes out as unfinished long after its end. */
function sleptThrough(
	{ last, endedMs }: Execution,
	payments: Payment[],
	{ wait, jobMs, readLagMs, loop }: Setup,
): string[] {
	if (wait !== 'callback' || loop !== 'none') return [];
	const items = (last!.run.data.resultData.runData.Kling ?? []).flatMap(
		({ data }) => data?.main?.flat() ?? [],
	);
	return items.flatMap((item) => {
		const payment = payments.find(({ taskId }) => taskId === item?.json.taskId);
		if (!payment || item?.json.finished !== false) return [];
		const isOver = endedMs! > payment.at + jobMs + readLagMs + NOTICE_MS;
		return isOver ? [`slept through: ${payment.taskId}`] : [];
	});
}

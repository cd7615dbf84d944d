import type { INodeExecutionData, IRunData, ITaskData } from 'n8n-workflow';

import type { Payment } from './network.mts';
import type { Execution } from './server.mts';
import { LONG_TIMEOUT, type Sequence, type Setup } from './setup.mts';
import { itemOf, keyOf } from './workflow.mts';

/** One output item per input item, in order, linked, about the image that was asked for, and neither too early nor too late. */

/** So much later than it could a task is found to be finished, at the most: pauses between two looks, and lags. */
const NOTICE_MS = 120_000;

/** @returns what is broken, in words */
export function wrongItems(
	{ setup, steps }: Sequence,
	payments: Payment[],
	{ last }: Execution,
): string[] {
	const { runData } = last!.run.data.resultData;
	const isCalm =
		steps.every((step) => step.do === 'pass' || step.do === 'run') &&
		!setup.callbacks.includes('lost');
	return (runData.Kling ?? []).flatMap((run, index) => {
		if (!run.data) return [];
		const wrong = wrongLinks(runData, run, setup);
		if (wrong) return [`${wrong} in run ${index}`];
		return (run.data.main ?? [])
			.flatMap((output) => output ?? [])
			.flatMap((output) => {
				const asked = itemOf(setup, originOf(runData, run, linkOf(output)), linkOf(output), index);
				const paid = payments.find(({ taskId }) => taskId === output.json.taskId);
				return [
					...otherImage(output, paid, keyOf(asked)),
					...untimely(run, output, paid, setup, isCalm),
					...(isCalm && brings(setup, asked.image) && output.json.finished !== true
						? [`no result: ${JSON.stringify(output.json)}`]
						: []),
				].map((words) => `${words} in run ${index}`);
			});
	});
}

/** One output item per input item, in order, linked. */
function wrongLinks(runData: IRunData, run: ITaskData, { executeOnce }: Setup): string | undefined {
	const input = inputOf(runData, run).slice(0, executeOnce ? 1 : undefined);
	const links = run.data!.main.map((output) => (output ?? []).map(linkOf));
	const all = links.flat().toSorted((a, b) => a - b);
	if (all.length !== input.length || all.some((link, item) => link !== item)) {
		return `not one item per input item: ${JSON.stringify(links)} for ${input.length}`;
	}
	const isOrdered = links.every((link) => link.every((item, at) => item > (link[at - 1] ?? -1)));
	return isOrdered ? undefined : `out of order: ${JSON.stringify(links)}`;
}

function otherImage({ json }: INodeExecutionData, paid: Payment | undefined, asked: string) {
	// n8n puts what came in into an error item that goes to the error output.
	if (json.taskId === undefined || json.error !== undefined || paid?.key === asked) return [];
	return [`another image's result: ${String(json.taskId)} (${paid?.key}) for ${asked}`];
}

/** With Pause Until Called Back an unfinished task comes out at the time limit, and a finished one soon after its end. */
function untimely(
	{ startTime, executionTime }: ITaskData,
	{ json }: INodeExecutionData,
	paid: Payment | undefined,
	{ wait, timeout, jobMs, readLagMs }: Setup,
	isCalm: boolean,
): string[] {
	if (wait !== 'callback' || json.finished !== false || !paid) return [];
	const outMs = startTime + executionTime;
	if (outMs < paid.at + timeout * 1_000)
		return [`unfinished before the time limit: ${paid.taskId}`];
	const isLate = isCalm && outMs > paid.at + jobMs + readLagMs + NOTICE_MS;
	return isLate ? [`missed: ${paid.taskId}`] : [];
}

/** Where nothing goes wrong and time is plenty there is a result. */
const brings = ({ wait, timeout, onError }: Setup, image: string) =>
	wait !== 'none' &&
	timeout === LONG_TIMEOUT &&
	onError !== 'stopWorkflow' &&
	['one', 'two', 'three'].includes(image);

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
	const before = runData[previousNode][previousNodeRun];
	return originOf(runData, before, linkOf(inputOf(runData, run)[item]));
}

// Whether every execution ended as it should: once, and with its own results.
import { readFile } from 'node:fs/promises';
import { itemsOf, type Execution } from '../tools/n8n/restClient.mts';
import { settle, type Job } from './executions.mts';
import type { Site } from './stage.mts';
import { DONE } from './workflows.mts';

/**
 * The executions in which a node began to run, each as often as it did, as n8n's event log has it: data that a second run
 * has overwritten is still in there.
 */
export const startsOf = (node: string, eventLog: string): string[] =>
	eventLog
		.split('\n')
		.filter((line) => line.includes('"n8n.node.started"'))
		.map((line) => JSON.parse(line).payload)
		.flatMap(({ executionId, nodeName }) => (nodeName === node ? executionId : []));

/**
 * What is wrong with an execution; nothing when it ended once, with one result for each item, in order. Known are how often
 * the node after Kling ran, and the references that were sent to the API.
 */
export function faultsOf(execution: Execution, jobs: Job[], runs: number, sent: unknown[]) {
	const items = itemsOf(execution, DONE);
	const result = (place: number) => {
		const json = (items[place]?.json ?? {}) as Record<string, unknown>;
		const [image] = (json.images ?? []) as Array<{ workId?: string }>;
		return [json.taskId, json.status, json.replyRef, image?.workId].join();
	};
	const seen: Array<[what: string, actual: unknown, wanted: unknown]> = [
		['its status', execution.status, 'success'],
		['the number of times the next node ran', runs, 1],
		['the number of results', items.length, jobs.length],
	];
	for (const [place, { reference, taskId }] of jobs.entries()) {
		const posts = sent.filter((each) => each === reference).length;
		// The sandbox numbers an image after its task.
		const wanted = [taskId, 'succeed', reference, BigInt(taskId) + 1n].join();
		seen.push([`the number of jobs sent for ${reference}`, posts, 1]);
		seen.push([`the result of ${reference}`, result(place), wanted]);
	}
	const wrong = seen.filter(([, actual, wanted]) => actual !== wanted);
	return wrong.map(([what, is, not]) => `Execution ${execution.id}: ${what} is ${is}, not ${not}`);
}

/** What is wrong with the executions of these items, as they were read when they had ended. */
export async function judge({ sandbox, eventLog }: Site, jobs: Job[], executions: Execution[]) {
	const sent = sandbox.requests
		.filter(({ method }) => method === 'POST')
		.map(({ body }) => (body as { replyRef?: string }).replyRef);
	const ended = executions.flatMap(({ id, status }) => (status === 'success' ? id : []));
	let starts: string[] = [];
	// n8n writes its log a moment after it has noted an execution's end.
	await settle(async () => {
		starts = startsOf(DONE, await readFile(eventLog, 'utf8'));
		return { left: ended.filter((id) => !starts.includes(id)).length, busy: false };
	});
	return executions.flatMap((execution) => {
		const own = jobs.filter(({ executionId }) => executionId === execution.id);
		const runs = starts.filter((id) => id === execution.id).length;
		return faultsOf(execution, own, runs, sent);
	});
}

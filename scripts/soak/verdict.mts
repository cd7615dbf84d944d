// Whether every execution ended as it should: once, and with its own results.
import { readFile } from 'node:fs/promises';
import { itemsOf, type Execution } from '../../tools/n8n/restClient.mts';
import { countBy } from './statistics.mts';
import { eachOf, type Job } from './jobs.mts';
import type { Stage } from './stage.mts';
import { DONE } from './workflows.mts';

const READS_AT_ONCE = 4;

/** A node that began to run, as n8n's event log has it. */
export interface NodeStart {
	executionId: string;
	node: string;
}

/** Every run of every node since n8n started: data that a second run has overwritten is still in here. */
export function readNodeStarts(eventLog: string): NodeStart[] {
	return eventLog
		.split('\n')
		.filter((line) => line.includes('"n8n.node.started"'))
		.map((line) => {
			const { executionId, nodeName } = JSON.parse(line).payload;
			return { executionId, node: nodeName };
		});
}

export const nodeStarts = async ({ eventLog }: Stage): Promise<NodeStart[]> =>
	readNodeStarts(await readFile(eventLog, 'utf8'));

/**
 * What is wrong with an execution; nothing when it ended once, with one result for each item, in order.
 *
 * @param jobs its items
 * @param runs how often the node after Kling ran
 * @param sent how often each reference was sent to the API
 */
export function faultsOf(
	execution: Execution,
	jobs: Job[],
	runs: number,
	sent: Map<string, number>,
): string[] {
	const faults: string[] = [];
	const is = (what: string, actual: unknown, wanted: unknown) => {
		if (actual !== wanted) {
			faults.push(`Execution ${execution.id}: ${what} is ${String(actual)}, not ${String(wanted)}`);
		}
	};
	is('its status', execution.status, 'success');
	is('the number of times the next node ran', runs, 1);
	const items = itemsOf(execution, DONE);
	is('the number of results', items.length, jobs.length);
	for (const [place, { reference, taskId }] of jobs.entries()) {
		is(`the number of jobs sent for ${reference}`, sent.get(reference) ?? 0, 1);
		const json = items[place]?.json as
			| { taskId?: string; status?: string; replyRef?: string; images?: Array<{ workId: string }> }
			| undefined;
		if (!json) continue;
		is(`the task of ${reference}`, json.taskId, taskId);
		is(`the status of ${reference}`, json.status, 'succeed');
		is(`the reference of ${reference}`, json.replyRef, reference);
		// The sandbox numbers an image after its task.
		is(`the image of ${reference}`, json.images?.[0]?.workId, String(BigInt(taskId) + 1n));
	}
	return faults;
}

/** What is wrong with the executions of these items. */
export async function judge(stage: Stage, jobs: Job[]): Promise<string[]> {
	const runs = countBy(
		(await nodeStarts(stage)).filter(({ node }) => node === DONE),
		({ executionId }) => executionId,
	);
	const posts = stage.sandbox.requests.filter(({ method }) => method === 'POST');
	const sent = countBy(posts, ({ body }) => String((body as { replyRef?: string }).replyRef));
	const ids = [...new Set(jobs.map(({ executionId }) => executionId))];
	const faults = await eachOf(ids, READS_AT_ONCE, async (id) => {
		const own = jobs.filter(({ executionId }) => executionId === id);
		return faultsOf(await stage.api.getExecution(id), own, runs.get(id) ?? 0, sent);
	});
	return faults.flat();
}

// Whether every execution ended as it should: once, and with its own results.
import { readFile } from 'node:fs/promises';
import type { RecordedCallback } from '../../sandbox/server.mts';
import { itemsOf, RUNNING, type Execution } from '../../tools/n8n/restClient.mts';
import { countBy } from './statistics.mts';
import { answered, eachOf, settle, type Job } from './jobs.mts';
import type { Stage } from './stage.mts';
import { DONE } from './workflows.mts';

const READS_AT_ONCE = 4;
/** What n8n answers, without the node having been asked, while it is too busy for its database. */
const NOT_READY = 503;

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

/**
 * Whether nothing can be said of an execution that has not ended: there was no time for it, or one of its final
 * callbacks never reached it. The node is to blame for neither.
 *
 * @param decided false: executions were still on their way when the limit was reached
 */
export function isUndecided(
	{ status }: Pick<Execution, 'status'>,
	jobs: Job[],
	callbacks: RecordedCallback[],
	decided: boolean,
): boolean {
	if (!RUNNING.includes(status)) return false;
	const reached = new Set(
		callbacks
			.filter(
				({ statusName, answer }) => statusName === 'succeed' && answer && answer !== NOT_READY,
			)
			.map(({ taskId }) => taskId),
	);
	return !decided || jobs.some(({ taskId }) => !reached.has(taskId));
}

export interface Verdict {
	/** What is wrong with the executions. */
	faults: string[];
	/** The executions of which nothing can be said. */
	undecided: string[];
}

/** How often the node after Kling ran, by execution. n8n writes its event log after it has noted an execution's end. */
async function runsOf(stage: Stage, ended: string[]): Promise<Map<string, number>> {
	let runs = new Map<string, number>();
	await settle(async () => {
		const done = (await nodeStarts(stage)).filter(({ node }) => node === DONE);
		runs = countBy(done, ({ executionId }) => executionId);
		return { left: ended.filter((id) => !runs.has(id)).length, busy: false };
	});
	return runs;
}

/**
 * What is wrong with the executions of these items.
 *
 * @param decided whether all of them had the time they needed
 */
export async function judge(stage: Stage, jobs: Job[], decided: boolean): Promise<Verdict> {
	const posts = stage.sandbox.requests.filter(({ method }) => method === 'POST');
	const sent = countBy(posts, ({ body }) => String((body as { replyRef?: string }).replyRef));
	const ids = [...new Set(jobs.map(({ executionId }) => executionId))];
	const executions = await eachOf(
		ids,
		READS_AT_ONCE,
		async (id) => await answered(async () => await stage.api.getExecution(id)),
	);
	const ended = executions.filter(({ status }) => status === 'success');
	const runs = await runsOf(
		stage,
		ended.map(({ id }) => id),
	);
	const verdict: Verdict = { faults: [], undecided: [] };
	for (const execution of executions) {
		const { id, status } = execution;
		const own = jobs.filter(({ executionId }) => executionId === id);
		if (isUndecided(execution, own, stage.sandbox.callbacks, decided)) {
			verdict.undecided.push(`Execution ${id}: undecided, too slow; its status is ${status}`);
		} else {
			verdict.faults.push(...faultsOf(execution, own, runs.get(id) ?? 0, sent));
		}
	}
	return verdict;
}

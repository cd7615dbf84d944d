// Executions that are parked, one by one or many, and their ends.
import { setTimeout as pause } from 'node:timers/promises';
import { RUNNING } from '../../tools/n8n/restClient.mts';
import { UserError } from '../../tools/terminal.mts';
import type { Stage } from './stage.mts';
import { SEED, type Published } from './workflows.mts';

const CALLS_AT_ONCE = 25;
const LOOK_AGAIN_MS = 250;
/** As long as something still happens, n8n gets more time; but a callback that is lost never brings an execution on. */
const STANDSTILL_MS = 60_000;
/** A busy n8n may answer a look only after a minute; that is no standstill yet. */
const STANDSTILL_LOOKS = 20;

/** One item of a parked execution, and its task. */
export interface Job {
	/** What the item was called with; it comes back as `replyRef`. */
	reference: string;
	taskId: string;
	executionId: string;
	/** The execution's resume URL, as the sandbox got it. */
	replyUrl: string;
}

/** Works on all values, so many at a time; the results are in the order of the values. */
export async function eachOf<T, R>(
	values: T[],
	atOnce: number,
	work: (value: T) => Promise<R>,
): Promise<R[]> {
	const results: R[] = [];
	const queue = values.entries();
	const worker = async () => {
		for (const [place, value] of queue) results[place] = await work(value);
	};
	await Promise.all(Array.from({ length: atOnce }, worker));
	return results;
}

/**
 * Looks until `remaining` answers 0; gives up when it no longer falls. Returns what it answered last. What it throws
 * counts as a look without an answer: n8n is "not ready" while it is busy.
 */
async function untilNone(remaining: () => Promise<number>): Promise<number> {
	let lowest = Infinity;
	let sinceMs = Date.now();
	let looks = 0;
	for (;;) {
		const left = await remaining().catch(() => lowest);
		if (left === 0) return 0;
		looks++;
		if (left < lowest) [lowest, sinceMs, looks] = [left, Date.now(), 0];
		if (Date.now() - sinceMs > STANDSTILL_MS && looks > STANDSTILL_LOOKS) return left;
		await pause(LOOK_AGAIN_MS);
	}
}

/** Calls a workflow's webhook with each of these bodies, some at a time; returns what it answers. */
export const startAll = async ({ url }: Published, bodies: object[]): Promise<string[]> =>
	await eachOf(bodies, CALLS_AT_ONCE, async (body) => {
		const response = await fetch(url, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		const text = await response.text();
		if (!response.ok) throw new UserError(`n8n answered ${response.status} to a start: ${text}`);
		return text;
	});

/** Waits until so many executions of the workflow are parked. */
export async function untilParked(
	{ api }: Stage,
	{ id }: Published,
	executions: number,
): Promise<void> {
	const parked = async () => await api.countExecutions(id, ['waiting']);
	const missing = await untilNone(async () => executions - (await parked()));
	if (missing > 0) throw new UserError(`${missing} of ${executions} executions did not park.`);
}

/**
 * Starts executions and waits until all of them are parked and their tasks only wait to be ended.
 *
 * @param calls the references of the items of each execution
 * @returns the items in that order
 */
export async function park(stage: Stage, workflow: Published, calls: string[][]): Promise<Job[]> {
	const { sandbox } = stage;
	const bodies = calls.map((references) => {
		const items = references.map((reference) => ({ reference, ...SEED }));
		return { ...items[0], items };
	});
	await startAll(workflow, bodies);
	await untilParked(stage, workflow, calls.length);
	const references = calls.flat();
	const missing = await untilNone(async () => references.length - sandbox.held().length);
	if (missing > 0) throw new UserError(`${missing} of ${references.length} tasks do not run.`);
	const held = new Map(sandbox.held().map((task) => [task.replyRef, task]));
	return references.map((reference) => {
		const { taskId, replyUrl = '' } = held.get(reference)!;
		const executionId = /\/webhook-waiting\/(\d+)/.exec(replyUrl)?.[1] ?? '';
		return { reference, taskId, executionId, replyUrl };
	});
}

/** Ends the tasks, with a pause after each; without a pause all at once. */
export async function endTasks({ sandbox }: Stage, jobs: Job[], pauseMs: number): Promise<void> {
	for (const { taskId } of jobs) {
		sandbox.release(taskId);
		if (pauseMs > 0) await pause(pauseMs);
	}
}

/** Waits until no execution of the workflow runs or waits; those that are lost are left behind. */
export async function untilEnded({ api }: Stage, { id }: Published): Promise<void> {
	await untilNone(async () => await api.countExecutions(id, RUNNING));
}

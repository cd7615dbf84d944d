// Executions that are parked, one by one or many, and their ends.
import { setTimeout as pause } from 'node:timers/promises';
import { RUNNING } from '../../tools/n8n/restClient.mts';
import { UserError } from '../../tools/terminal.mts';
import type { Stage } from './stage.mts';
import { SEED, type Published } from './workflows.mts';

const CALLS_AT_ONCE = 25;
const LOOK_AGAIN_MS = 250;
/** Longer than anything the node waits for by itself while its execution is parked. */
const STANDSTILL_MS = 90_000;
/** Even a standstill is believed only after so many looks. */
const STANDSTILL_LOOKS = 20;
/** An n8n that needs longer for a count is busy. */
const PROMPT_MS = 1_000;
/** Beyond any machine that is merely slow. What has not ended by then is undecided, not lost. */
const LIMIT_MS = 45 * 60_000;
const TOO_SLOW = 'Undecided, too slow';
/** Executions that n8n works on. One that is parked is "waiting". */
const WORKING = RUNNING.filter((status) => status !== 'waiting');

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

export interface Look {
	/** What has not come to its end. */
	left: number;
	/** Something is on its way, so that what is left may still come to its end. */
	busy: boolean;
}
export interface Settled {
	left: number;
	/** false: the limit came first, and nothing can be said of what is left. */
	decided: boolean;
}

/**
 * Looks until nothing is left, or until what is left has stood still while nothing was on its way. A look that throws
 * is no standstill: n8n is "not ready" while it is busy.
 */
export async function settle(
	look: () => Promise<Look>,
	{ limitMs = LIMIT_MS, standstillMs = STANDSTILL_MS, lookAgainMs = LOOK_AGAIN_MS } = {},
): Promise<Settled> {
	const deadline = Date.now() + limitMs;
	let lowest = Infinity;
	let sinceMs = Date.now();
	let looks = 0;
	for (;;) {
		const seen = await look().catch(() => undefined);
		if (seen?.left === 0) return { left: 0, decided: true };
		if (!seen || seen.busy || seen.left < lowest) [sinceMs, looks] = [Date.now(), 0];
		else looks++;
		lowest = Math.min(lowest, seen?.left ?? lowest);
		if (Date.now() - sinceMs > standstillMs && looks > STANDSTILL_LOOKS) {
			return { left: lowest, decided: true };
		}
		if (Date.now() > deadline) return { left: lowest, decided: false };
		await pause(lookAgainMs);
	}
}

/** As `settle`, for what must come to its end before anything can be measured. */
async function untilNone(what: string, look: () => Promise<Look>): Promise<void> {
	const { left, decided } = await settle(look);
	if (left > 0) throw new UserError(`${decided ? '' : `${TOO_SLOW}: `}${left} ${what}`);
}

/** Looks at the executions of a workflow, and at all that may still bring them on. */
function lookAt({ api, sandbox }: Stage, { id }: Published, left: () => Promise<number>) {
	let requests = 0;
	return async (): Promise<Look> => {
		const sinceMs = Date.now();
		const working = await api.countExecutions(id, WORKING);
		const remaining = await left();
		const asked = sandbox.requests.length > requests;
		requests = sandbox.requests.length;
		const calling = sandbox.callbacks.some(({ answer, error }) => !answer && !error);
		const slow = Date.now() - sinceMs > PROMPT_MS;
		return { left: remaining, busy: working > 0 || asked || calling || slow };
	};
}

/** n8n's answer, however often a busy n8n must be asked for it. */
export async function answered<T>(ask: () => Promise<T>): Promise<T> {
	const deadline = Date.now() + LIMIT_MS;
	for (;;) {
		try {
			return await ask();
		} catch (error) {
			if (Date.now() > deadline) throw error;
			await pause(LOOK_AGAIN_MS);
		}
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
	stage: Stage,
	workflow: Published,
	executions: number,
): Promise<void> {
	const missing = async () =>
		executions - (await stage.api.countExecutions(workflow.id, ['waiting']));
	const what = `of ${executions} executions did not park.`;
	await untilNone(what, lookAt(stage, workflow, missing));
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
	const missing = async () => references.length - sandbox.held().length;
	await untilNone(`of ${references.length} tasks do not run.`, lookAt(stage, workflow, missing));
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

/**
 * Waits until no execution of the workflow runs or waits, or until those that are left will not go on by themselves.
 *
 * @returns whether that was within the limit
 */
export async function untilEnded(stage: Stage, workflow: Published): Promise<boolean> {
	const left = async () => await stage.api.countExecutions(workflow.id, RUNNING);
	return (await settle(lookAt(stage, workflow, left))).decided;
}

// Executions: started, waited for and suspended.
import { setTimeout as pause } from 'node:timers/promises';
import { RUNNING } from '../tools/n8n/restClient.mts';
import { UserError } from '../tools/terminal.mts';
import type { Image, Published, Site } from './stage.mts';

const CALLS_AT_ONCE = 25;
const LOOK_AGAIN_MS = 250;
/** Longer than anything the node waits for by itself while its execution is suspended. */
const STANDSTILL_MS = 90_000;
/** Even a standstill is trusted only after so many looks. */
const STANDSTILL_LOOKS = 20;
/** An n8n that needs longer for a count is busy. */
const PROMPT_MS = 1_000;
/** Beyond any machine that is merely slow. What has not ended by then is undecided, not lost. */
const LIMIT_MS = 45 * 60_000;
export const TOO_SLOW = 'undecided, too slow';
/** Executions that n8n works on. A suspended one is "waiting". */
const WORKING = RUNNING.filter((status) => status !== 'waiting');

/** An item of a suspended execution, its task, and the execution's resume URL as the sandbox got it. */
export type Job = { reference: string; taskId: string; executionId: string; replyUrl: string };

/** Works on all values, so many at a time; the results are in the order of the values. */
export async function eachOf<T, R>(values: T[], atOnce: number, work: (value: T) => Promise<R>) {
	const results: R[] = [];
	for (let at = 0; at < values.length; at += atOnce) {
		results.push(...(await Promise.all(values.slice(at, at + atOnce).map(work))));
	}
	return results;
}

/**
 * Looks until nothing is left, or until what is left has stood still while nothing was on its way (busy). A look that
 * throws is no standstill: n8n is "not ready" while it is busy. Not decided: the limit came first.
 */
export async function settle(
	look: () => Promise<{ left: number; busy: boolean }>,
	{ limitMs = LIMIT_MS, standstillMs = STANDSTILL_MS, lookAgainMs = LOOK_AGAIN_MS } = {},
): Promise<{ left: number; decided: boolean }> {
	const deadline = Date.now() + limitMs;
	let left = Infinity;
	for (let sinceMs = Date.now(), looks = 0; ; looks++) {
		const seen = await look().catch(() => undefined);
		if (seen?.left === 0) return { left: 0, decided: true };
		if (!seen || seen.busy || seen.left < left) [sinceMs, looks] = [Date.now(), 0];
		left = Math.min(left, seen?.left ?? left);
		if (Date.now() - sinceMs > standstillMs && looks > STANDSTILL_LOOKS) {
			return { left, decided: true };
		}
		if (Date.now() > deadline) return { left, decided: false };
		await pause(lookAgainMs);
	}
}

/** n8n's answer, however often a busy n8n must be asked for it. */
export async function answered<T>(ask: () => Promise<T>): Promise<T> {
	const answers: T[] = [];
	await settle(async () => ({ left: answers.push(await ask()) - 1, busy: true }));
	if (answers.length === 0) throw new UserError(`n8n does not answer (${TOO_SLOW})`);
	return answers[0];
}

/** As `settle`, of a workflow's executions and of all that may still bring them on. */
async function settleOf({ api, sandbox }: Site, { id }: Published, left: () => Promise<number>) {
	let requests = 0;
	return await settle(async () => {
		const sinceMs = Date.now();
		const working = await api.countExecutions(id, WORKING);
		const remaining = await left();
		const asked = sandbox.requests.length > requests;
		requests = sandbox.requests.length;
		const calling = sandbox.callbacks.some(({ answer, error }) => !answer && !error);
		const slow = Date.now() - sinceMs > PROMPT_MS;
		return { left: remaining, busy: working > 0 || asked || calling || slow };
	});
}

/** Calls a workflow with the items of each execution; answers what it answers. */
export const start = async ({ url }: Published, calls: Image[][]): Promise<string[]> =>
	await eachOf(calls, CALLS_AT_ONCE, async (items) => {
		const headers = { 'content-type': 'application/json' };
		const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ items }) });
		const text = await response.text();
		if (!response.ok) throw new UserError(`n8n answered ${response.status} to a start: ${text}`);
		return text;
	});

/** Waits until so many executions of the workflow are suspended, and their tasks only wait to be ended. */
export async function untilWaiting(site: Site, workflow: Published, count: number, tasks = 0) {
	const { left, decided } = await settleOf(site, workflow, async () => {
		const waiting = await site.api.countExecutions(workflow.id, ['waiting']);
		return count - waiting + tasks - site.sandbox.held().length;
	});
	if (left > 0) throw new UserError(`${left} are not waiting${decided ? '' : ` (${TOO_SLOW})`}.`);
}

/** Starts executions with these items and waits until all of them are suspended; answers the items in their order. */
export async function suspend(site: Site, workflow: Published, calls: Image[][]): Promise<Job[]> {
	const images = calls.flat();
	await start(workflow, calls);
	await untilWaiting(site, workflow, calls.length, images.length);
	const held = new Map(site.sandbox.held().map((task) => [task.replyRef, task]));
	return images.map(({ reference }) => {
		const { taskId, replyUrl = '' } = held.get(reference)!;
		return { reference, taskId, executionId: executionIn(replyUrl), replyUrl };
	});
}

/** The execution that a resume URL is of. */
export const executionIn = (resumeUrl: string): string =>
	/\/webhook-waiting\/(\d+)/.exec(resumeUrl)?.[1] ?? '';

/** Waits until no execution runs, and none that is waiting will go on by itself; answers whether the limit was kept. */
export async function untilEnded(site: Site, workflow: Published): Promise<boolean> {
	const left = async () => await site.api.countExecutions(workflow.id, RUNNING);
	return (await settleOf(site, workflow, left)).decided;
}

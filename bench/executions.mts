// Executions: started, waited for and suspended.
import pMap from 'p-map';
import pRetry from 'p-retry';
import { setTimeout as pause } from 'node:timers/promises';
import { RUNNING, type Execution } from '../tools/n8n/restClient.mts';
import { UserError } from '../tools/terminal.mts';
import type { Image, Published, Site } from './stage.mts';

const CALLS_AT_ONCE = 25;
const READS_AT_ONCE = 4;
/** Longer than anything the node waits for by itself while its execution is suspended. */
const STANDSTILL_MS = 90_000;
/** Even a standstill is believed only after so many looks. */
const STANDSTILL_LOOKS = 20;
/** An n8n that needs longer for a count is busy. */
const PROMPT_MS = 1_000;
/** Beyond any machine that is merely slow. What has not ended by then counts as lost. */
const LIMIT_MS = 45 * 60_000;
/** One that is suspended is "waiting". */
const WORKING = RUNNING.filter((status) => status !== 'waiting');
const ENDED = ['success', 'error', 'crashed', 'canceled'];

/** An item of a suspended execution, its task, and the execution's resume URL as the sandbox got it. */
export type Job = { reference: string; taskId: string; executionId: string; replyUrl: string };

/**
 * Looks until nothing is left, or until what is left has stood still while nothing was on its way (busy); answers what is
 * left. A look that throws is no standstill: n8n is "not ready" while it is busy.
 */
export async function settle(
	look: () => Promise<{ left: number; busy: boolean }>,
	{ limitMs = LIMIT_MS, standstillMs = STANDSTILL_MS, lookAgainMs = 250 } = {},
): Promise<number> {
	const deadline = Date.now() + limitMs;
	let [left, sinceMs, looks] = [Infinity, Date.now(), 0];
	const standsStill = () => Date.now() - sinceMs > standstillMs && looks > STANDSTILL_LOOKS;
	while (left > 0 && Date.now() < deadline && !standsStill()) {
		const seen = await look().catch(() => ({ left, busy: true }));
		looks++;
		if (seen.busy || seen.left < left) [sinceMs, looks] = [Date.now(), 0];
		left = Math.min(left, seen.left);
		if (left > 0) await pause(lookAgainMs);
	}
	return left;
}

/** n8n's answer, however often a busy n8n must be asked for it. */
export const answered = async <T,>(ask: () => Promise<T>): Promise<T> =>
	await pRetry(ask, { retries: Infinity, factor: 1, minTimeout: 250, maxRetryTime: LIMIT_MS });

export const readAll = async ({ api }: Site, ids: string[]): Promise<Execution[]> =>
	await pMap(ids, (id) => answered(() => api.getExecution(id)), { concurrency: READS_AT_ONCE });

/** As `settle`, of a workflow's executions and of all that may still bring them on. */
async function settleOf({ api, sandbox }: Site, { id }: Published, left: () => Promise<number>) {
	let requests = 0;
	return await settle(async () => {
		const sinceMs = Date.now();
		const { count: working } = await api.listExecutions(id, WORKING, 1);
		const remaining = await left();
		const asked = sandbox.requests.length > requests;
		requests = sandbox.requests.length;
		const calling = sandbox.callbacks.some(({ answer, error }) => !answer && !error);
		const slow = Date.now() - sinceMs > PROMPT_MS;
		return { left: remaining, busy: working > 0 || asked || calling || slow };
	});
}

/** Calls a workflow with the items of each execution; answers what it answers. */
export async function start({ api }: Site, { path }: Published, calls: Image[][]) {
	const call = (items: Image[]) => api.request<string>('POST', path, { items });
	return await pMap(calls, call, { concurrency: CALLS_AT_ONCE });
}

/** Waits until so many executions of the workflow are suspended, and their tasks only wait to be ended. */
export async function untilParked(site: Site, workflow: Published, count: number, tasks = 0) {
	const left = await settleOf(site, workflow, async () => {
		const suspended = await site.api.listExecutions(workflow.id, ['waiting'], 1);
		return count - suspended.count + tasks - site.sandbox.held().length;
	});
	if (left > 0) throw new UserError(`${left} did not suspend.`);
}

/** Starts executions with these items and waits until all of them are suspended; answers the items in their order. */
export async function suspend(site: Site, workflow: Published, calls: Image[][]): Promise<Job[]> {
	const images = calls.flat();
	await start(site, workflow, calls);
	await untilParked(site, workflow, calls.length, images.length);
	const held = new Map(site.sandbox.held().map((task) => [task.replyRef, task]));
	return images.map(({ reference }) => {
		const { taskId, replyUrl = '' } = held.get(reference)!;
		return { reference, taskId, executionId: executionIn(replyUrl), replyUrl };
	});
}

/** The execution that a resume URL is of. */
export const executionIn = (resumeUrl: string): string =>
	/\/webhook-waiting\/(\d+)/.exec(resumeUrl)?.[1] ?? '';

/** Waits until so many executions have ended, or until those that are left will not go on by themselves. */
export async function untilEnded(site: Site, workflow: Published, count: number): Promise<void> {
	const ended = async () => (await site.api.listExecutions(workflow.id, ENDED, 1)).count;
	await settleOf(site, workflow, async () => count - (await ended()));
}

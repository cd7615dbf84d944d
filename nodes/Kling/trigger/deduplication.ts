import type { IDataObject, IWebhookFunctions } from 'n8n-workflow';

/** Longer than `receive.ts` accepts a task after its end, so that what is forgotten is refused for its age. */
const KEEP_MS = 48 * 3_600_000;
/** n8n writes all of it into its database with every start. */
const MAX_KEPT = 2_000;

/** What was started, and when (epoch ms). */
type Started = Map<string, number>;

/** By trigger. Catches calls that come at once: each has a copy of its own of what n8n has stored. */
const inThisProcess = new Map<string, Started>();

/**
 * Takes the right to start the workflow for something. Asked and taken in one step, so that of ten who ask at once one
 * gets it.
 *
 * It holds within one n8n process, and by way of n8n's static data after a restart. Processes that run side by side
 * (several webhook processes in queue mode) know of each other only what is stored: n8n loads the static data with each
 * call and saves it after, and the last to save wins.
 *
 * @param what a task and what happened to it
 * @returns whether the caller is the first
 */
export function claim(n8n: IWebhookFunctions, what: string): boolean {
	const started = startedBy(n8n);
	if (started.has(what)) return false;
	started.set(what, Date.now());
	return true;
}

/**
 * Hands everything known to n8n, which saves it when the call is done. To be called at its very end: what others started
 * meanwhile is saved along, and is not overwritten by an older state.
 */
export function persist(n8n: IWebhookFunctions): void {
	const newestFirst = [...startedBy(n8n)].sort(([, a], [, b]) => b - a);
	const oldestMs = Date.now() - KEEP_MS;
	const kept = newestFirst.slice(0, MAX_KEPT).filter(([, atMs]) => atMs > oldestMs);
	inThisProcess.set(triggerOf(n8n), new Map(kept));
	n8n.getWorkflowStaticData('node').started = Object.fromEntries(kept);
}

/** Of this process and of what n8n had stored when the call came in. */
function startedBy(n8n: IWebhookFunctions): Started {
	const trigger = triggerOf(n8n);
	const started: Started = inThisProcess.get(trigger) ?? new Map();
	inThisProcess.set(trigger, started);
	const stored = (n8n.getWorkflowStaticData('node').started ?? {}) as IDataObject;
	for (const [what, atMs] of Object.entries(stored)) {
		if (!started.has(what)) started.set(what, Number(atMs));
	}
	return started;
}

function triggerOf(n8n: IWebhookFunctions): string {
	return `${n8n.getWorkflow().id}:${n8n.getNode().id}`;
}

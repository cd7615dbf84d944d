// How long the Kling node takes, and what it asks.
import { median, seenAfterMs } from './figures.mts';
import { measureKling } from './measure.mts';
import type { CallbackRun, SeenRun } from './results.mts';
import type { Settings } from './settings.mts';
import type { Observed, Stage } from './stage.mts';

function afterCallbackMs({ execution, sandbox }: Observed): number {
	const last = sandbox.callbacks.filter(({ statusName }) => statusName === 'succeed').at(-1);
	if (!last) throw new Error('The sandbox has called nobody back');
	return Date.parse(execution.stoppedAt) - last.at;
}

/** Pause Until Called Back, with one item and with a few. */
export async function callbacks(
	stage: Stage,
	{ few, jobMs, slots }: Settings,
): Promise<CallbackRun[]> {
	const runs: CallbackRun[] = [];
	for (const items of [1, few]) {
		const observed = await measureKling(stage, {
			items,
			jobMs,
			slots,
			parameters: { wait: 'callback' },
		});
		runs.push({ ...observed.run, afterCallbackMs: afterCallbackMs(observed) });
		console.log(`    ended ${runs.at(-1)!.afterCallbackMs} ms after the last callback`);
	}
	return runs;
}

/** A batch of long tasks: how often it asks, and how soon it sees what is finished. */
export async function longBatch(stage: Stage, { long }: Settings): Promise<SeenRun | undefined> {
	if (!long) return undefined;
	const { run, results, sandbox } = await measureKling(stage, long);
	const seen = results.map(({ json }) => {
		const { taskId, createdAt, updatedAt } = json as Record<string, string>;
		return seenAfterMs({ taskId, createdAt, updatedAt }, sandbox.requests) / long.jobMs;
	});
	return { ...run, seen: { median: median(seen), latest: Math.max(...seen) } };
}

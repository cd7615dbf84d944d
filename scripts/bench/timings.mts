// How long the Kling node takes, and what it asks.
import { median, seenAfterMs } from './figures.mts';
import { measureKling } from './measure.mts';
import type { CallbackRun, SeenRun } from './results.mts';
import type { Settings } from './settings.mts';
import type { Observed, Stage } from './stage.mts';

const NODE_TYPE = 'n8n-nodes-useapi-kling.kling';
const CALLBACK = 'callback';

interface NodeType {
	name: string;
	properties: Array<{ name: string; options?: Array<{ value?: unknown }> }>;
}

/** Whether Wait for Result has the choice to pause until useapi.net calls back. */
async function canPause({ n8n }: Stage): Promise<boolean> {
	const types = await n8n.api.request<NodeType[]>('GET', '/types/nodes.json');
	const properties = types.find(({ name }) => name === NODE_TYPE)?.properties ?? [];
	return properties.some(
		({ name, options }) =>
			name === 'wait' && options?.some(({ value }) => value === CALLBACK) === true,
	);
}

function afterCallbackMs({ execution, sandbox }: Observed): number {
	const last = sandbox.callbacks.filter(({ statusName }) => statusName === 'succeed').at(-1);
	if (!last) throw new Error('The sandbox has called nobody back');
	return Date.parse(execution.stoppedAt) - last.at;
}

/** One item and a few; undefined when the installed node does not offer it. */
export async function callbacks(
	stage: Stage,
	{ few, jobMs, slots }: Settings,
): Promise<CallbackRun[] | undefined> {
	if (!(await canPause(stage))) {
		console.log('  Pause Until Called Back: the installed node does not offer it yet.');
		return undefined;
	}
	const runs: CallbackRun[] = [];
	for (const items of [1, few]) {
		const observed = await measureKling(stage, {
			items,
			jobMs,
			slots,
			parameters: { wait: CALLBACK },
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

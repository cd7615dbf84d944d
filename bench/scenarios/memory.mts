// What of n8n's memory a large file and many tasks at once take.
import { setTimeout as pause } from 'node:timers/promises';
import type { Workflow } from '../../tools/n8n/restClient.mts';
import { step } from '../../tools/terminal.mts';
import { atMost, count, kilobytes, megabytes, type Check, type Section } from '../report.mts';
import type { SiteOptions, Stage } from '../stage.mts';
import { httpLoop, kling } from '../workflows.mts';
import { faultsOf, measure, type Run } from './polling.mts';

const FILE_BYTES = 100_000_000;
/** n8n loads and compiles things at its first runs, and holds on to buffers of its start for a while. */
const WARM_UP_MS = 30_000;
/** How often garbage is collected while memory in use is watched. */
const FILE_EVERY_MS = 200;
const TASKS_EVERY_MS = 3_000;
/** So that the loop asks about as often as the node does. */
const LOOP_PAUSE_S = 3;

export async function memory(stage: Stage, quick: boolean): Promise<Section> {
	const { probe } = stage;
	const [images, jobMs] = quick ? [200, 8_000] : [1_000, 30_000];
	const many = count(images, 'task');
	const [runs, rows, checks]: [Run[], string[][], Check[]] = [[], [], []];

	/** @param watch how often memory in use is looked at in a further run, and what it may grow by */
	async function grow(
		way: string,
		workflow: Workflow,
		options: SiteOptions & { jobMs: number },
		watch?: [everyMs: number, targetBytes: number],
	) {
		const work = async () => await measure(stage, way, workflow, options);
		const before = await probe.rest();
		const { result, cost } = await probe.around(work);
		const after = await probe.rest();
		const grown = cost.peakBytes - before.sizeBytes;
		const used = watch ? (await probe.use(work, watch[0])) - before.usedBytes : NaN;
		if (watch) checks.push(atMost(`${way}: growth in use`, used, watch[1], megabytes));
		const sizes = [before.sizeBytes, cost.peakBytes, after.sizeBytes, grown].map(megabytes);
		rows.push([way, ...sizes, kilobytes(grown / result.requests), megabytes(used)]);
		runs.push(result);
	}

	await step('Waiting for n8n to settle', async () => await pause(WARM_UP_MS));
	const download = kling('poll', { download: true });
	const small = { images: 1, jobMs: 500 };
	const large = { ...small, resultBytes: FILE_BYTES };
	const tasks = { images, jobMs };
	for (const file of [small, large]) await measure(stage, 'Warming up', download, file);
	await grow('Download of a small image', download, small);
	await grow('Download of 100 MB', download, large, [FILE_EVERY_MS, 32_000_000]);
	await grow(`Kling node, ${many} at once`, kling('poll'), tasks, [TASKS_EVERY_MS, 50_000_000]);
	const loop = httpLoop(LOOP_PAUSE_S, false);
	// It knows no accounts, so one gets the slots of all.
	await grow(`HTTP nodes, ${many} at once`, loop, { ...tasks, slots: images });
	const head = ['', 'Size before', 'At most', 'Afterwards', 'Growth', 'Per request', 'In use'];
	return {
		title: 'Memory',
		load: `${many} of ${jobMs / 1000} s on accounts with 50 job slots each; the HTTP nodes on one account with ${images}.`,
		checks,
		text: '"Size" is that of the process (RSS), with the garbage that n8n leaves at every request, whichever node it is of. "In use" is by how much heap and buffers grow when the garbage is collected again and again, in a run of its own; the targets are held to that.',
		tables: [[head, rows]],
		faults: faultsOf(runs),
	};
}

// What of n8n's memory a large file and many tasks at once take.
import { atMost, count, kilobytes, megabytes } from '../report.mts';
import type { Check, Row, Section } from '../report.mts';
import type { Stage } from '../stage.mts';
import { httpLoop, kling } from '../workflows.mts';
import { faultsOf, measure, type Plan, type Run } from './polling.mts';

const FILE_BYTES = 100_000_000;
/** How often garbage is collected while memory in use is watched. */
const FILE_EVERY_MS = 200;
const TASKS_EVERY_MS = 3_000;
/** So that the loop asks about as often as the node does. */
const LOOP_PAUSE_S = 3;

export async function memory(stage: Stage, quick: boolean): Promise<Section> {
	const { probe } = stage;
	const [images, jobMs] = quick ? [200, 8_000] : [1_000, 30_000];
	const many = count(images, 'task');
	const [runs, rows, checks]: [Run[], Row[], Check[]] = [[], [], []];

	/** @param watch how often memory in use is looked at in a further run, and what it may grow by */
	async function grow(plan: Plan, watch?: [everyMs: number, targetBytes: number]) {
		const work = async () => await measure(stage, plan);
		const before = await probe.rest();
		const { result, cost } = await probe.around(work);
		const after = await probe.rest();
		const grown = cost.peakBytes - before.sizeBytes;
		const used = watch ? (await probe.use(work, watch[0])) - before.usedBytes : NaN;
		if (watch) checks.push(atMost(`${plan.way}: growth in use`, used, megabytes, watch[1]));
		rows.push({
			'': plan.way,
			'Size before': megabytes(before.sizeBytes),
			'At most': megabytes(cost.peakBytes),
			Afterwards: megabytes(after.sizeBytes),
			'Per request': kilobytes(grown / (result.requests * plan.images)),
			'In use': megabytes(used),
		});
		runs.push(result);
	}

	const file = { workflow: kling('poll', { download: true }), images: 1, jobMs: 500 };
	const small = { ...file, way: 'Download of a small image' };
	const large = { ...file, way: 'Download of 100 MB', resultBytes: FILE_BYTES };
	// n8n loads and compiles things at its first runs.
	for (const plan of [small, large]) await measure(stage, { ...plan, way: 'Warming up' });
	await grow(small);
	await grow(large, [FILE_EVERY_MS, 32_000_000]);
	const node = { images, jobMs, way: `Kling node, ${many} at once`, workflow: kling('poll') };
	await grow(node, [TASKS_EVERY_MS, 50_000_000]);
	// The loop knows no accounts, so one gets the slots of all.
	const workflow = httpLoop(LOOP_PAUSE_S, false);
	await grow({ images, jobMs, way: `HTTP nodes, ${many} at once`, workflow, slots: images });
	return {
		title: 'Memory',
		load: `${many} of ${jobMs / 1000} s on accounts with 50 job slots each; the HTTP nodes on one account with ${images}.`,
		checks,
		text: '"Size" is that of the process (RSS), garbage included. "In use" is by how much heap and buffers grow when it is collected all the time, in a run of its own.',
		tables: [rows],
		faults: faultsOf(runs),
	};
}

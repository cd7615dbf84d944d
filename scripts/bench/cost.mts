// How cost grows with the number of items and the size of files, and what of it is n8n's memory.
import { setTimeout as pause } from 'node:timers/promises';
import { step } from '../npm.mjs';
import { grown } from './figures.mts';
import { measure, measureKling } from './measure.mts';
import { watchSize, watchUse } from './memory.mts';
import type { Results } from './results.mts';
import type { Settings } from './settings.mts';
import type { Stage } from './stage.mts';
import { about, count, megabytes } from './units.mts';

const WARM_UP_MS = 30_000;
const WARM_UP = { workflow: 'kling', items: 10, jobMs: 500, slots: 10, seconds: 1 } as const;
const FILE_RUN = { ...WARM_UP, items: 1, parameters: { download: true } };
const FILE_RUNS = 5;
/** So that the loop asks about as often as the node does. */
const LOOP_PAUSE_S = 3;

/**
 * A new n8n loads and compiles things at its first runs, and holds on to buffers of its start for a quarter of a minute;
 * that is no cost of the run it happens in.
 */
export async function warmUp(stage: Stage): Promise<void> {
	await step(`Warming up n8n (${about(WARM_UP_MS / 1000)})`, async () => {
		const enough = pause(WARM_UP_MS);
		for (const options of [WARM_UP, WARM_UP, FILE_RUN]) await stage.observe(options);
		await enough;
	});
}

export async function growth(stage: Stage, { growth }: Settings): Promise<Results['growth']> {
	const measured: Results['growth'] = [];
	for (const items of growth.items) {
		const { jobMs, slots } = growth;
		const { result, memory } = await watchSize(
			stage.watched,
			async () => await measureKling(stage, { items, jobMs, slots }),
		);
		measured.push({ ...result.run, memory });
	}
	return measured;
}

/** A small result file and a large one on their way to n8n's storage, in turns. */
export async function file(stage: Stage, { fileBytes }: Settings): Promise<Results['file']> {
	const run = async (resultBytes: number) => {
		const { memory } = await watchSize(
			stage.watched,
			async () => await measureKling(stage, { ...FILE_RUN, sandbox: { resultBytes } }),
		);
		if (memory)
			console.log(
				`    ${resultBytes ? `a file of ${megabytes(resultBytes)}` : 'a small image'}: n8n grew by ${megabytes(grown(memory))}`,
			);
		return memory;
	};
	const measured: Results['file'] = { small: [], large: [] };
	while (measured.small.length < FILE_RUNS) {
		measured.small.push(await run(0));
		measured.large.push(await run(fileBytes));
	}
	return measured;
}

/** Every task at work at the same time, within the slots of several accounts. */
export async function watched(
	stage: Stage,
	{ watched: { accounts, slots, jobMs } }: Settings,
): Promise<Results['watched']> {
	const items = accounts * slots;
	const kling = async () => await measureKling(stage, { items, accounts, slots, jobMs });
	const loop = async () =>
		await measure(stage, `Loop with Wait ${LOOP_PAUSE_S} s: ${count(items)} at once`, {
			workflow: 'all-at-once',
			items,
			jobMs,
			// It knows no accounts, so one gets the slots of all.
			slots: items,
			pauseSeconds: LOOP_PAUSE_S,
			seconds: jobMs / 1000,
		});
	const size = await watchSize(stage.watched, kling);
	const loopSize = await watchSize(stage.watched, loop);
	const use = await watchUse(stage.watched, kling);
	return {
		size: size.memory,
		run: size.result.run,
		loopSize: loopSize.memory,
		loopRun: loopSize.result.run,
		use: use.memory,
	};
}

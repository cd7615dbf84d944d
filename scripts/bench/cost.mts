// How cost grows with the number of items and the size of files, and what of it is n8n's memory.
import { setTimeout as pause } from 'node:timers/promises';
import { step } from '../../tools/terminal.mts';
import { measure, measureKling } from './measure.mts';
import { watchSize, watchUse } from './memory.mts';
import type { FileMemory, Results } from './results.mts';
import type { Settings } from './settings.mts';
import type { Stage } from './stage.mts';
import { about, count } from './units.mts';

const WARM_UP_MS = 30_000;
const WARM_UP = { workflow: 'kling', items: 10, jobMs: 500, slots: 10, seconds: 1 } as const;
const FILE_RUN = { ...WARM_UP, items: 1, parameters: { download: true } };
/** How often garbage is collected while memory in use is watched: many times while the file passes, and while tasks run. */
const COLLECT_OFTEN_MS = 200;
const COLLECT_EVERY_MS = 3_000;
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

/** A small result file and large ones on their way to n8n's storage. */
export async function file(stage: Stage, { fileBytes }: Settings): Promise<FileMemory> {
	const download = async (resultBytes: number) =>
		await measureKling(stage, { ...FILE_RUN, sandbox: { resultBytes } });
	const size = async (bytes: number) =>
		(await watchSize(stage.watched, async () => await download(bytes))).memory;
	return {
		small: await size(0),
		large: await size(fileBytes),
		again: await size(fileBytes),
		use: (await watchUse(stage.watched, async () => await download(fileBytes), COLLECT_OFTEN_MS))
			.memory,
	};
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
	const use = await watchUse(stage.watched, kling, COLLECT_EVERY_MS);
	const size = await watchSize(stage.watched, kling);
	const loopSize = await watchSize(stage.watched, loop);
	return {
		size: size.memory,
		run: size.result.run,
		loopSize: loopSize.memory,
		loopRun: loopSize.result.run,
		use: use.memory,
	};
}

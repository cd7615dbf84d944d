// What people use without this node: n8n's own nodes in a loop, and n8n-nodes-useapi-net from npm.
import { execa } from 'execa';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { step, UserError } from '../../tools/terminal.mts';
import { PROJECT } from '../../tools/project.mts';
import { limitSeconds } from './figures.mts';
import { measure } from './measure.mts';
import type { Results } from './results.mts';
import type { Settings } from './settings.mts';
import { BENCH_FOLDER, type Stage } from './stage.mts';
import { count } from './units.mts';

export const RIVAL = 'n8n-nodes-useapi-net';
const UPSCALE = '/v1/kling/images/upscale';
/** The vendor's own answer to an accepted job. */
const ACCEPTED = join(PROJECT, 'test', 'contract', 'documented', 'upscale.200.json');

/** Downloads the latest version from npm into a folder of the bench. Answers the tarball, or why there is none. */
export async function downloadRival(): Promise<{ tarball: string } | { error: string }> {
	const folder = join(BENCH_FOLDER, 'rival');
	await mkdir(folder, { recursive: true });
	const command = ['pack', `${RIVAL}@latest`, '--ignore-scripts', '--fetch-retries=1'];
	const { failed, all: output } = await step(
		`Downloading ${RIVAL} from npm`,
		async () =>
			await execa('npm', [...command, '--pack-destination', folder], {
				cwd: folder,
				all: true,
				reject: false,
			}),
	);
	const file = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
	if (!failed && file) return { tarball: join(folder, file) };
	const [reason = output.trim()] = [
		...output.matchAll(/^npm error (?!code|errno|syscall|A complete)(.+)$/gm),
	].map(([, words]) => words);
	console.log(`    It is left out of the comparison. npm said: ${reason}`);
	return { error: `npm could not download it (${reason})` };
}

/** With the request as it sends it, and with an API that is content with that request. */
export async function rivalRuns(
	stage: Stage,
	{ jobMs, slots }: Settings,
): Promise<Results['rivalRuns']> {
	const options = {
		workflow: 'useapi-net',
		items: 1,
		jobMs,
		slots,
		seconds: jobMs / 1000,
	} as const;
	const plain = await measure(stage, `${RIVAL}: 1 item`, options);
	const body: unknown = JSON.parse(await readFile(ACCEPTED, 'utf8'));
	const letThrough = await measure(stage, `${RIVAL}: 1 item, request let through`, {
		...options,
		fault: { kind: 'json', method: 'POST', path: UPSCALE, body },
	});
	return { plain: plain.run, letThrough: letThrough.run };
}

/** How long a loop takes that looks only after every pause. */
const loopSeconds = (jobMs: number, pauseSeconds: number) =>
	Math.ceil(jobMs / 1000 / pauseSeconds) * pauseSeconds;

export async function loops(
	stage: Stage,
	{ loopPauses, few, jobMs, slots }: Settings,
): Promise<Results['loops']> {
	const measured: Results['loops'] = [];
	for (const pauseSeconds of loopPauses) {
		const run = async (items: number) => {
			const title = `Loop with Wait ${pauseSeconds} s: ${count(items)}, one by one`;
			const seconds = items * loopSeconds(jobMs, pauseSeconds);
			const options = { workflow: 'loop', items, jobMs, slots, pauseSeconds, seconds } as const;
			const observed = await measure(stage, title, options);
			if (observed.run.error || observed.run.finished < items) {
				throw new UserError(
					`The loop that this node is compared with did not work: ${observed.run.error ?? 'items are missing'}. Nothing has been written. Correct scripts/bench/workflows/loop.json.`,
				);
			}
			return observed.run;
		};
		measured.push({ pauseSeconds, single: await run(1), few: await run(few) });
	}
	return measured;
}

/** Without Loop Over Items: as fast as the tasks are, until there is one item more than job slots. */
export async function atOnce(
	stage: Stage,
	{ loopPauses: [pauseSeconds], jobMs, slots }: Settings,
): Promise<Results['atOnce']> {
	const run = async (items: number) => {
		const title = `Loop with Wait ${pauseSeconds} s: ${count(items)} at once, ${slots} slots`;
		const seconds = limitSeconds(items, slots, jobMs);
		const options = {
			workflow: 'all-at-once',
			items,
			jobMs,
			slots,
			pauseSeconds,
			seconds,
		} as const;
		return (await measure(stage, title, options)).run;
	};
	return { pauseSeconds, fitting: await run(slots), oneMore: await run(slots + 1) };
}

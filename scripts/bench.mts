// `npm run bench`: how fast this node is, what it asks and what it weighs, beside what people use without it.
import { readFile, writeFile } from 'node:fs/promises';
import { constants, cpus, loadavg, release, totalmem, type as systemName } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { checks } from './bench/checks.mts';
import { file, growth, warmUp, watched } from './bench/cost.mts';
import { fillIn } from './bench/markdown.mts';
import { measureKling } from './bench/measure.mts';
import { weigh } from './bench/package.mts';
import { report, summary } from './bench/report.mts';
import type { Machine, Results } from './bench/results.mts';
import { atOnce, downloadRival, loops, RIVAL, rivalRuns } from './bench/rivals.mts';
import { FULL, QUICK, type Settings } from './bench/settings.mts';
import { closeAll, openStage as openNamed, type Stage } from './bench/stage.mts';
import { callbacks, longBatch } from './bench/timings.mts';
import { execa } from 'execa';
import { installN8n, N8N_VERSION } from '../tools/n8n/install.mts';
import { step, UserError } from '../tools/terminal.mts';
import { packTarball } from '../tools/n8n/pack.mts';
import { PACKAGE_NAME, PROJECT } from '../tools/project.mts';

const DOCUMENT = join(PROJECT, 'docs', 'benchmarks.md');
const README = join(PROJECT, 'README.md');
const HELP = `Measures the Kling node in a real n8n ${N8N_VERSION} against the sandbox, beside the loop of n8n's own nodes and beside
${RIVAL}, which is downloaded from npm. Leave the machine alone meanwhile.

  npm run bench               about 35 minutes; writes docs/benchmarks.md and the table in README.md
  npm run bench -- --quick    about 6 minutes, with shorter tasks; writes nothing
  npm run bench -- --help     this text

The full run ends with 1 when a target is missed.`;

function readSettings(): Settings {
	const options = { quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
	try {
		const { values } = parseArgs({ options });
		if (values.help) {
			console.log(HELP);
			process.exit(0);
		}
		return values.quick ? QUICK : FULL;
	} catch (error) {
		throw new UserError(`${(error as Error).message}\n\n${HELP}`);
	}
}

/** @param load how busy the machine was when the bench began */
async function describeMachine(node: string, load: number): Promise<Machine> {
	return {
		date: new Date().toISOString().slice(0, 10),
		system: `${systemName()} ${release()}`,
		processor: cpus()[0]?.model ?? process.arch,
		cores: cpus().length,
		memoryBytes: totalmem(),
		node: (await execa(node, ['--version'])).stdout.replace(/^v/, ''),
		benchNode: process.versions.node,
		n8n: N8N_VERSION,
		load,
	};
}

const chapter = (title: string) => console.log(`\n== ${title}`);

/** Opens a stage for one piece of work and clears it away. */
async function on<T>(open: () => Promise<Stage>, work: (stage: Stage) => Promise<T>): Promise<T> {
	const stage = await open();
	try {
		return await work(stage);
	} finally {
		await stage.close();
	}
}

/** What takes little time comes first. */
async function measureAll(settings: Settings): Promise<Results> {
	const [load] = loadavg();
	if (load > cpus().length / 2) {
		console.log(
			`This machine has other work to do (load ${load.toFixed(1)}), so times will be longer than they need be.`,
		);
	}
	const { node } = await installN8n();
	const tarball = await packTarball();
	const { few, batch, jobMs, slots, loads } = settings;
	const download = await downloadRival();
	const others = 'tarball' in download ? [download.tarball] : [];
	const openStage = async () =>
		await step(`Starting n8n ${N8N_VERSION}`, async () => await openNamed(tarball, others));
	const kling = async (stage: Stage, items: number) =>
		(await measureKling(stage, { items, jobMs, slots })).run;

	const timings = await on(openStage, async (stage) => {
		chapter('The packages');
		const packages = [
			{ name: PACKAGE_NAME, tarball },
			...('tarball' in download ? [{ name: RIVAL, tarball: download.tarball }] : []),
		];
		const [own, rival] = await weigh(packages, stage.folder, node, loads);
		chapter('Times and requests');
		return {
			own,
			rival: 'tarball' in download ? rival : download,
			rivalRuns: 'tarball' in download ? await rivalRuns(stage, settings) : undefined,
			single: await kling(stage, 1),
			few: await kling(stage, few),
			callbacks: await callbacks(stage, settings),
			atOnce: await atOnce(stage, settings),
			loops: await loops(stage, settings),
			batch: await kling(stage, batch),
		};
	});
	const costs = await on(openStage, async (stage) => {
		chapter('Memory: a large file');
		await warmUp(stage);
		const filed = await file(stage, settings);
		chapter('Memory: many tasks at once');
		const watching = await watched(stage, settings);
		chapter('How cost grows');
		return { file: filed, watched: watching, growth: await growth(stage, settings) };
	});
	if (settings.long) chapter('A batch of long tasks');
	const long = settings.long && (await on(openStage, (stage) => longBatch(stage, settings)));
	const machine = await describeMachine(node, load);
	return { settings, machine, ...timings, ...costs, long };
}

async function write(results: Results): Promise<void> {
	const readme = await readFile(README, 'utf8');
	const texts = new Map([
		[DOCUMENT, report(results)],
		[README, fillIn(readme, 'measured', summary(results))],
	]);
	for (const [path, text] of texts) {
		const style = await resolveConfig(path);
		await writeFile(path, await format(text, { ...style, filepath: path }));
		console.log(`Written: ${path}`);
	}
}

async function bench(): Promise<boolean> {
	const settings = readSettings();
	const results = await measureAll(settings);
	console.log(`\n${await format(report(results), { parser: 'markdown' })}`);
	if (settings.quick) {
		console.log(
			'Nothing was written: the targets, and the figures that are published, are of the full run.',
		);
		return true;
	}
	await write(results);
	const missed = checks(results).filter(({ met }) => met === false);
	for (const { what, target, measured } of missed) {
		console.log(`✗ Target missed: ${what}: ${measured}, should be ${target}.`);
	}
	if (missed.length === 0) console.log('✓ No target is missed.');
	return missed.length === 0;
}

const words = (error: unknown) =>
	error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));

let ending = false;
async function end(code: number): Promise<void> {
	ending = true;
	await closeAll();
	process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	process.on(signal, () => {
		if (ending) return;
		console.log('\nEnding …');
		void end(128 + constants.signals[signal]);
	});
}
try {
	await end((await bench()) ? 0 : 1);
} catch (error) {
	// What breaks because it is being ended is no news.
	if (!ending) {
		console.error(`\n✗ ${words(error)}`);
		await end(1);
	}
}

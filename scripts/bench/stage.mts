// Where the measuring is done: a real n8n with the packages in it, and a fresh sandbox for every run.
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { SandboxOptions } from '../../sandbox/options.mts';
import { startSandbox, type Fault, type Sandbox } from '../../sandbox/server.mts';
import type { Execution, Item, RunError } from '../../tools/n8n/restClient.mts';
import { logTail, startN8n, type RunningN8n } from '../../tools/n8n/process.mts';
import { UserError } from '../../tools/terminal.mts';
import { WORK } from '../../tools/project.mts';
import { countRequests } from './figures.mts';
import { COLLECTOR, type Watched } from './memory.mts';
import type { Run } from './results.mts';
import { NODES, readWorkflow, SOURCE, type Filling, type WorkflowName } from './workflows.mts';

/** Small, so that making the results takes no time worth mentioning. */
const PICTURE = 'small.png';
const SIDE_PX = 64;
/** The sandbox forgets what is beyond this, and then there is nothing to count. */
const MOST_REQUESTS = 20_000;
/** A run that takes this many times what it should has got stuck. */
const PATIENCE = 4;
const PATIENCE_MS = 120_000;

export interface RunOptions extends Omit<Filling, 'accounts'> {
	workflow: WorkflowName;
	jobMs: number;
	slots: number;
	/** Kling accounts that the items are dealt out to; 1 unless given. */
	accounts?: number;
	/** How long it should take at most, in seconds: nothing is cut off before several times that. */
	seconds: number;
	sandbox?: SandboxOptions;
	fault?: Fault;
}

export interface Observed {
	run: Run;
	execution: Execution;
	sandbox: Pick<Sandbox, 'requests' | 'callbacks'>;
	/** What the node Result got. */
	results: Item[];
}

export interface Stage {
	n8n: RunningN8n;
	folder: string;
	watched: Watched;
	observe(options: RunOptions): Promise<Observed>;
	close(): Promise<void>;
}

/** All that this run of the bench makes, thrown away at its end. */
export const BENCH_FOLDER = join(WORK, 'bench', randomUUID());
const OWNER = { email: 'owner@example.com', password: `Kling-${randomUUID()}-1` };

const open = new Set<() => Promise<void>>();

/** A new n8n with nothing in it but the packages. */
export async function openStage(tarball: string, others: string[] = []): Promise<Stage> {
	const folder = join(BENCH_FOLDER, randomUUID());
	const pictures = join(folder, 'pictures');
	await mkdir(pictures, { recursive: true });
	await sharp({ create: { width: SIDE_PX, height: SIDE_PX, channels: 3, background: 'teal' } })
		.png()
		.toFile(join(pictures, PICTURE));
	const clear = async () => await rm(folder, { recursive: true, force: true });
	const memoryFile = join(folder, 'memory');
	const env = { NODE_OPTIONS: `--import ${COLLECTOR}`, BENCH_MEMORY_FILE: memoryFile };
	let n8n: RunningN8n | undefined;
	const close = async () => {
		await n8n?.stop();
		await clear();
		open.delete(close);
	};
	open.add(close);
	try {
		const started = (n8n = await startN8n({ folder, tarball, others, env }));
		await started.api.login(OWNER);
		return {
			n8n: started,
			folder,
			watched: { pid: started.pid, memoryFile },
			observe: async (options) => await observe(started, pictures, options),
			close,
		};
	} catch (error) {
		await close();
		throw error;
	}
}

/** The end of the bench, should it come before its time or not. */
export async function closeAll(): Promise<void> {
	await Promise.all([...open].map(async (close) => await close()));
	await rm(BENCH_FOLDER, { recursive: true, force: true });
}

const wordsOf = ({ message, description }: RunError) =>
	[message, description].filter(Boolean).join(' – ');

const isDone = ({ json }: Item) => json.status === 'succeed' || json.status_name === 'succeed';

async function stateOf({ url }: Sandbox): Promise<{ accepted: number }> {
	const answer = await fetch(`${url}/_sandbox/state`);
	return (await answer.json()) as { accepted: number };
}

async function observe(
	{ api, log }: RunningN8n,
	picturesFolder: string,
	options: RunOptions,
): Promise<Observed> {
	const { items, jobMs, slots, seconds } = options;
	const emails = Array.from(
		{ length: options.accounts ?? 1 },
		(_, number) => `artist-${number + 1}@example.com`,
	);
	const sandbox = await startSandbox({
		picturesFolder,
		seeds: [{ ...SOURCE, picture: PICTURE }],
		scale: 1,
		accounts: emails.map((email) => ({ email, maxJobs: slots })),
		jobMs,
		...options.sandbox,
	});
	try {
		if (options.fault) sandbox.addFault(options.fault);
		const filling = { ...options, accounts: emails };
		const workflow = await readWorkflow(options.workflow, filling, api, sandbox);
		const { id } = await api.importWorkflow(workflow);
		const limitMs = seconds * 1000 * PATIENCE + PATIENCE_MS;
		const execution = await api.waitForExecution(await api.runWorkflow(id, NODES.trigger), limitMs);
		if (sandbox.requests.length >= MOST_REQUESTS) {
			throw new UserError(`More than ${MOST_REQUESTS} requests were sent; they cannot be counted.`);
		}
		const { error, runData } = execution.resultData;
		const results = (runData[NODES.result] ?? []).flatMap(
			({ data }) => data?.main.flatMap((output) => output ?? []) ?? [],
		);
		const run: Run = {
			items,
			jobMs,
			slots,
			seconds: (Date.parse(execution.stoppedAt) - Date.parse(execution.startedAt)) / 1000,
			requests: countRequests(sandbox.requests),
			accepted: (await stateOf(sandbox)).accepted,
			finished: results.filter(isDone).length,
			...(error && { error: wordsOf(error) }),
		};
		return { run, execution, sandbox, results };
	} catch (error) {
		const { message } = error as Error;
		throw new UserError(`${message}\n  What matters in n8n's log:\n${await logTail(log)}`);
	} finally {
		await sandbox.close();
	}
}

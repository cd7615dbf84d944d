import type { InjectOptions } from 'fastify';
import type { Fault } from './faults.mts';
import { Faults } from './faults.mts';
import type { SandboxOptions, Settings } from './options.mts';
import { DEFAULTS } from './options.mts';
import { buildApi } from './routes/api.mts';
import { buildCdn } from './routes/cdn.mts';
import { taskModel, toJson } from './routes/models.mts';
import { Balances } from './state/balances.mts';
import type { RecordedCallback } from './state/callbacks.mts';
import { Callbacks } from './state/callbacks.mts';
import type { Context, RecordedRequest } from './state/context.mts';
import { Files } from './state/files.mts';
import { PictureFolder } from './state/pictures.mts';
import type { Task } from './state/tasks.mts';
import { isFinal, TaskStore } from './state/tasks.mts';

export { SANDBOX_TOKEN } from './options.mts';
export type { SandboxAccount, SandboxOptions, SandboxSeed } from './options.mts';
export type { RecordedCallback, RecordedRequest, Fault };

/** A stand-in for useapi.net: the API on one origin, its files on another, everything in memory. */

const HOST = '127.0.0.1';

export interface SandboxTask {
	taskId: string;
	name: string;
	status: string;
	workIds: string[];
}

/** A task that `settings.hold` keeps running. */
export interface HeldTask {
	taskId: string;
	replyUrl?: string;
	replyRef?: string;
}

export interface Sandbox {
	url: string;
	cdnUrl: string;
	token: string;
	/** Every request on both servers, oldest first. */
	requests: RecordedRequest[];
	callbacks: RecordedCallback[];
	/** The highest number of jobs running at once, per account email. */
	peakJobs: Map<string, number>;
	/** In force now; may be changed while it runs (not the ports). */
	settings: Settings;
	/** The tasks whose time is over and that are kept from ending, oldest first. */
	held(): HeldTask[];
	/** Lets a held task end at once. Throws when it is not held. */
	release(taskId: string): void;
	/** What an account, the first unless told otherwise, has left. */
	credits(email?: string): number;
	/** The tasks of the first account, newest first. */
	tasks(): Promise<SandboxTask[]>;
	/** How many answers a fault keeps back right now. */
	keptBack(): number;
	addFault(fault: Fault): void;
	clearFaults(): void;
	/** Ends both servers, timers and open sockets. */
	close(): Promise<void>;
}

/** A sandbox on free ports, or those of its options. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
	const { context, api, cdn, ...sandbox } = await buildSandbox(options);
	const { port, cdnPort } = sandbox.settings;
	try {
		context.cdnUrl = await cdn.listen({ host: HOST, port: cdnPort });
		const url = await api.listen({ host: HOST, port });
		return { ...sandbox, url, cdnUrl: context.cdnUrl };
	} catch (error) {
		await sandbox.close();
		throw error;
	}
}

/** One that listens nowhere: requests are handed to it by `inject`. */
export async function openSandbox(options: SandboxOptions = {}) {
	const { context, api, cdn, ...sandbox } = await buildSandbox(options);
	const [url, cdnUrl] = ['http://127.0.0.1:1', 'http://127.0.0.1:2'];
	context.cdnUrl = cdnUrl;
	return {
		...sandbox,
		url,
		cdnUrl,
		inject: async (request: InjectOptions & { url: string }) =>
			await (request.url.startsWith(cdnUrl) ? cdn : api).inject(request),
	};
}

async function buildSandbox(options: SandboxOptions) {
	const settings: Settings = { ...DEFAULTS, ...options };
	const files = new Files();
	const context: Context = {
		settings,
		files,
		tasks: new TaskStore(settings, new PictureFolder(settings), files),
		balances: new Balances(settings),
		callbacks: new Callbacks(settings),
		faults: new Faults(),
		requests: [],
		cdnUrl: '',
	};
	const { tasks, callbacks, faults, requests, balances } = context;
	await tasks.seed(settings.seeds);
	tasks.onChange = (task) => {
		const wanted = settings.callbacks;
		if (wanted === 'none' || (wanted === 'withoutFinal' && isFinal(task.statusName))) return;
		// assumes: callback-several, callback-reference
		const body = { ...taskModel(context, task), replyRef: task.replyRef };
		callbacks.send(task, toJson(body));
	};

	const cdn = await buildCdn(context);
	const api = await buildApi(context);
	return {
		context,
		api,
		cdn,
		token: settings.token,
		requests,
		callbacks: callbacks.sent,
		peakJobs: tasks.peakJobs,
		settings,
		held: () => describeHeld(tasks.listHeld()),
		release: (taskId: string) => tasks.release(taskId),
		credits: (email = settings.accounts[0]?.email ?? '') => balances.total(email) / 100,
		tasks: async () => describe(await tasks.list(settings.accounts[0]?.email ?? '')),
		keptBack: () => faults.keptBack,
		addFault: (fault: Fault) => faults.add(fault),
		clearFaults: () => faults.clear(),
		close: async () => {
			faults.close();
			await Promise.all([tasks.close(), callbacks.close(), api.close(), cdn.close()]);
		},
	};
}

function describeHeld(tasks: Task[]): HeldTask[] {
	return tasks.map(({ id, replyUrl, replyRef }) => ({ taskId: String(id), replyUrl, replyRef }));
}

function describe(tasks: Task[]): SandboxTask[] {
	return tasks.map(({ id, prompt, statusName, works }) => ({
		taskId: String(id),
		name: prompt,
		status: statusName,
		workIds: works.map(({ workId }) => String(workId)),
	}));
}

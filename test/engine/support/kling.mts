import type { IDataObject, INode } from 'n8n-workflow';
import sharp from 'sharp';

import type { Fault } from '../../../sandbox/faults.mts';
import type { SandboxOptions, SandboxSeed } from '../../../sandbox/options.mts';
import { startSandbox, type Sandbox } from '../../../sandbox/server.mts';
import type { RecordedRequest } from '../../../sandbox/state/context.mts';
import { keepsBack, passUntil } from './n8n/clock.mts';
import { runWorkflow, startWorkflow } from './n8n/engine.mts';
import type { StartFile } from './n8n/nodes.mts';
import { agentWorkflow, klingWorkflow } from './n8n/workflows.mts';

/** The ids of the vendor's page. */
export const TASK_ID = '123456789';
export const WORK_ID = '987654321';
const source = { taskId: TASK_ID, workId: WORK_ID };

const byId = (value: unknown) => ({ __rl: true, mode: 'id', value });

/** So many different images, since one image is paid for once: what a sandbox is seeded with, and an item for each. */
export function images(count: number, changes: Partial<SandboxSeed> = {}) {
	const items = Array.from({ length: count }, (_, number) => ({
		taskId: String(600_000_000 + 10 * number),
		workId: String(600_000_001 + 10 * number),
	}));
	return { items, seeds: items.map((item) => ({ ...item, ...changes })) };
}

/** Upscale of the image that each item names. */
/** A success of the first task that names no file. */
export const EMPTY_SUCCESS = {
	task: { id: 500000010 },
	works: [],
	status_name: 'succeed',
	status_final: true,
};
export const fromItem = { taskId: '={{ $json.taskId }}', workId: '={{ $json.workId }}' };

/** Upscale of the page's image, as the editor stores the node; `changes` are merged into it. */
export function upscale({
	taskId = TASK_ID,
	workId = WORK_ID,
	...changes
}: IDataObject = {}): IDataObject {
	return {
		resource: 'image',
		operation: 'upscale',
		taskId: byId(taskId),
		workId: byId(workId),
		wait: 'poll',
		// The shortest pause, so that a test does not wait long for a short job.
		options: { pollInterval: 1, ...(changes.options as IDataObject) },
		...Object.fromEntries(Object.entries(changes).filter(([name]) => name !== 'options')),
	};
}

/** Enhance of the file in `data`, or of the link in `imageUrl` where there is one. */
export function enhance({ imageUrl, ...changes }: IDataObject = {}): IDataObject {
	return {
		...upscale(changes),
		taskId: undefined,
		workId: undefined,
		operation: 'enhance',
		...(imageUrl ? { imageSource: 'url', imageUrl } : { imageSource: 'binary' }),
	};
}

/** So many different files, and items that have them in `data`. */
export const pictures = async (count: number, file: Partial<StartFile> = {}) =>
	await Promise.all(
		Array.from({ length: count }, async (_, number) => ({
			files: { data: { base64: (await picture(300 + number)).toString('base64'), ...file } },
		})),
	);

const picture = async (width: number) =>
	await sharp({ create: { width, height: 300, channels: 3, background: 'teal' } })
		.png()
		.toBuffer();

export function getTask({ taskId = TASK_ID, ...changes }: IDataObject = {}): IDataObject {
	return { resource: 'task', operation: 'get', taskId: byId(taskId), ...changes };
}

export function getTasks(changes: IDataObject = {}): IDataObject {
	return { resource: 'task', operation: 'getAll', ...changes };
}

/** Waits for a condition with a deadline. */
export async function until(condition: () => boolean): Promise<void> {
	if (!(await passUntil(condition, 10_000))) throw new Error('It never came to that');
}

export interface Bench {
	sandbox: Sandbox;
	/** Items in, node parameters, node settings such as onError: the finished run. */
	run(
		items: IDataObject[],
		parameters: IDataObject,
		settings?: Partial<INode>,
	): ReturnType<typeof runWorkflow>;
	start(
		items: IDataObject[],
		parameters: IDataObject,
		settings?: Partial<INode>,
	): ReturnType<typeof startWorkflow>;
	/** What an agent reads after each of its calls of the node, made one after another unless `atOnce`. */
	ask(
		calls: IDataObject[],
		parameters: IDataObject,
		settings?: Partial<INode>,
		atOnce?: boolean,
	): Promise<string[]>;
	addFault(fault: Fault): void;
	/** POSTs of jobs. */
	posts(): number;
	/** POSTs of jobs that enhance, and of files: their bodies. */
	enhances(): IDataObject[];
	uploads(): RecordedRequest[];
	/** GETs of tasks. */
	looks(): number;
	/** GETs of the list of tasks: their queries. */
	lists(): Array<Record<string, string>>;
	credentials: { apiToken: string; baseUrl: string };
}

const open: Sandbox[] = [];
afterEach(async () => {
	await Promise.all(open.splice(0).map(async (sandbox) => await sandbox.close()));
});

/** A sandbox of one's own for a test, closed after it. Jobs are short, and images one pixel unless said otherwise. */
export async function bench(options: SandboxOptions = {}): Promise<Bench> {
	const picture = options.onePixel === false ? 'lighthouse.jpg' : undefined;
	const sandbox = await startSandbox({
		jobMs: 200,
		scale: 1,
		onePixel: true,
		resultBytes: 2_000,
		...options,
		seeds: [{ ...source, picture }, ...(options.seeds ?? [])],
	});
	open.push(sandbox);
	keepsBack(sandbox.keptBack);
	const credentials = { apiToken: sandbox.token, baseUrl: sandbox.url };
	const of = (method: string, path: string) =>
		sandbox.requests.filter(
			(request) =>
				request.server === 'api' && request.method === method && request.path.startsWith(path),
		);
	const count = (method: string, path: string) => of(method, path).length;
	return {
		sandbox,
		credentials,
		run: async (items, parameters, settings) =>
			await runWorkflow(klingWorkflow(items, parameters, settings), credentials),
		start: async (items, parameters, settings) =>
			await startWorkflow(klingWorkflow(items, parameters, settings), credentials),
		async ask(calls, parameters, settings, atOnce) {
			const { error, items } = await runWorkflow(
				agentWorkflow(calls, parameters, settings, atOnce),
				credentials,
			);
			expect(error).toBeUndefined();
			return items('Agent').map(({ json }) => String(json.text));
		},
		addFault: (fault) => sandbox.addFault(fault),
		posts: () => count('POST', '/v1/kling/images/'),
		enhances: () => of('POST', '/v1/kling/images/enhance').map(({ body }) => body as IDataObject),
		uploads: () => of('POST', '/v1/kling/assets'),
		looks: () => count('GET', '/v1/kling/tasks/'),
		lists: () =>
			sandbox.requests
				.filter(({ server, path }) => server === 'api' && path === '/v1/kling/tasks')
				.map(({ query }) => query),
	};
}

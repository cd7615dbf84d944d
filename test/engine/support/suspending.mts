import type { IDataObject, INode } from 'n8n-workflow';

import type { SandboxOptions } from '../../../sandbox/options.mts';
import { pass } from './n8n/clock.mts';
import { bench, fromItem, images, TASK_ID, upscale, WORK_ID, type Bench } from './kling.mts';
import { waitingExecution } from './n8n/waiting-execution.mts';
import { klingWorkflow } from './n8n/workflows.mts';

/** An execution that is suspended, for the tests of Pause Until Called Back. */

export const good = { taskId: TASK_ID, workId: WORK_ID };
export const failing = { taskId: '700000005', workId: '700000006' };
export const alsoFailing = { taskId: '700000007', workId: '700000008' };
export const unfinished = { taskId: '700000001', workId: '700000002' };
const others = images(20);
/** Images that can be upscaled, each of them another one. */
export const goods = others.items;
export const seeds = [
	{ ...failing, upscale: 'fails' as const },
	{ ...alsoFailing, upscale: 'fails' as const },
	{ taskId: '700000001', status: 'processing' as const },
	...others.seeds,
];
export const pausing = (changes: IDataObject = {}) =>
	upscale({
		...fromItem,
		wait: 'callback',
		...changes,
		options: { pollInterval: undefined, ...(changes.options as IDataObject) },
	});

export interface Setup {
	parameters?: IDataObject;
	settings?: Partial<INode>;
	options?: SandboxOptions;
}

/** Runs until the execution is suspended. Callbacks go nowhere; the tests make the calls themselves. */
export async function suspend(
	items: IDataObject[],
	{ parameters = {}, settings = {}, options = {} }: Setup = {},
) {
	const kling = await bench({ jobMs: 1_500, seeds, callbacks: 'none', ...options });
	const run = await kling.run(items, pausing(parameters), settings);
	const workflow = klingWorkflow(items, pausing(parameters), settings);
	const submitted = run.items('Kling').map(({ json }) => json);
	return { ...kling, waiting: waitingExecution(workflow, kling.credentials, run), submitted };
}

/** What useapi.net would send about a task now, as text. */
export async function modelOf(
	{ sandbox }: Pick<Bench, 'sandbox'>,
	taskId: unknown,
): Promise<string> {
	const response = await fetch(`${sandbox.url}/v1/kling/tasks/${String(taskId)}`, {
		headers: { authorization: `Bearer ${sandbox.token}` },
	});
	return await response.text();
}

export async function allFinished({ sandbox }: Pick<Bench, 'sandbox'>, except: string[] = []) {
	const isOver = (status: string) => ['succeed', 'failed'].includes(status);
	for (;;) {
		const tasks = await sandbox.tasks();
		if (tasks.every(({ taskId, status }) => except.includes(taskId) || isOver(status))) return;
		await pass(20);
	}
}

export const own = ['700000001'];
export const apiCalls = ({ sandbox }: Pick<Bench, 'sandbox'>) =>
	sandbox.requests.filter(({ server }) => server === 'api').length;

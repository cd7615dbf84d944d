import type { INode } from 'n8n-workflow';

import { bodyOrTrouble, klingError, type Trouble } from '../transport/errors';
import type { TaskModel } from '../transport/types';
import { MAX_PARALLEL_READS, type Kit } from './kit';
import { askPatiently } from './patience';
import type { ParkedTask } from './pause';
import { EARLY_404_MS, isTask, NOT_A_TASK, runningJobs } from './read';
import { readTask } from './result';
import { Turns } from './turns';

/** How a task ended, or that the API no longer knows it. */
export type Ended = { model: TaskModel } | { trouble: Trouble };

/** The first task found running, or how all of them ended. */
export type Look = { running: string } | { ended: Map<string, Ended> };

/**
 * Looks whether all tasks of a parked execution are finished, and stops at the first that still runs.
 *
 * The list of running jobs tells where to look first; it is not believed, since it may lag behind: a task that it
 * names is read before it counts as running. Costs two calls while something runs, and one for each task at the end.
 *
 * @throws KlingError when the API cannot be asked
 */
export async function lookAtAll(node: INode, kit: Kit, tasks: ParkedTask[]): Promise<Look> {
	const ended = new Map<string, Ended>();
	const read = async (task: ParkedTask): Promise<boolean> => {
		const end = await readPatiently(node, kit, task);
		if (end) ended.set(task.taskId, end);
		return end !== undefined;
	};
	const likely = await likelyRunning(kit, tasks);
	for (const task of likely) {
		if (!(await read(task))) return { running: task.taskId };
	}
	let running: string | undefined;
	const turns = new Turns(kit.halt, MAX_PARALLEL_READS);
	await Promise.all(
		tasks.map(async (task) => {
			if (likely.includes(task)) return;
			await turns.take(async () => {
				if (running === undefined && !(await read(task))) running = task.taskId;
			});
		}),
	);
	return running === undefined ? { ended } : { running };
}

/** Those in the list of running jobs; without a list the one sent last, which most likely ends last. */
async function likelyRunning(kit: Kit, tasks: ParkedTask[]): Promise<ParkedTask[]> {
	if (tasks.length === 1) return tasks;
	const listed = await runningJobs(kit.api);
	return listed ? tasks.filter(({ taskId }) => listed.has(taskId)) : tasks.slice(-1);
}

/** How the task ended, or `undefined` while it runs. Nobody repeats a lost callback, so this asks patiently. */
async function readPatiently(
	node: INode,
	{ api, halt }: Kit,
	{ taskId, account, itemIndex, sentAtMs }: ParkedTask,
): Promise<Ended | undefined> {
	const result = await askPatiently(halt, () => api.getTask(taskId, account));
	const got = bodyOrTrouble(result);
	if (!got.trouble) {
		const model = got.body as TaskModel;
		if (!isTask(model)) throw klingError(node, NOT_A_TASK, itemIndex);
		return readTask(model).finished ? { model } : undefined;
	}
	if (result.outcome === 'answered' && result.status === 404) {
		return Date.now() - sentAtMs < EARLY_404_MS ? undefined : { trouble: got.trouble };
	}
	throw klingError(node, got.trouble, itemIndex);
}

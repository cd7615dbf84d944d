import type { INode } from 'n8n-workflow';

import { unwrap, klingError, type Problem } from '../../runtime/problems';
import type { TaskModel } from '../../transport/types';
import { MAX_PARALLEL_READS, type Kit } from '../../runtime/context';
import { retryTransient } from '../../runtime/retry';
import {
	EARLY_404_MS,
	EMPTY_SUCCESS_MS,
	isEmptySuccess,
	isTask,
	LOOKS_AT_MISSING,
	NOT_A_TASK,
	runningJobs,
} from '../../tasks/fetchTask';
import { readTask } from '../../tasks/task';
import { Semaphore } from '../../runtime/semaphore';
import type { PendingTask } from './suspend';

/** Between two looks at a task that is missing, or a success without a file. */
const PAUSE_MS = 2_000;

/** How a task ended, or that the API no longer knows it. */
export type Ended = { model: TaskModel } | { trouble: Problem };

/** The first task found running, or how all of them ended. */
export type Look = { running: string } | { ended: Map<string, Ended> };

/**
 * Looks whether all tasks of a suspended execution are finished, and stops at the first that still runs.
 *
 * The one that ran last time is read first, then the list of running jobs tells where to look; it is not believed, since
 * it may lag behind: a task that it names is read before it counts as running. Costs a call or three while something
 * runs, and one for each task at the end.
 *
 * @param ranLastTime the task that the look before found running, if this process made one
 * @throws KlingError when the API cannot be asked
 */
export async function lookAtAll(
	node: INode,
	kit: Kit,
	tasks: PendingTask[],
	ranLastTime?: string,
): Promise<Look> {
	const ended = new Map<string, Ended>();
	const read = async (task: PendingTask): Promise<boolean> => {
		const end = await readPatiently(node, kit, task);
		if (end) ended.set(task.taskId, end);
		return end !== undefined;
	};
	const [first] = tasks.filter(({ taskId }) => taskId === ranLastTime);
	if (first && !(await read(first))) return { running: first.taskId };
	for (const task of await likelyRunning(kit, tasks)) {
		if (!ended.has(task.taskId) && !(await read(task))) return { running: task.taskId };
	}
	let running: string | undefined;
	const turns = new Semaphore(kit.cancellation, MAX_PARALLEL_READS);
	// Several items may wait for the same task.
	const unread = new Map(tasks.map((task) => [task.taskId, task]));
	await Promise.all(
		[...unread.values()].map(async (task) => {
			if (ended.has(task.taskId)) return;
			await turns.run(async () => {
				if (running === undefined && !(await read(task))) running = task.taskId;
			});
		}),
	);
	return running === undefined ? { ended } : { running };
}

/** Those in the list of running jobs, the one sent last at first: it most likely ends last. Without a list that one alone. */
async function likelyRunning(kit: Kit, tasks: PendingTask[]): Promise<PendingTask[]> {
	if (tasks.length === 1) return tasks;
	const listed = await runningJobs(kit.api);
	const lastFirst = tasks.toReversed();
	return listed ? lastFirst.filter(({ taskId }) => listed.has(taskId)) : lastFirst.slice(0, 1);
}

/**
 * How the task ended, or `undefined` while it runs. Nobody repeats a lost callback, so this asks patiently: a 404, and a
 * success without a file, count only when they stay.
 */
async function readPatiently(
	node: INode,
	{ api, cancellation }: Kit,
	{ taskId, account, itemIndex, sentAtMs }: PendingTask,
): Promise<Ended | undefined> {
	const emptyUntilMs = Date.now() + EMPTY_SUCCESS_MS;
	for (let looks = 1; ; looks++) {
		const result = await retryTransient(cancellation, () => api.getTask(taskId, account));
		const got = unwrap(result);
		if (!got.trouble) {
			const model = got.body as TaskModel;
			if (!isTask(model)) throw klingError(node, NOT_A_TASK, itemIndex);
			if (!readTask(model).finished) return undefined;
			if (!isEmptySuccess(model) || Date.now() >= emptyUntilMs) return { model };
		} else {
			if (result.outcome !== 'answered' || result.status !== 404) {
				throw klingError(node, got.trouble, itemIndex);
			}
			if (Date.now() - sentAtMs < EARLY_404_MS) return undefined;
			if (looks >= LOOKS_AT_MISSING) return { trouble: got.trouble };
		}
		await cancellation.sleepUntil(Date.now() + PAUSE_MS);
	}
}

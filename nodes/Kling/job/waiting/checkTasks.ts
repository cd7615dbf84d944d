import type { Context } from '../../runtime/context';
import { MAX_PARALLEL_READS } from '../../runtime/context';
import { klingError, type Problem } from '../../runtime/problems';
import { Semaphore } from '../../runtime/semaphore';
import { fetchTask, GRACE, runningJobs, TaskLooks } from '../../tasks/fetchTask';
import type { Task } from '../../tasks/task';
import type { PendingTask } from './suspend';

/** Between two looks at a task that is missing, or a success without a file. */
const PAUSE_MS = 2_000;

/** How a task ended, or that the API no longer knows it. */
export type Ended = { task: Task } | { problem: Problem };

/** The first task found running, or how all of them ended. */
export type Check = { running: string } | { ended: Map<string, Ended> };

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
export async function checkTasks(
	context: Context,
	tasks: PendingTask[],
	ranLastTime?: string,
): Promise<Check> {
	const ended = new Map<string, Ended>();
	const read = async (task: PendingTask): Promise<boolean> => {
		const end = await readEnd(context, task);
		if (end) ended.set(task.taskId, end);
		return end !== undefined;
	};
	const [first] = tasks.filter(({ taskId }) => taskId === ranLastTime);
	if (first && !(await read(first))) return { running: first.taskId };
	for (const task of await likelyRunning(context, tasks)) {
		if (!ended.has(task.taskId) && !(await read(task))) return { running: task.taskId };
	}
	let running: string | undefined;
	const reads = new Semaphore(context.cancellation, MAX_PARALLEL_READS);
	// Several items may wait for the same task.
	const unread = new Map(tasks.map((task) => [task.taskId, task]));
	await Promise.all(
		[...unread.values()].map(async (task) => {
			if (ended.has(task.taskId)) return;
			await reads.run(async () => {
				if (running === undefined && !(await read(task))) running = task.taskId;
			});
		}),
	);
	return running === undefined ? { ended } : { running };
}

/** Those in the list of running jobs, the one sent last at first: it most likely ends last. Without a list that one alone. */
async function likelyRunning({ api }: Context, tasks: PendingTask[]): Promise<PendingTask[]> {
	if (tasks.length === 1) return tasks;
	const listed = await runningJobs(api);
	const lastFirst = tasks.toReversed();
	return listed ? lastFirst.filter(({ taskId }) => listed.has(taskId)) : lastFirst.slice(0, 1);
}

/**
 * How the task ended, or `undefined` while it runs. Nobody repeats a lost callback, so a 404, and a success without a
 * file, count only when they stay.
 */
async function readEnd(context: Context, pending: PendingTask): Promise<Ended | undefined> {
	const { itemIndex, sentAtMs } = pending;
	const { node, cancellation } = context;
	const looks = new TaskLooks(sentAtMs);
	for (;;) {
		const look = await fetchTask(context, pending);
		const { task, problem } = look;
		if (task && !task.finished) return undefined;
		switch (looks.classify(look)) {
			case 'found':
				return { task: task! };
			case 'final':
				if (problem && look.is !== 'missing') throw klingError(node, problem, itemIndex);
				return { problem: problem! };
			case 'transient':
				throw klingError(node, problem!, itemIndex);
			case 'tooNew':
				// It was only just made, so it runs.
				if (problem && Date.now() - sentAtMs < GRACE.missingMs) return undefined;
		}
		await cancellation.sleepUntil(Date.now() + PAUSE_MS);
	}
}

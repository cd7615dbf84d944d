import type { Task as ParsedTask } from '../../../nodes/Kling/tasks/task.ts';
import { TaskPages, type TimeWindow } from '../../../nodes/Kling/tasks/taskPages.ts';
import type { ApiResult, TaskModel } from '../../../nodes/Kling/transport/types.ts';
import { answered } from '../../support/fakes.mts';

/** A list of tasks as several kinds of APIs may give it: the vendor's page leaves open which kind it is. */

export interface Task {
	id: number;
	/** What the API pages by. */
	ms: number;
	/** What the answer shows, when it is something else. */
	taskMs?: number;
	workMs?: number;
}

export interface Kind {
	/** `createdBefore` takes in the moment itself. */
	inclusive?: boolean;
	/** The most tasks on a page. */
	cap?: number;
	/** Refuses to be asked for larger pages. */
	largest?: number;
	/** Does not heed `createdBefore`. */
	deaf?: boolean;
}

export const START_MS = Date.parse('2026-03-01T10:00:00Z');
export const entry = ({ id, ms, taskMs, workMs = ms }: Task): TaskModel => ({
	...(taskMs && { task: { id, createTime: taskMs } }),
	works: [{ workId: id + 1, taskId: id, createTime: workMs }],
});

/** An API that has these tasks; the array may change while it is asked. */
export function apiOf(tasks: Task[], { inclusive, cap = 200, largest = 1_000, deaf }: Kind = {}) {
	const requests: Array<{ pageSize: number; createdBefore?: number }> = [];
	const ask = async (query: object): Promise<ApiResult> => {
		const { pageSize, createdBefore = Infinity } = query as (typeof requests)[number];
		requests.push({ pageSize, createdBefore });
		if (pageSize > largest) return answered(400, { error: 'pageSize is too large' });
		const history = tasks
			.filter(({ ms }) => deaf || ms < createdBefore || (inclusive && ms === createdBefore))
			.sort((a, b) => b.ms - a.ms || b.id - a.id)
			.slice(0, Math.min(pageSize, cap))
			.map(entry);
		return answered(200, { history });
	};
	return { requests, ask };
}

export const fail = ({ message, description }: { message: string; description: string }) =>
	Object.assign(new Error(message), { description });
export const idsOf = (tasks: ParsedTask[]) => tasks.map(({ taskId }) => Number(taskId));

export async function list(ask: (query: object) => Promise<ApiResult>, window?: TimeWindow) {
	const hints: string[] = [];
	const warn = (hint: string) => hints.push(hint);
	const pages = new TaskPages({ ask, fail, warn }, {}, window);
	const ids: number[] = [];
	for (let page = await pages.next(); page; page = await pages.next()) ids.push(...idsOf(page));
	return { ids, hints };
}

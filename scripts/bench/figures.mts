// Arithmetic of the benchmarks: nothing here starts, asks or waits for anything.
import type { RecordedRequest } from '../../sandbox/server.mts';
import type { Memory, RequestCount, Results, Run } from './results.mts';

/** ceil(items / slots) task times: nothing that respects the account's job slots can be faster. In seconds. */
export const limitSeconds = (items: number, slots: number, jobMs: number): number =>
	(Math.ceil(items / slots) * jobMs) / 1000;

/** A run's time in the times that it cannot be faster than. */
export const toLimit = ({ seconds, items, slots, jobMs }: Run): number =>
	seconds / limitSeconds(items, slots, jobMs);

export const perItem = ({ requests, items }: Run): number => requests.total / items;

/** How many times faster the node is with a few items, compared with the faster of the loops. */
export const timesFaster = ({ loops, few }: Pick<Results, 'loops' | 'few'>): number =>
	Math.min(...loops.map((loop) => loop.few.seconds)) / few.seconds;

/** In bytes. */
export const grown = ({ before, peak }: Memory): number => peak - before;

/** What two measurements would grow to, if each further item costs the same. */
export function linearly(
	[fewItems, few]: [items: number, cost: number],
	[moreItems, more]: [items: number, cost: number],
	items: number,
): number {
	return more + ((items - moreItems) * (more - few)) / (moreItems - fewItems);
}

export function median(values: number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

type Asked = Pick<RecordedRequest, 'server' | 'at' | 'method' | 'path'>;

export function countRequests(requests: Asked[]): RequestCount {
	const asked = requests.filter(({ server }) => server === 'api');
	const posts = asked.filter(({ method }) => method === 'POST').length;
	return { total: asked.length, posts, gets: asked.length - posts };
}

const TASKS = '/v1/kling/tasks';

/**
 * When a finished task's result was seen, in ms since the task was made: at the first look after its end, be it at the
 * task itself or at the list of all tasks.
 *
 * The sandbox notes a look as it comes in, a moment before it is answered. So a task that ended in that moment may have
 * no look after its end; then its last one saw it.
 */
export function seenAfterMs(
	task: { taskId: string; createdAt: string; updatedAt: string },
	requests: Asked[],
): number {
	const madeMs = Date.parse(task.createdAt);
	const endedMs = Date.parse(task.updatedAt);
	const looks = requests.filter(
		({ server, method, path }) =>
			server === 'api' &&
			method === 'GET' &&
			(path === TASKS || path === `${TASKS}/${task.taskId}`),
	);
	const look = looks.find(({ at }) => at >= endedMs) ?? looks.at(-1);
	if (!look) throw new Error(`Nobody has looked at task ${task.taskId}`);
	return look.at - madeMs;
}

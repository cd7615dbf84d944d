// The one upscale that is paid for: sent once, watched to its end, never sent again.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { idText, imagesOf, record } from '../../nodes/Kling/job/result.ts';
import type { TaskModel } from '../../nodes/Kling/transport/types.ts';
import type { LiveApi } from './api.mts';
import { newestImageTask } from './history.mts';
import type { Email } from './read.mts';
import type { Receiver } from './receiver.mts';
import { records, told, type Callback, type Seen, type Spent } from './seen.mts';
import type { Words } from './words.mts';

/** After that nobody goes on looking; the task goes on at Kling. */
const WATCH_LIMIT_MS = 20 * 60_000;
/** A task that is unknown for so long does not exist. */
const UNKNOWN_LIMIT_MS = 60_000;
/** The last callback may come after the last look. */
const CALLBACK_LIMIT_MS = 10_000;
const CALLBACK_STEP_MS = 100;

export interface Spend {
	api: LiveApi;
	seen: Seen;
	words: Words;
	email: Email;
	receiver?: Receiver;
	/** Between two looks. */
	pauseMs: number;
}

/** What would be upscaled, if there is anything. */
export function chooseSource(seen: Seen): Spent | undefined {
	const { taskId, images } = newestImageTask(seen) ?? {};
	const [image] = images ?? [];
	if (!taskId || !image?.workId) return undefined;
	const { workId, width, height } = image;
	return { taskId, workId, width, height, reference: `contract-live-${randomUUID()}` };
}

export async function spend(job: Spend, spent: Spent): Promise<void> {
	const { api, seen, words, email, receiver } = job;
	seen.spent = spent;
	const answer = await api.postOnce('upscale', '/v1/kling/images/upscale', {
		...(email && { email }),
		task_id: spent.taskId,
		workId: spent.workId,
		replyRef: spent.reference,
		...(seen.replyUrl && { replyUrl: seen.replyUrl }),
	});
	const { status, lost, body } = answer;
	spent.newTaskId = status === 200 ? idText(record(record(body).task).id) : undefined;
	// At once: whether a task is known right after its creation is one of the assumptions.
	if (spent.newTaskId) await lookAt(job, spent.newTaskId);

	const running = await api.get('schedulerAfter', '/v1/kling/scheduler');
	if (!spent.newTaskId) {
		const outcome = lost ? `the answer was lost (${lost})` : told(answer);
		words.say(`  No task was named: ${outcome}. It is not sent again.`);
		const ours = records(running.body).find(({ replyRef }) => replyRef === spent.reference);
		spent.newTaskId = idText(ours?.id);
	}
	if (!spent.newTaskId) return;
	words.say(`  The new task is ${spent.newTaskId}.`);
	await watch(job, spent.newTaskId);
	if (receiver) seen.callbacks.push(...(await callbacksOf(spent, receiver)));
}

const lookAt = async ({ api, email }: Spend, taskId: string) =>
	await api.get('poll', `/v1/kling/tasks/${taskId}`, email ? { email } : {});

/** Looks until the task is finished, or there is no use in looking on. */
async function watch(job: Spend, taskId: string): Promise<void> {
	const { api, seen, words, pauseMs } = job;
	const startMs = Date.now();
	while (!seen.finished()) {
		await pause(pauseMs);
		const { status } = await lookAt(job, taskId);
		const waitedMs = Date.now() - startMs;
		const isHopeless =
			[400, 401, 402].includes(status) || (status === 404 && waitedMs > UNKNOWN_LIMIT_MS);
		if (!isHopeless && waitedMs < WATCH_LIMIT_MS) continue;
		if (!seen.finished()) {
			words.say(`  Task ${taskId} is not watched any longer; it may still finish.`);
			return;
		}
	}
	const [image] = imagesOf(seen.finished() as TaskModel);
	if (image) await api.file('result', image.url);
}

/** Those about our task: anybody who knows the URL could call. */
async function callbacksOf(spent: Spent, { received }: Receiver): Promise<Callback[]> {
	const isOurs = ({ body }: Callback) =>
		JSON.stringify(body ?? null).includes(spent.reference) ||
		idText(record(record(body).task).id) === spent.newTaskId;
	const ours = () => received.filter(isOurs);
	const limitMs = Date.now() + CALLBACK_LIMIT_MS;
	while (!ours().some(({ body }) => record(body).status_final === true) && Date.now() < limitMs) {
		await pause(CALLBACK_STEP_MS);
	}
	return ours();
}

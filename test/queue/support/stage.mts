import { accounts, noTaskRuns, seeds, until, type Killed } from './batch.mts';
import { Figures } from './figures.mts';
import { openQueueMode, type QueueMode } from './queue-mode.mts';
import { busy, get, publish, split, upscale } from './workflows.mts';

/** n8n in queue mode, opened once for all tests, and the workflows that they call. */

export const JOB_MS = 5_000;
export const LONG_JOB_MS = 10_000;
/** So that what is lost on the way comes back soon. */
const PAUSE_LIMIT_S = 60;

export let queue: QueueMode;
export const figures = new Figures();
/** Executions whose worker was killed. n8n needs minutes to notice, so they are looked at last. */
export const lost: Killed[] = [];

/** What the API's side knows an item by. */
export const reference = { replyRef: '={{ ($json.body ?? $json).reference }}' };
const reusing = { ...reference, reuse: true };
const pausing = upscale({ wait: 'callback', options: { ...reference, timeout: PAUSE_LIMIT_S } });
const workflows = {
	poll: [upscale({ options: reference })],
	pause: [pausing, get()],
	pauseAndWork: [pausing, busy(20)],
	send: [upscale({ wait: 'none', options: reference }), get()],
	pollMany: [split, upscale({ options: reference })],
	pollManyWithReuse: [split, upscale({ options: reusing })],
	pauseManyWithReuse: [split, upscale({ wait: 'callback', options: reusing }), get()],
	pollWithReuse: [upscale({ options: reusing })],
};
/** Of the workflows' webhooks. */
export const paths = {} as Record<keyof typeof workflows, string>;

export async function openStage(): Promise<void> {
	queue = await openQueueMode({ seeds, jobMs: JOB_MS, scale: 1, accounts });
	for (const [name, steps] of Object.entries(workflows)) {
		paths[name as keyof typeof workflows] = await publish(queue.api, queue.credential, ...steps);
	}
}

export async function closeStage(): Promise<void> {
	await queue?.close();
	figures.print();
}

export const allFinished = async () =>
	await until('all tasks are finished', async () => await noTaskRuns(queue));

export const repeat = (times: number, ...some: string[]): string[] =>
	Array.from({ length: times }, () => some).flat();

import { JobSlots, type SlotResult } from '../../../nodes/Kling/job/submission/jobSlots.ts';
import { TaskPoller } from '../../../nodes/Kling/job/waiting/poller.ts';
import type { KlingApi } from '../../../nodes/Kling/transport/client.ts';
import type { ApiResult } from '../../../nodes/Kling/transport/types.ts';
import { answered, contextOf } from '../../support/fakes.mts';

/** A Kling account in virtual time, and a batch that goes through it. */

const LATENCY_MS = 300;
export const TASK_MS = 20_000;
const TIMEOUT_MS = 600_000;
/** Far beyond what any test takes; a batch that never ends must not run for ever. */
const LONGEST_S = 10_000;

const wait = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

/** What the list of running jobs is worth: it tells the truth, or an old one, or nothing at all. */
export type List = 'true' | 'old' | 'empty' | 'never forgets' | 'fails' | 'no list';

/** What the API's own times of a task are worth: `moving` ones are those of the read, `wrong` ones of anything. */
export type Times = 'right' | 'moving' | 'missing' | { wrong: (taskMs: number) => number };

/** How old the "old" list is. */
export const LIST_AGE_MS = 8_000;

interface Task {
	startMs: number;
	endMs: number;
}

/** A Kling account with job slots, as the API shows it. */
export class Account {
	readonly tasks = new Map<string, Task>();
	peak = 0;
	looks = 0;
	lists = 0;
	refusals = 0;

	constructor(
		private readonly slots: number,
		private readonly list: List = 'true',
		/** How long the n-th task takes. */
		private readonly taskMs: (position: number) => number = () => TASK_MS,
		private readonly times: Times = 'right',
	) {}

	async submit(): Promise<SlotResult<string>> {
		await wait(LATENCY_MS);
		const running = this.runningAt(Date.now()).length;
		if (running >= this.slots) {
			this.refusals++;
			return { full: true };
		}
		this.peak = Math.max(this.peak, running + 1);
		const position = this.tasks.size;
		const startMs = Date.now();
		this.tasks.set(String(position + 1), { startMs, endMs: startMs + this.taskMs(position) });
		return { full: false, isTaken: true, answer: String(position + 1) };
	}

	readonly api = {
		getTask: async (taskId: string): Promise<ApiResult> => {
			await wait(LATENCY_MS);
			this.looks++;
			const { startMs, endMs } = this.tasks.get(taskId)!;
			const finished = Date.now() >= endMs;
			const status_name = finished ? 'succeed' : 'processing';
			const task = { id: taskId, ...this.timesOf(startMs, finished ? endMs : startMs) };
			const works = [{ resource: { resource: 'https://s21.example.com/3.png' } }];
			return answered(200, { task, works, status_name, status_final: finished });
		},
		getRunningJobs: async (): Promise<ApiResult> => {
			await wait(LATENCY_MS);
			this.lists++;
			if (this.list === 'fails') return answered(503, undefined);
			const body = this.list === 'no list' ? { jobs: 'none' } : this.listed().map((id) => ({ id }));
			return answered(200, body);
		},
	} as unknown as KlingApi;

	private timesOf(startMs: number, changedMs: number): object {
		const { times } = this;
		if (times === 'missing') return {};
		const createTime = startMs + 1;
		if (times === 'right') return { createTime, updateTime: changedMs + 1 };
		if (times === 'moving') return { createTime, updateTime: Date.now() };
		return { createTime, updateTime: createTime + times.wrong(changedMs - startMs) };
	}

	private listed(): string[] {
		if (this.list === 'empty') return [];
		if (this.list === 'never forgets') return [...this.tasks.keys()];
		return this.runningAt(Date.now() - (this.list === 'old' ? LIST_AGE_MS : 0));
	}

	private runningAt(ms: number): string[] {
		return [...this.tasks]
			.filter(([, task]) => task.startMs <= ms && task.endMs > ms)
			.map(([id]) => id);
	}
}

export interface Outcome {
	/** When the last item was done. */
	seconds: number;
	/** Task ids by item. */
	order: string[];
	/** By how much each task's end was seen late, in seconds. */
	late: number[];
	/** All calls, the POSTs too. */
	calls: number;
}

/** What every item of a batch goes through. */
export async function runBatch(account: Account, count: number): Promise<Outcome> {
	const startMs = Date.now();
	const context = contextOf(account.api);
	const slots = new JobSlots(context.cancellation);
	const poller = new TaskPoller(context);
	const late: number[] = [];
	let done: Outcome | undefined;
	const all = Promise.all(
		Array.from({ length: count }, async (_, itemIndex) => {
			const taskId = (await slots.run(() => account.submit(), TIMEOUT_MS))!;
			const ref = { taskId, itemIndex };
			await poller.waitFor({ ref, timeoutMs: TIMEOUT_MS, justSubmitted: true });
			late.push((Date.now() - account.tasks.get(taskId)!.endMs) / 1000);
			slots.taskFinished();
			return taskId;
		}),
	).then((order) => {
		const { looks, lists, refusals } = account;
		const calls = count + looks + lists + refusals;
		done = { order, late, calls, seconds: (Date.now() - startMs) / 1000 };
		return done;
	});
	for (let seconds = 0; !done && seconds < LONGEST_S; seconds++) {
		await jest.advanceTimersByTimeAsync(1_000);
	}
	return await all;
}

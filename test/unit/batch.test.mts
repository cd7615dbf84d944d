import type { INode } from 'n8n-workflow';

import { Halt } from '../../nodes/Kling/job/halt.ts';
import { SlotGate, type Knock } from '../../nodes/Kling/job/slots.ts';
import { watchTask } from '../../nodes/Kling/job/watch.ts';
import type { KlingApi } from '../../nodes/Kling/transport/client.ts';
import type { ApiResult } from '../../nodes/Kling/transport/types.ts';

/**
 * Submitting and watching together, in virtual time: what a real account makes of a batch, without waiting for it. The
 * same on n8n's engine, in real time, is in test/engine; the figures on the real n8n are the benchmark's.
 */

const node = { name: 'Kling', type: 'kling' } as INode;
const LATENCY_MS = 300;
const TASK_MS = 20_000;
const TIMEOUT_MS = 600_000;
/** Far beyond what any test here takes; a batch that never ends must not run for ever. */
const LONGEST_S = 10_000;

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

const wait = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

/** A Kling account with job slots, as the API shows it. */
class Account {
	private readonly endsMs = new Map<string, number>();
	peak = 0;
	looks = 0;
	refusals = 0;

	constructor(private readonly slots: number) {}

	async submit(): Promise<Knock<string>> {
		await wait(LATENCY_MS);
		const running = [...this.endsMs.values()].filter((endMs) => endMs > Date.now()).length;
		if (running >= this.slots) {
			this.refusals++;
			return { full: true };
		}
		this.peak = Math.max(this.peak, running + 1);
		const taskId = String(this.endsMs.size + 1);
		this.endsMs.set(taskId, Date.now() + TASK_MS);
		return { full: false, answer: taskId };
	}

	readonly api = {
		getTask: async (taskId: string): Promise<ApiResult> => {
			await wait(LATENCY_MS);
			this.looks++;
			const finished = Date.now() >= this.endsMs.get(taskId)!;
			const status_name = finished ? 'succeed' : 'processing';
			const body = { task: { id: taskId }, status_name, status_final: finished };
			return { outcome: 'answered', status: 200, body };
		},
	} as unknown as KlingApi;
}

/** What every item of a batch goes through; answers the second at which the last one is done. */
async function runBatch(
	account: Account,
	count: number,
): Promise<{ seconds: number; order: string[] }> {
	const startMs = Date.now();
	const halt = new Halt(node);
	const gate = new SlotGate(halt);
	let done: { seconds: number; order: string[] } | undefined;
	const all = Promise.all(
		Array.from({ length: count }, async (_, itemIndex) => {
			const taskId = (await gate.through(() => account.submit(), TIMEOUT_MS))!;
			await watchTask(node, account.api, halt, {
				taskId,
				itemIndex,
				timeoutMs: TIMEOUT_MS,
				justSubmitted: true,
			});
			gate.taskFinished();
			return taskId;
		}),
	).then((order) => (done = { order, seconds: (Date.now() - startMs) / 1000 }));
	for (let seconds = 0; !done && seconds < LONGEST_S; seconds++) {
		await jest.advanceTimersByTimeAsync(1_000);
	}
	return await all;
}

test('100 items on 10 slots take at most 1.25 times ten task times, and never more than 10 run', async () => {
	const account = new Account(10);
	const { seconds, order } = await runBatch(account, 100);
	expect(seconds).toBeLessThanOrEqual((1.25 * 10 * TASK_MS) / 1000);
	expect(account.peak).toBe(10);
	// Sent in input order.
	expect(order).toEqual(Array.from({ length: 100 }, (_, item) => String(item + 1)));
});

test('1,000 items on 10 slots all get through, though each alone waits far past its time limit', async () => {
	const account = new Account(10);
	const { order } = await runBatch(account, 1_000);
	expect(new Set(order).size).toBe(1_000);
	expect(account.peak).toBe(10);
}, 60_000);

test('a single item is seen finished within 1.2 task times', async () => {
	const { seconds } = await runBatch(new Account(1), 1);
	expect(seconds).toBeLessThanOrEqual((1.2 * TASK_MS) / 1000);
});

test('two accounts do not wait for each other', async () => {
	const [slow, quick] = [new Account(1), new Account(10)];
	const [, { seconds }] = await Promise.all([runBatch(slow, 5), runBatch(quick, 10)]);
	expect(seconds).toBeLessThan((1.5 * TASK_MS) / 1000);
});

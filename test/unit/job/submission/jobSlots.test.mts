import type { INode } from 'n8n-workflow';

import { Cancellation } from '../../../../nodes/Kling/runtime/cancellation.ts';
import { JobSlots, type SlotResult } from '../../../../nodes/Kling/job/submission/jobSlots.ts';

const node = { name: 'Kling', type: 'kling' } as INode;
const ANSWER_MS = 200;

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

const wait = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

/** An account with so many slots: takes a job or answers 429, each after a while. */
function account(capacity: number, retryAfterMs?: number) {
	const slots = new JobSlots(new Cancellation(node));
	const log = {
		/** May change meanwhile: somebody else has jobs there, too. */
		capacity,
		attempts: [] as number[],
		accepted: [] as number[],
		peak: 0,
		running: 0,
		parallel: 0,
		maxParallel: 0,
	};
	const send = async (item: number): Promise<SlotResult<number>> => {
		log.attempts.push(Date.now());
		log.maxParallel = Math.max(log.maxParallel, ++log.parallel);
		await wait(ANSWER_MS);
		log.parallel--;
		if (log.running >= log.capacity) return { full: true, retryAfterMs };
		log.peak = Math.max(log.peak, ++log.running);
		log.accepted.push(item);
		return { full: false, isTaken: true, answer: item };
	};
	const finish = () => {
		log.running--;
		slots.taskFinished();
	};
	return { slots, log, send, finish };
}

test('items of an account that is never full are sent in order, a few at once', async () => {
	const { slots, log, send } = account(100);
	const all = Promise.all(
		Array.from({ length: 20 }, (_, item) => slots.run(() => send(item), 600_000)),
	);
	await jest.advanceTimersByTimeAsync(10_000);
	expect(await all).toHaveLength(20);
	expect(log.accepted).toEqual(Array.from({ length: 20 }, (_, item) => item));
	expect(log.maxParallel).toBe(4);
});

test('a full batch keeps every slot busy: a freed slot is taken at once, none is overfilled', async () => {
	const JOB_MS = 20_000;
	const { slots, log, send, finish } = account(10);
	const all = Promise.all(
		Array.from({ length: 100 }, async (_, item) => {
			await slots.run(() => send(item), 600_000);
			await wait(JOB_MS);
			finish();
		}),
	).then(() => Date.now());
	await jest.advanceTimersByTimeAsync(400_000);
	expect(log.peak).toBe(10);
	expect(log.accepted).toEqual(Array.from({ length: 100 }, (_, item) => item));
	// Ten rounds of ten; sending costs a little in each.
	expect(await all).toBeLessThan(1.1 * 10 * JOB_MS);
	// A refused request costs the API; about one refusal a slot and round is the price of not knowing.
	expect(log.attempts.length).toBeLessThan(250);
});

test('while others hold the slots, one item tries every ten seconds', async () => {
	const { slots, log, send } = account(0);
	void Promise.allSettled([1, 2, 3].map((item) => slots.run(() => send(item), 600_000)));
	await jest.advanceTimersByTimeAsync(60_000);
	expect(log.attempts.length).toBeLessThanOrEqual(3 + 6);
	const later = log.attempts.filter((at) => at > 5_000);
	for (const [position, at] of later.slice(1).entries()) {
		expect(at - later[position]).toBeGreaterThanOrEqual(10_000);
	}
});

test('Retry-After sets the pause', async () => {
	const { slots, log, send } = account(0, 3_000);
	void slots.run(() => send(1), 600_000);
	await jest.advanceTimersByTimeAsync(10_000);
	expect(log.attempts).toEqual([0, 3_200, 6_400, 9_600]);
});

test('an item gives up only while the account takes and finishes nothing, after one last try', async () => {
	const { slots, log, send } = account(0);
	const gaveUp = Promise.all([1, 2, 3].map((item) => slots.run(() => send(item), 15_000)));
	await jest.advanceTimersByTimeAsync(20_000);
	expect(await gaveUp).toEqual([undefined, undefined, undefined]);
	// Nobody else tries after that.
	expect(log.attempts.filter((at) => at >= 1_000)).toEqual([10_200, 15_200]);
});

test('nobody gives up while the last try is under way: it may be accepted', async () => {
	const slots = new JobSlots(new Cancellation(node));
	let attempts = 0;
	const send = async (): Promise<SlotResult<number>> => {
		const isLast = ++attempts === 4;
		await wait(isLast ? 5_000 : ANSWER_MS);
		return attempts < 4 ? { full: true } : { full: false, isTaken: true, answer: Date.now() };
	};
	const both = Promise.all([1, 2].map(() => slots.run(send, 15_000)));
	await jest.advanceTimersByTimeAsync(25_000);
	const [first, second] = await both;
	expect(first).toBeGreaterThanOrEqual(20_000);
	expect(second).toBeGreaterThanOrEqual(20_000);
});

describe('how soon it tries again', () => {
	/** A slot is taken, and then another one asked for in vain: the pause before the next try. */
	async function pauseAfterRefusal(before: (all: ReturnType<typeof account>) => Promise<void>) {
		const all = account(1);
		await before(all);
		const { slots, log, send } = all;
		const from = log.attempts.length;
		void slots.run(() => send(99), 600_000);
		await jest.advanceTimersByTimeAsync(90_000);
		const [refused, next] = log.attempts.slice(from);
		return next - refused - ANSWER_MS;
	}
	const take = async ({ slots, send }: ReturnType<typeof account>) => {
		void slots.run(() => send(1), 600_000);
		await jest.advanceTimersByTimeAsync(1_000);
	};

	test.each<[string, number, (all: ReturnType<typeof account>) => Promise<void>]>([
		['10 s where others hold the slots', 10_000, async ({ log }) => void (log.capacity = 0)],
		['10 s while no task of ours has ended yet', 10_000, take],
		[
			'10 s where ours have ended, and others hold the slots',
			10_000,
			async (all) => {
				await take(all);
				all.finish();
				all.log.capacity = 0;
			},
		],
		[
			'60 s where ours hold the slots, and their ends are seen',
			60_000,
			async (all) => {
				await take(all);
				all.finish();
				await take(all);
			},
		],
	])('%s', async (_name, pauseMs, before) => {
		const waitedMs = await pauseAfterRefusal(before);
		expect(waitedMs).toBeGreaterThanOrEqual(pauseMs);
		expect(waitedMs).toBeLessThan(pauseMs + 100);
	});

	test('at once, when a task of ours ended while the refusal was on its way', async () => {
		const slots = new JobSlots(new Cancellation(node));
		const attempts: number[] = [];
		const send = async (): Promise<SlotResult<string>> => {
			attempts.push(Date.now());
			await wait(ANSWER_MS);
			return attempts.length === 2
				? { full: true }
				: { full: false, isTaken: true, answer: 'taken' };
		};
		void slots.run(send, 600_000);
		await jest.advanceTimersByTimeAsync(1_000);
		const second = slots.run(send, 600_000);
		await jest.advanceTimersByTimeAsync(100);
		slots.taskFinished();
		await jest.advanceTimersByTimeAsync(1_000);
		expect(await second).toBe('taken');
	});

	test('not at once, when a freed slot is taken: the account is as full as before', async () => {
		const { slots, log, send, finish } = account(1);
		[1, 2, 3].forEach((item) => void slots.run(() => send(item), 600_000));
		await jest.advanceTimersByTimeAsync(1_000);
		finish();
		const before = log.attempts.length;
		await jest.advanceTimersByTimeAsync(5_000);
		expect(log.accepted).toEqual([1, 2]);
		expect(log.attempts.length - before).toBe(1);
	});

	test('no more than the account has held are sent when several slots are freed at once', async () => {
		const { slots, log, send, finish } = account(3);
		// Their answers come one after another.
		const slowly = async (item: number) => (await wait(100 * item), await send(item));
		Array.from({ length: 10 }, (_, item) => void slots.run(() => slowly(item), 600_000));
		await jest.advanceTimersByTimeAsync(2_000);
		const before = log.attempts.length;
		[1, 2, 3].forEach(finish);
		await jest.advanceTimersByTimeAsync(5_000);
		expect(log.accepted).toHaveLength(6);
		expect(log.attempts.length - before).toBe(3);
	});

	test('at once, when one was refused and another sent with it was taken', async () => {
		const slots = new JobSlots(new Cancellation(node));
		const attempts: number[] = [];
		const send = async (): Promise<SlotResult<string>> => {
			const number = attempts.push(Date.now());
			await wait(number === 1 ? 100 : 300);
			return number === 1 ? { full: true } : { full: false, isTaken: true, answer: 'taken' };
		};
		const both = [slots.run(send, 600_000), slots.run(send, 600_000)];
		await jest.advanceTimersByTimeAsync(1_000);
		expect(await Promise.all(both)).toEqual(['taken', 'taken']);
	});

	test('at once and on and on, when there is more room than there seemed to be', async () => {
		const { slots, log, send } = account(1);
		[1, 2, 3, 4, 5].forEach((item) => void slots.run(() => send(item), 600_000));
		await jest.advanceTimersByTimeAsync(5_000);
		expect(log.accepted).toEqual([1]);
		log.capacity = 4;
		await jest.advanceTimersByTimeAsync(7_000);
		expect(log.accepted).toEqual([1, 2, 3, 4]);
		// One by one until the account is known to be full again, and then not before the next ten seconds.
		const attempts = log.attempts.length;
		await jest.advanceTimersByTimeAsync(8_000);
		expect(log.attempts.length).toBe(attempts);
	});
});

test('one that gives up sooner leaves the others in their places', async () => {
	const { slots, log, send } = account(0);
	const longer = slots.run(() => send(1), 600_000);
	const shorter = slots.run(() => send(2), 12_000);
	await jest.advanceTimersByTimeAsync(25_000);
	log.capacity = 1;
	await jest.advanceTimersByTimeAsync(20_000);
	expect(await longer).toBe(1);
	expect(await shorter).toBeUndefined();
});

test('a slot that somebody else frees goes to the first in line', async () => {
	// Such times that the next in line is the first to look when it is time to try.
	const { slots, log, send } = account(0, 10_030);
	const slowly = async (item: number) => (await wait(10), await send(item));
	[1, 2, 3].forEach((item) => void slots.run(() => slowly(item), 600_000));
	await jest.advanceTimersByTimeAsync(11_000);
	log.capacity = 1;
	await jest.advanceTimersByTimeAsync(15_000);
	expect(log.accepted).toEqual([1]);
});

test('an item whose predecessor got through keeps waiting past its own time', async () => {
	const { slots, log, send, finish } = account(1);
	const all = [1, 2, 3].map((item) => slots.run(() => send(item), 15_000));
	for (let round = 0; round < 3; round++) {
		await jest.advanceTimersByTimeAsync(12_000);
		finish();
	}
	await jest.advanceTimersByTimeAsync(1_000);
	expect(await Promise.all(all)).toEqual([1, 2, 3]);
	expect(log.peak).toBe(1);
});

test('a slow answer holds up nobody', async () => {
	const slots = new JobSlots(new Cancellation(node));
	const slow = slots.run(
		async () => (await wait(60_000), { full: false, isTaken: true, answer: 'slow' }),
		600_000,
	);
	const quick = slots.run(
		async () => ({ full: false, isTaken: true, answer: Date.now() }),
		600_000,
	);
	await jest.advanceTimersByTimeAsync(60_000);
	expect(await quick).toBeLessThan(1_000);
	expect(await slow).toBe('slow');
});

import type { INode } from 'n8n-workflow';

import { Cancellation } from '../../../nodes/Kling/runtime/cancellation.ts';
import { Semaphore } from '../../../nodes/Kling/runtime/semaphore.ts';

/** How items of a batch wait for each other: so many at a time. */

const node = { name: 'Kling', type: 'kling' } as INode;

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

const wait = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

describe('so many at once', () => {
	/** Begins so many works at once, each taking a second; some fail. */
	function begin(semaphore: Semaphore, count: number, fails: number[] = []) {
		const log = { begun: [] as number[], active: 0, peak: 0 };
		const works = Array.from({ length: count }, async (_, number) =>
			semaphore.run(async () => {
				log.begun.push(number);
				log.peak = Math.max(log.peak, ++log.active);
				await wait(1_000);
				log.active--;
				if (fails.includes(number)) throw new Error(`work ${number}`);
				return number;
			}),
		);
		return { log, all: Promise.allSettled(works) };
	}

	test('so many at a time, in the order they came, and each gets what its work gave', async () => {
		const { log, all } = begin(new Semaphore(new Cancellation(node), 2), 5);
		await jest.advanceTimersByTimeAsync(500);
		expect(log.begun).toEqual([0, 1]);
		await jest.advanceTimersByTimeAsync(1_000);
		expect(log.begun).toEqual([0, 1, 2, 3]);
		await jest.advanceTimersByTimeAsync(2_000);
		expect(await all).toEqual([0, 1, 2, 3, 4].map((value) => ({ status: 'fulfilled', value })));
		expect(log.peak).toBe(2);
	});

	test('work that fails makes room for the next', async () => {
		const { log, all } = begin(new Semaphore(new Cancellation(node), 1), 3, [0, 1]);
		await jest.advanceTimersByTimeAsync(4_000);
		expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
		expect(log.begun).toEqual([0, 1, 2]);
	});

	test('who waits while the node is stopped does not begin any more', async () => {
		const cancellation = new Cancellation(node);
		const { log, all } = begin(new Semaphore(cancellation, 1), 2);
		await jest.advanceTimersByTimeAsync(100);
		cancellation.abort(new Error('stopped'));
		await jest.advanceTimersByTimeAsync(2_000);
		expect(await all).toEqual([
			{ status: 'fulfilled', value: 0 },
			{ status: 'rejected', reason: new Error('stopped') },
		]);
		expect(log.begun).toEqual([0]);
	});
});

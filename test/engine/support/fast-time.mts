/** Time that passes faster, for waits that a test cannot sit through. What goes over the network takes its real time. */

const STEP_MS = 100;
/** Real time for each step: enough for a request on this machine. */
const PAUSE_MS = 3;
const UNTOUCHED = [
	'hrtime',
	'nextTick',
	'performance',
	'queueMicrotask',
	'setImmediate',
	'clearImmediate',
] as const;

/** What comes of some work, some thirty times sooner than by the clock. Only timers that it sets are faster. */
export async function inFastTime<T>(work: () => Promise<T>): Promise<T> {
	const realTimeout = globalThis.setTimeout;
	jest.useFakeTimers({ doNotFake: [...UNTOUCHED], now: Date.now() });
	let isOver = false;
	try {
		const result = work().finally(() => (isOver = true));
		result.catch(() => {});
		while (!isOver) {
			await new Promise((resolve) => realTimeout(resolve, PAUSE_MS));
			await jest.advanceTimersByTimeAsync(STEP_MS);
		}
		return await result;
	} finally {
		jest.useRealTimers();
	}
}

/** Virtual time for unit tests. */

export const START_MS = 1_000_000_000_000;

/** For `beforeEach`; streams and promises go on by themselves. */
export const virtualTime = () =>
	void jest.useFakeTimers({
		now: START_MS,
		doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'],
	});
export const realTime = () => void jest.useRealTimers();

/** More timers than any test needs: what never ends must not run for ever. */
const MAX_TIMERS = 100_000;

/** Lets time pass until the promise is settled, and not longer. */
export async function through<T>(promise: Promise<T>): Promise<T> {
	let isSettled = false;
	const settle = () => void (isSettled = true);
	promise.then(settle, settle);
	await jest.advanceTimersByTimeAsync(0);
	for (let timers = 0; !isSettled && timers < MAX_TIMERS; timers++) {
		await jest.advanceTimersToNextTimerAsync();
	}
	if (!isSettled) throw new Error('It never ends');
	return await promise;
}

export const messageOf = async (promise: Promise<unknown>): Promise<string> =>
	await through(promise).then(
		() => 'no error',
		(error: Error) => error.message,
	);

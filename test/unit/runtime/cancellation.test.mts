import { Cancellation } from '../../../nodes/Kling/runtime/cancellation.ts';
import { nodeOf, realTime, START_MS, virtualTime } from '../../support/fakes.mts';

/** When a node stops, why, and how soon. */

beforeEach(virtualTime);
afterEach(realTime);

const CANCELED = 'The execution was canceled';
const passedMs = () => Date.now() - START_MS;

function cancellable() {
	const user = new AbortController();
	return { user, cancellation: new Cancellation(nodeOf(), user.signal) };
}

test('without a reason nothing stops', () => {
	for (const cancellation of [new Cancellation(nodeOf()), cancellable().cancellation]) {
		expect(cancellation.reason).toBeUndefined();
		expect(cancellation.isCanceled).toBe(false);
		expect(() => cancellation.throwIfAborted()).not.toThrow();
	}
});

test('the first error is the reason', () => {
	const { cancellation } = cancellable();
	const first = new Error('first');
	cancellation.abort(first);
	cancellation.abort(new Error('second'));
	expect(cancellation.reason).toBe(first);
	expect(cancellation.isCanceled).toBe(false);
	expect(() => cancellation.throwIfAborted()).toThrow(first);
});

test('a cancel by the user outranks every error, and says what becomes of the tasks', () => {
	const { user, cancellation } = cancellable();
	cancellation.abort(new Error('an error that the cancel brought about'));
	user.abort();
	expect(cancellation.isCanceled).toBe(true);
	expect(() => cancellation.throwIfAborted()).toThrow(CANCELED);
	expect(cancellation.reason).toMatchObject({
		name: 'NodeOperationError',
		node: { name: 'Kling' },
		description: expect.stringMatching(/continue at Kling/) as string,
	});
});

describe('a pause', () => {
	test.each([0, -1_000])('until a time that has come (%d ms) is none', async (ms) => {
		await new Cancellation(nodeOf()).sleepUntil(Date.now() + ms);
		expect(jest.getTimerCount()).toBe(0);
	});

	test.each([1, 250, 251, 10_000])('lasts as long as it should: %d ms', async (ms) => {
		const pause = new Cancellation(nodeOf()).sleepUntil(START_MS + ms).then(passedMs);
		await jest.advanceTimersByTimeAsync(20_000);
		expect(await pause).toBe(ms);
	});

	test('until something is ready ends within 50 ms of it, and at once when it is', async () => {
		const cancellation = new Cancellation(nodeOf());
		await cancellation.waitFor(() => true);
		expect(passedMs()).toBe(0);
		const pause = cancellation.waitFor(() => passedMs() >= 1_010).then(passedMs);
		await jest.advanceTimersByTimeAsync(20_000);
		expect(await pause).toBe(1_050);
	});

	const pauses: Array<[string, number, (cancellation: Cancellation) => Promise<void>]> = [
		['until a time', 250, async (it) => await it.sleepUntil(START_MS + 60_000)],
		['until something is ready', 50, async (it) => await it.waitFor(() => false)],
	];

	test.each(pauses)('%s ends by a cancel within %d ms', async (_name, stepMs, pause) => {
		const { user, cancellation } = cancellable();
		const ended = pause(cancellation).catch((error: Error) => [error.message, passedMs()]);
		await jest.advanceTimersByTimeAsync(1_001);
		user.abort();
		await jest.advanceTimersByTimeAsync(60_000);
		expect(await ended).toEqual([CANCELED, 1_000 + stepMs]);
	});

	test.each(pauses)('%s does not begin when there is a reason to stop', async (...[, , pause]) => {
		const { cancellation } = cancellable();
		cancellation.abort(new Error('Enough'));
		await expect(pause(cancellation)).rejects.toThrow('Enough');
		expect(jest.getTimerCount()).toBe(0);
	});
});

test('what is ready in time is not asked about once there is a reason to stop', async () => {
	const { cancellation } = cancellable();
	cancellation.abort(new Error('Enough'));
	const ready = jest.fn(() => true);
	await expect(cancellation.waitFor(ready)).rejects.toThrow('Enough');
	expect(ready).not.toHaveBeenCalled();
});

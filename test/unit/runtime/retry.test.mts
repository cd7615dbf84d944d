import type { INode } from 'n8n-workflow';

import { Cancellation } from '../../../nodes/Kling/runtime/cancellation.ts';
import { retryTransient } from '../../../nodes/Kling/runtime/retry.ts';
import type { ApiResult } from '../../../nodes/Kling/transport/types.ts';

const answered = (status: number, retryAfterMs?: number): ApiResult => ({
	outcome: 'answered',
	status,
	body: {},
	retryAfterMs,
});
const done = answered(200);
const cancellation = () => new Cancellation({ name: 'Kling', type: 'kling' } as INode);

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

/** Asks for answers from a script; the last answer, and the second of every try. */
async function ask(script: (attempt: number) => ApiResult) {
	const tries: number[] = [];
	const result = retryTransient(cancellation(), async () => {
		tries.push(Math.round(Date.now() / 1000));
		return script(tries.length);
	});
	await jest.advanceTimersByTimeAsync(300_000);
	return { result: await result, tries };
}

const passing: Array<[string, ApiResult]> = [
	['429', answered(429)],
	['500', answered(500)],
	['503', answered(503)],
	['a lost answer', { outcome: 'lost', reason: 'ECONNRESET' }],
	['no connection', { outcome: 'unsent', reason: 'ECONNREFUSED' }],
];

test.each(passing)('%s is waited out', async (_name, problem) => {
	const { result, tries } = await ask((attempt) => (attempt < 3 ? problem : done));
	expect(result).toBe(done);
	expect(tries).toEqual([0, 1, 4]);
});

test.each(passing)('%s that stays is handed on after a few tries', async (_name, problem) => {
	const { result, tries } = await ask(() => problem);
	expect(result).toBe(problem);
	expect(tries).toEqual([0, 1, 4, 10]);
});

test.each([200, 400, 401, 402, 403, 404])('%d is asked for once', async (status) => {
	expect((await ask(() => answered(status))).tries).toEqual([0]);
});

test('Retry-After is heeded, unless it asks for more than a minute', async () => {
	const short = await ask((attempt) => (attempt === 1 ? answered(429, 30_000) : done));
	expect(short.tries).toEqual([0, 30]);
	const long = await ask(() => answered(429, 61_000));
	expect(long.tries).toHaveLength(1);
});

test('a reason to stop that comes up meanwhile outranks the answer', async () => {
	const stopped = cancellation();
	const result = retryTransient(stopped, async () => {
		stopped.abort(new Error('Enough'));
		return done;
	});
	await expect(result).rejects.toThrow('Enough');
});

test('a reason to stop ends the pause', async () => {
	const stopped = cancellation();
	const result = retryTransient(stopped, async () => answered(503));
	const outcome = expect(result).rejects.toThrow('Enough');
	await jest.advanceTimersByTimeAsync(100);
	stopped.abort(new Error('Enough'));
	await jest.advanceTimersByTimeAsync(300);
	await outcome;
});

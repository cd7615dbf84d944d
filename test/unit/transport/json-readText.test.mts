import { Readable } from 'node:stream';

import { readText } from '../../../nodes/Kling/transport/json.ts';
import type { ByteStream } from '../../../nodes/Kling/transport/types.ts';

/** An answer's way from the connection into text. Times are virtual. */

beforeEach(() =>
	jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }),
);
afterEach(() => void jest.useRealTimers());

const UNTIL_MS = 30_000;
const silent = () => new Readable({ read() {} });
const read = async (stream: Readable) => await readText(stream as unknown as ByteStream, UNTIL_MS);

test('a character whose bytes come in two pieces is one character', async () => {
	const bytes = Buffer.from('{"name":"日本 ü"}');
	const pieces = Array.from(bytes, (byte) => Buffer.from([byte]));
	expect(await read(Readable.from(pieces))).toEqual({ text: '{"name":"日本 ü"}' });
});

test('nothing is nothing', async () => {
	expect(await read(Readable.from([]))).toEqual({ text: '' });
});

test('once it is read nobody watches the clock any more', async () => {
	await read(Readable.from(['{}']));
	await jest.advanceTimersByTimeAsync(1_000);
	expect(jest.getTimerCount()).toBe(0);
});

test('when time is up the connection is closed, and what it says to that is not heard', async () => {
	const stream = silent();
	stream.push('{"task":');
	const result = read(stream);
	await jest.advanceTimersByTimeAsync(UNTIL_MS - 1_000);
	expect(stream.destroyed).toBe(false);
	await jest.advanceTimersByTimeAsync(1_000);
	expect(stream.destroyed).toBe(true);
	expect(await result).toEqual({ reason: 'the answer took too long' });
	// An error that nobody catches would end the test run.
	stream.emit('error', new Error('aborted'));
	await new Promise((resolve) => setImmediate(resolve));
});

test('one that is too large is not read to its end, and the connection is closed', async () => {
	let pieces = 0;
	const endless = Readable.from(
		(function* () {
			for (;;) {
				pieces++;
				yield 'x'.repeat(1_000_000);
			}
		})(),
	);
	expect(await read(endless)).toEqual({ reason: 'the answer was too large' });
	expect(endless.destroyed).toBe(true);
	expect(pieces).toBeLessThan(60);
});

test('exactly as large as may be is not too large', async () => {
	const result = await read(Readable.from(['x'.repeat(10_000_000), 'x'.repeat(10_000_000)]));
	expect('text' in result && result.text.length).toBe(20_000_000);
});

test('what breaks the connection is told', async () => {
	const stream = silent();
	stream.push('{"task":');
	const result = read(stream);
	stream.destroy(new Error('ECONNRESET'));
	await expect(result).rejects.toThrow('ECONNRESET');
});

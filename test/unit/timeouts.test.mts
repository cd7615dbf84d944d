import { Readable } from 'node:stream';

import type { IHttpRequestOptions } from 'n8n-workflow';

import { downloadImage } from '../../nodes/Kling/job/output/download.ts';
import { connect, type KlingApi } from '../../nodes/Kling/transport/client.ts';
import { contextOf, n8nWith, realTime, virtualTime } from '../support/fakes.mts';

/** Waits that the engine tests would have to sit through: how long each is, and that it ends. Times pass at once here. */

const READ_S = 30;
const SUBMIT_S = 300;
const UPLOAD_S = 120;
const FILE_S = 600;

beforeEach(virtualTime);
afterEach(realTime);

async function secondsPass(seconds: number) {
	for (let second = 0; second < seconds; second++) await jest.advanceTimersByTimeAsync(1_000);
}

/** n8n's helpers as far as they are used here, with a server's answer in place of a connection. */
function contextWith(answer: (options: IHttpRequestOptions) => Readable) {
	const asked: IHttpRequestOptions[] = [];
	const context = n8nWith({
		serve(options) {
			asked.push(options);
			const body = answer(options);
			options.abortSignal?.addEventListener?.('abort', () => body.destroy(new Error('aborted')));
			return { body };
		},
		async store(file) {
			let bytes = 0;
			for await (const chunk of file) bytes += (chunk as Buffer).length;
			return { bytes };
		},
	});
	return { context, asked };
}

const after = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));
const silent = () => new Readable({ read() {} });
const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** Begins, and then is silent. */
function stalled(begin: Buffer | string): Readable {
	const stream = silent();
	stream.push(begin);
	return stream;
}

/** A little now and then: each piece comes long before the time limit for the next one ends. */
const trickling = () =>
	Readable.from(
		(async function* () {
			for (;;) {
				await after(5_000);
				yield ' ';
			}
		})(),
	);

const calls: Array<[string, number, (api: KlingApi) => Promise<unknown>]> = [
	['GET accounts', READ_S, (api) => api.getAccounts()],
	['GET tasks/{id}', READ_S, (api) => api.getTask('1', 'a@b')],
	['GET tasks', READ_S, (api) => api.getTasks({})],
	['GET scheduler', READ_S, (api) => api.getRunningJobs()],
	['GET assets/download', READ_S, (api) => api.getCleanFile('1')],
	[
		'POST assets',
		UPLOAD_S,
		(api) => api.upload({ content: PNG, mimeType: 'image/png', bytes: PNG.length }),
	],
	['POST images/upscale', SUBMIT_S, (api) => api.submit('upscale', { task_id: '1', workId: '2' })],
];

describe.each(calls)('%s', (_name, limitS, call) => {
	test(`has ${limitS} seconds to begin its answer, which is up to n8n`, async () => {
		const { context, asked } = contextWith(() => Readable.from(['{}']));
		await call(await connect(context));
		expect(asked.map(({ timeout }) => timeout)).toEqual([limitS * 1000]);
		expect(asked[0]).toMatchObject({ encoding: 'stream', disableFollowRedirect: true });
	});

	test.each([
		['is silent from the start', silent],
		['stops in the middle', () => stalled('{"task":')],
		['trickles', trickling],
	])('an answer that %s is given up then', async (_kind, answer) => {
		const { context } = contextWith(answer);
		let result: unknown;
		void call(await connect(context)).then((value) => (result = value));
		await secondsPass(limitS - 1);
		expect(result).toBeUndefined();
		await secondsPass(2);
		expect(result).toEqual({ outcome: 'lost', reason: 'the answer took too long' });
	});
});

test('an answer may be long, but not without end', async () => {
	const piece = `"${'x'.repeat(999_997)}",`;
	const pieces = function* (count: number) {
		yield '[';
		for (let at = 0; at < count; at++) yield piece;
		yield '0]';
	};
	const ask = async (count: number) => {
		const { context } = contextWith(() => Readable.from(pieces(count)));
		return await (await connect(context)).getRunningJobs();
	};
	const long = await ask(19);
	expect(long.outcome === 'answered' && (long.body as string[]).length).toBe(20);
	expect(await ask(20)).toEqual({ outcome: 'lost', reason: 'the answer was too large' });
	expect(await ask(Infinity)).toEqual({ outcome: 'lost', reason: 'the answer was too large' });
});

test('letters that are cut in two by the network stay whole', async () => {
	const bytes = Buffer.from('[{"id":"日本 é"}]');
	const { context } = contextWith(() => Readable.from([...bytes].map((byte) => Buffer.of(byte))));
	const answer = await (await connect(context)).getRunningJobs();
	expect(answer).toMatchObject({ outcome: 'answered', body: [{ id: '日本 é' }] });
});

describe('a file', () => {
	/** What a download comes to, and when (in seconds). */
	async function download(answer: () => Readable, seconds: number) {
		const { context, asked } = contextWith(answer);
		const image = { workId: '2', url: 'http://127.0.0.1:1/a.png' };
		const startMs = Date.now();
		let seen: { file?: unknown; told?: string; afterS: number } | undefined;
		const afterS = () => Math.round((Date.now() - startMs) / 1000);
		const shared = contextOf(await connect(context), context);
		downloadImage(shared, image, { taskId: '1', itemIndex: 0 }).then(
			(file) => (seen = { file, afterS: afterS() }),
			(error: Error) => (seen = { told: error.message, afterS: afterS() }),
		);
		await secondsPass(seconds);
		return { seen, asked };
	}
	const told = 'The image of task 1 could not be downloaded:';

	test('has 30 seconds to begin, which is up to n8n, and follows no redirect unseen', async () => {
		const { seen, asked } = await download(() => Readable.from([PNG]), 1);
		expect(seen?.file).toEqual({ bytes: PNG.length });
		expect(asked).toEqual([
			expect.objectContaining({ timeout: READ_S * 1000, disableFollowRedirect: true }),
		]);
	});

	test.each([
		['is silent from the start', silent],
		['stops in the middle', () => stalled(PNG)],
	])('that %s is given up after 10 minutes, and its connection closed', async (_kind, answer) => {
		let stream: Readable | undefined;
		const { seen, asked } = await download(() => (stream = answer()), FILE_S + 1);
		expect(seen).toEqual({ told: `${told} it took too long`, afterS: FILE_S });
		expect(asked).toHaveLength(1);
		expect(stream?.destroyed).toBe(true);
	});

	test('may have 256 MB and no more', async () => {
		const MEGABYTE = 1024 * 1024;
		const ofSize = (megabytes: number) => () =>
			Readable.from(
				(function* () {
					yield Buffer.concat([PNG, Buffer.alloc(MEGABYTE - PNG.length)]);
					const zeros = Buffer.alloc(MEGABYTE);
					for (let left = megabytes - 1; left > 0; left--) yield zeros;
				})(),
			);
		const fits = await download(ofSize(256), 3);
		expect(fits.seen?.file).toEqual({ bytes: 256 * MEGABYTE });
		const { seen, asked } = await download(ofSize(257), 3);
		expect(seen?.told).toBe(`${told} it is larger than 256 MB`);
		expect(asked).toHaveLength(1);
	});
});

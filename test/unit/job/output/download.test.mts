import { Readable } from 'node:stream';

import type { IDataObject } from 'n8n-workflow';

import { downloadImage } from '../../../../nodes/Kling/job/output/download.ts';
import type { KlingError } from '../../../../nodes/Kling/runtime/problems.ts';
import type { ApiResult } from '../../../../nodes/Kling/transport/types.ts';
import {
	answered,
	contextOf,
	LOCAL,
	n8nWith,
	realTime,
	virtualTime,
} from '../../../support/fakes.mts';

/** What becomes of an image's file, with a server that says what the test wants; time passes at once. Limits are in timeouts. */

const PNG = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1');
const URL_OF_IMAGE = `${LOCAL}/a.png`;
const CLEAN_URL = `${LOCAL}/clean.png`;

beforeEach(virtualTime);
afterEach(realTime);

type Served = Readable | { statusCode: number; headers?: IDataObject } | Error;

interface Wish {
	/** What the server does at each request in turn; the last one stays. */
	serves: Array<() => Served>;
	image?: { workId?: string; url: string };
	withoutWatermark?: boolean;
	/** What the API says about the file without watermark. */
	clean?: ApiResult;
	baseUrl?: string;
}

async function download({ serves, image, withoutWatermark, clean, baseUrl }: Wish) {
	const asked: Array<{ url: string; atS: number; signal: AbortSignal }> = [];
	const startMs = Date.now();
	const n8n = n8nWith({
		serve({ url, abortSignal }) {
			const atS = (Date.now() - startMs) / 1000;
			asked.push({ url, atS, signal: abortSignal as AbortSignal });
			const served = (serves.length > 1 ? serves.shift()! : serves[0])();
			if (served instanceof Readable) return { body: served };
			return served instanceof Error ? served : { text: '', ...served };
		},
	});
	const getCleanFile = jest.fn(async () => clean);
	const context = contextOf({ baseUrl: baseUrl ?? LOCAL, getCleanFile } as object, n8n);
	const ref = { taskId: '1', account: 'me@example.com', itemIndex: 4 };
	let file: unknown;
	let error: KlingError | undefined;
	downloadImage(context, image ?? { workId: '2', url: URL_OF_IMAGE }, ref, withoutWatermark).then(
		(value) => (file = value),
		(reason: KlingError) => (error = reason),
	);
	for (let second = 0; second < 20; second++) await jest.advanceTimersByTimeAsync(1_000);
	return { file, error, asked, hints: [...context.hints], getCleanFile };
}

const png = () => Readable.from([PNG]);
const whole = { fileName: 'kling-1-2.png', mimeType: 'image/png', data: PNG.toString('base64') };
const told = (reason: string) => `The image of task 1 could not be downloaded: ${reason}`;

test('comes whole, by the name of its task and its own', async () => {
	const pieces = [PNG.subarray(0, 5), PNG.subarray(5)];
	const { file, asked } = await download({ serves: [() => Readable.from(pieces)] });
	expect(file).toEqual(whole);
	// What may still be under way is ended, and nobody looks at the clock any more.
	expect(asked[0].signal.aborted).toBe(true);
	expect(jest.getTimerCount()).toBe(0);
});

test('is named by its task alone where it has no ID', async () => {
	const { file } = await download({ serves: [png], image: { url: URL_OF_IMAGE } });
	expect(file).toMatchObject({ fileName: 'kling-1.png' });
});

test.each<[string, () => Served, string]>([
	['no connection', () => Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
	['a failure without a code', () => new Error('socket hang up'), 'socket hang up'],
	['a 503', () => ({ statusCode: 503 }), 'the server answered with HTTP 503'],
	['a 429', () => ({ statusCode: 429 }), 'the server answered with HTTP 429'],
	['a page', () => Readable.from([Buffer.from('<html>')]), 'the link does not lead to an image'],
	['an empty file', () => Readable.from([]), 'the link does not lead to an image'],
	[
		'a connection that breaks at once',
		() => new Readable({ read: (): void => {}, construct: (done) => done(new Error('broke')) }),
		'broke',
	],
	[
		'a connection that breaks in the middle',
		() =>
			Readable.from(
				(function* () {
					yield PNG;
					throw Object.assign(new Error('no'), { code: 'ECONNRESET' });
				})(),
			),
		'ECONNRESET',
	],
])('%s is tried three times, after one second and two more', async (_name, serves, reason) => {
	const { error, asked } = await download({ serves: [serves] });
	expect(asked.map(({ atS }) => Math.round(atS * 10) / 10)).toEqual([0, 1, 3]);
	expect(error?.message).toBe(told(reason));
	expect(error?.description).toContain('Get it with Task → Get');
	expect(error?.problem?.details).toEqual({ taskId: '1', imageUrl: URL_OF_IMAGE });
	expect(error?.context.itemIndex).toBe(4);
});

test('what passes is got over', async () => {
	const { file, asked } = await download({ serves: [() => ({ statusCode: 500 }), png] });
	expect(file).toEqual(whole);
	expect(asked).toHaveLength(2);
});

test.each<[string, Served & object, string]>([
	['a 404', { statusCode: 404 }, 'the server answered with HTTP 404'],
	['a 499', { statusCode: 499 }, 'the server answered with HTTP 499'],
	['a redirect to nowhere', { statusCode: 302 }, 'the server answered with HTTP 302'],
	[
		'a redirect to what is no web address',
		{ statusCode: 302, headers: { location: 'file:///etc/passwd' } },
		'its link redirects to an address that is not a safe web address',
	],
	[
		'a circle',
		{ statusCode: 308, headers: { location: '/a.png' } },
		'its link redirects too often',
	],
])('%s is not tried again', async (_name, served, reason) => {
	const { error, asked } = await download({ serves: [() => served] });
	expect(error?.message).toBe(told(reason));
	// Five redirects are followed: that of the circle is the sixth.
	expect(asked).toHaveLength(reason.includes('too often') ? 6 : 1);
});

test('a link that is no web address is not asked at all', async () => {
	const image = { workId: '2', url: 'ftp://127.0.0.1/a.png' };
	const { error, asked } = await download({ serves: [png], image });
	expect(error?.message).toBe(told('its link is not a safe web address'));
	expect(asked).toEqual([]);
});

test.each([
	['https://api.useapi.net', 'https://cdn.example.com/a.png', true],
	['https://api.useapi.net', 'http://cdn.example.com/a.png', false],
	['https://api.useapi.net', 'https://192.168.1.5/a.png', false],
	['http://127.0.0.1:1', 'http://127.0.0.1:2/a.png', true],
	['http://127.0.0.1:1', 'https://cdn.example.com/a.png', true],
	['http://127.0.0.1:1', 'ftp://127.0.0.1:2/a.png', false],
])('from %s: %s is fetched: %j', async (baseUrl, url, isFetched) => {
	const { asked } = await download({ serves: [png], baseUrl, image: { workId: '2', url } });
	expect(asked).toHaveLength(isFetched ? 1 : 0);
});

describe('without watermark', () => {
	const hint = (reason: string) =>
		`Item 4: the image without watermark was not available (${reason}), so the standard image was downloaded.`;

	test('is the file that the API names, with no hint', async () => {
		const { file, hints, asked, getCleanFile } = await download({
			serves: [png],
			withoutWatermark: true,
			clean: answered(200, { cdnUrl: CLEAN_URL }),
		});
		expect(file).toEqual(whole);
		expect(hints).toEqual([]);
		expect(asked.map(({ url }) => url)).toEqual([CLEAN_URL]);
		expect(getCleanFile).toHaveBeenCalledWith('2', 'me@example.com');
	});

	test('is not asked for unless it is wished', async () => {
		const { hints, getCleanFile } = await download({ serves: [png] });
		expect(getCleanFile).not.toHaveBeenCalled();
		expect(hints).toEqual([]);
	});

	test.each<[string, ApiResult, string]>([
		['a refusal', answered(403, { error: 'Paid plans only' }), 'Paid plans only'],
		['no link', answered(200, {}), 'its link is not a safe web address'],
	])('after %s the standard file is taken, with a hint', async (_name, clean, reason) => {
		const { file, hints, asked } = await download({
			serves: [png],
			withoutWatermark: true,
			clean,
		});
		expect(file).toEqual(whole);
		expect(asked.map(({ url }) => url)).toEqual([URL_OF_IMAGE]);
		expect(hints).toEqual([hint(reason)]);
	});

	test('after a file that is not there the standard one is taken, with a hint', async () => {
		const { file, hints, asked } = await download({
			serves: [() => ({ statusCode: 404 }), png],
			withoutWatermark: true,
			clean: answered(200, { cdnUrl: CLEAN_URL }),
		});
		expect(file).toEqual(whole);
		expect(asked.map(({ url }) => url)).toEqual([CLEAN_URL, URL_OF_IMAGE]);
		expect(hints).toEqual([hint('the server answered with HTTP 404')]);
	});

	test('an image without ID is not asked for', async () => {
		const { hints, getCleanFile } = await download({
			serves: [png],
			withoutWatermark: true,
			image: { url: URL_OF_IMAGE },
		});
		expect(getCleanFile).not.toHaveBeenCalled();
		expect(hints).toEqual([hint('the image has no ID')]);
	});
});

import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';

import { openFile } from '../../../nodes/Kling/transport/fileClient.ts';

/** Where a file is fetched from, and where not. */

const PUBLIC = 'https://api.useapi.net';
const LOCAL = 'http://127.0.0.1:4010';
const FILE = 'https://cdn.example.com/a/1.png';

type Answer = { statusCode: number; location?: unknown };

/** Servers that answer by address; those that are not named have the file. */
async function open(
	address: string,
	answers: Record<string, Answer> = {},
	{ baseUrl = PUBLIC, signal = new AbortController().signal } = {},
) {
	const asked: IHttpRequestOptions[] = [];
	const httpRequest = async (options: IHttpRequestOptions) => {
		asked.push(options);
		const { statusCode, location } = answers[options.url] ?? { statusCode: 200 };
		return { statusCode, headers: { location }, body: `file of ${options.url}` };
	};
	const n8n = { helpers: { httpRequest } } as unknown as IExecuteFunctions;
	const opened = await openFile(n8n, address, baseUrl, signal);
	return { opened, asked, urls: asked.map(({ url }) => url) };
}

const file = (url: string) => ({ url, stream: `file of ${url}` });
const to = (location: unknown, statusCode = 302): Answer => ({ statusCode, location });

test('a file is streamed, without the token, and within a time limit', async () => {
	const { opened, asked } = await open(FILE);
	expect(opened).toEqual(file(FILE));
	expect(asked).toEqual([
		{
			method: 'GET',
			url: FILE,
			encoding: 'stream',
			returnFullResponse: true,
			// Or n8n would follow redirects to wherever they point.
			disableFollowRedirect: true,
			ignoreHttpStatusErrors: true,
			timeout: 30_000,
			abortSignal: expect.any(AbortSignal) as AbortSignal,
		},
	]);
});

test.each([301, 302, 303, 307, 308])('a redirect (%d) is followed', async (statusCode) => {
	const { opened } = await open(FILE, {
		[FILE]: to('https://other.example.com/2.png', statusCode),
	});
	expect(opened).toEqual(file('https://other.example.com/2.png'));
});

test.each([
	['/2.png', 'https://cdn.example.com/2.png'],
	['2.png?a=b', 'https://cdn.example.com/a/2.png?a=b'],
	['//other.example.com/2.png', 'https://other.example.com/2.png'],
])('a redirect to %s is relative to where it comes from', async (location, url) => {
	expect((await open(FILE, { [FILE]: to(location) })).opened).toEqual(file(url));
});

test.each<[string, unknown, boolean]>([
	['a lasting refusal', 404, true],
	['a refusal for want of a key', 403, true],
	['an empty answer', 204, true],
	['a server that is overloaded', 429, false],
	['a server that fails', 500, false],
	['a gateway', 503, false],
	['an answer that is no redirect although it points somewhere', 300, true],
])('%s: %d', async (_name, statusCode, lasting) => {
	const answer = to('https://other.example.com/2.png', Number(statusCode));
	const { opened, urls } = await open(FILE, { [FILE]: answer });
	const reason = `the server answered with HTTP ${String(statusCode)}`;
	expect([opened, urls]).toEqual([{ reason, lasting }, [FILE]]);
});

test.each([undefined, ['https://a.example.com', 'https://b.example.com']])(
	'a redirect without one address (%j) leads nowhere',
	async (location) => {
		const { opened } = await open(FILE, { [FILE]: to(location) });
		expect(opened).toEqual({ reason: 'the server answered with HTTP 302', lasting: true });
	},
);

test('five redirects are followed, the sixth is one too many', async () => {
	const hop = (count: number) => `https://cdn.example.com/${count}`;
	const chain = (length: number) =>
		Object.fromEntries(Array.from({ length }, (_, count) => [hop(count), to(hop(count + 1))]));
	expect((await open(hop(0), chain(5))).opened).toEqual(file(hop(5)));
	const { opened, urls } = await open(hop(0), chain(6));
	expect(opened).toEqual({ reason: 'its link redirects too often', lasting: true });
	expect(urls).toHaveLength(6);
});

describe('an address that a public API must not lead to', () => {
	test.each([
		'http://cdn.example.com/1.png',
		'https://127.0.0.1/1.png',
		'https://n8n.internal/1.png',
		'ftp://cdn.example.com/1.png',
		'file:///etc/passwd',
		'data:image/png;base64,AA==',
		'1.png',
		'',
	])('%j is not asked for', async (address) => {
		const direct = await open(address);
		const reason = 'its link is not a safe web address';
		expect([direct.opened, direct.urls]).toEqual([{ reason, lasting: true }, []]);
	});

	test.each([
		'http://cdn.example.com/1.png',
		'https://127.0.0.1/1.png',
		'https://[',
		'ftp://x.example.com',
	])('%s is not gone to by a redirect', async (location) => {
		const { opened, urls } = await open(FILE, { [FILE]: to(location) });
		const reason = 'its link redirects to an address that is not a safe web address';
		expect([opened, urls]).toEqual([{ reason, lasting: true }, [FILE]]);
	});
});

test.each([
	['http://127.0.0.1:4011/1.png', true],
	['https://cdn.example.com/1.png', true],
	['http://cdn.example.com/1.png', true],
	['ftp://127.0.0.1/1.png', false],
	['no address', false],
])('a local API may serve its files from nearby: %s', async (address, isFetched) => {
	const { urls } = await open(address, {}, { baseUrl: LOCAL });
	expect(urls).toEqual(isFetched ? [address] : []);
});

test('the caller can end a transfer, and what is not wanted is ended at once', async () => {
	const cut = new AbortController();
	const next = 'https://cdn.example.com/2.png';
	const { asked } = await open(FILE, { [FILE]: to(next) }, { signal: cut.signal });
	const aborted = () => asked.map(({ abortSignal }) => (abortSignal as AbortSignal).aborted);
	expect(aborted()).toEqual([true, false]);
	cut.abort();
	expect(aborted()).toEqual([true, true]);
});

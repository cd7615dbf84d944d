import { asText, shorten } from '../../../nodes/Kling/actions/parameters.ts';
import {
	PUBLIC,
	LOCAL,
	id,
	account,
	timeout,
	pause,
	interval,
	maxJobs,
	limit,
	kind,
	times,
	wait,
	output,
	replyRef,
	replyUrl,
	localReplyUrl,
	MARCH,
	parametersOf,
	type Read,
} from '../support/parameters.mts';

/** Each field: what is taken, and where its bounds are. */

test.each<[string, Read, Record<string, unknown>, unknown]>([
	['an ID', id, { taskId: ' 0123 ' }, '0123'],
	['an ID as a number', id, { taskId: Number.MAX_SAFE_INTEGER }, '9007199254740991'],
	['an account', account, { account: ' me@example.com ' }, 'me@example.com'],
	['no account', account, {}, undefined],
	['the time limit', timeout, { 'options.timeout': '1.5' }, 1_500],
	['the shortest time limit', timeout, { 'options.timeout': 1 }, 1_000],
	['the usual time limit', timeout, { 'options.timeout': null }, 600_000],
	['the shortest pause', pause, { 'options.timeout': 60 }, 60_000],
	['the longest pause', pause, { 'options.timeout': 30 * 24 * 3_600 }, 30 * 24 * 3_600_000],
	['the usual pause', pause, {}, 600_000],
	['the shortest interval', interval, { 'options.pollInterval': 1 }, 1_000],
	['no interval', interval, {}, undefined],
	['one job', maxJobs, { 'options.maxJobs': 1 }, 1],
	['fifty jobs', maxJobs, { 'options.maxJobs': '50' }, 50],
	['no number of jobs', maxJobs, {}, undefined],
	['a limit', limit, { limit: 1, returnAll: 'false' }, 1],
	['the usual limit', limit, { returnAll: false }, 50],
	['all', limit, { returnAll: true, limit: 7 }, Infinity],
	['all, as text', limit, { returnAll: 'true' }, Infinity],
	['images', kind, {}, 'image'],
	['videos', kind, { 'filters.contentType': 'video' }, 'video'],
	['sounds', kind, { 'filters.contentType': 'audio' }, 'audio'],
	['every kind', kind, { 'filters.contentType': 'all' }, undefined],
	['no times', times, {}, { fromMs: undefined, beforeMs: undefined }],
	[
		'times',
		times,
		{ 'filters.createdAfter': '2026-03-01', 'filters.createdBefore': MARCH + 1 },
		{ fromMs: MARCH, beforeMs: MARCH + 1 },
	],
	['the first way to wait', wait, { wait: '' }, 'none'],
	['polling', wait, { wait: ' poll ' }, 'poll'],
	['pausing', wait, { wait: 'callback' }, 'callback'],
	['no file', output, {}, { output: 'simplified' }],
	['images as items', output, { output: 'images' }, { output: 'images' }],
	[
		'a file',
		output,
		{ output: 'raw', download: true },
		{ output: 'raw', binaryPropertyName: 'data', withoutWatermark: false },
	],
	[
		'a file without watermark',
		output,
		{ download: 'true', binaryPropertyName: ' image ', 'options.withoutWatermark': true },
		{ output: 'simplified', binaryPropertyName: 'image', withoutWatermark: true },
	],
	['a reference', replyRef, { 'options.replyRef': ' order 1 ' }, 'order 1'],
	['a reference of 1,024', replyRef, { 'options.replyRef': 'x'.repeat(1_024) }, 'x'.repeat(1_024)],
	['no reference', replyRef, {}, undefined],
	['an address', replyUrl, { replyUrl: 'HTTPS://n8n.example.com/a' }, 'HTTPS://n8n.example.com/a'],
	['no address', replyUrl, {}, undefined],
	['a local one', localReplyUrl, { replyUrl: 'http://10.0.0.1/a' }, 'http://10.0.0.1/a'],
	['a public one', localReplyUrl, { replyUrl: 'http://n8n.example.com' }, 'http://n8n.example.com'],
])('takes %s', (_name, read, values, expected) =>
	expect(read(parametersOf(values))).toEqual(expected),
);

test('a tool takes no files, and does not pause', () => {
	const values = { wait: 'callback', download: true };
	const parameters = parametersOf(values, { type: 'klingTool' }).all;
	expect(parameters.wait()).toBe('poll');
	expect(parametersOf({ wait: 'none' }, { type: 'klingTool' }).all.wait()).toBe('none');
	expect(parameters.output()).toEqual({ output: 'simplified' });
});

describe('the address that resumes the execution', () => {
	const resumeUrlOf = (resumeUrl: string, baseUrl: string) =>
		parametersOf({}, { resumeUrl, baseUrl }).paid.resumeUrl();
	const long = (length: number) => 'https://n8n.example.com/'.padEnd(length, 'x');

	test.each([
		['https://n8n.example.com/webhook-waiting/1?signature=x', PUBLIC],
		[long(1_024), PUBLIC],
		['http://127.0.0.1:5678/webhook-waiting/1', LOCAL],
	])('%s for %s', (url, baseUrl) => expect(resumeUrlOf(url, baseUrl)).toBe(url));

	test.each([
		['http://n8n.example.com/webhook-waiting/1', PUBLIC, /this n8n at http:\/\/n8n\.example\.com$/],
		['https://10.0.0.1/webhook-waiting/1', PUBLIC, /this n8n at https:\/\/10\.0\.0\.1$/],
		['n8n', PUBLIC, /this n8n at n8n$/],
		[long(1_025), PUBLIC, /too long for useapi\.net: 1025 characters/],
		[long(1_025), LOCAL, /too long/],
	])('not %s for %s', (url, baseUrl, message) => {
		expect(() => resumeUrlOf(url, baseUrl)).toThrow(
			expect.objectContaining({
				message: expect.stringMatching(message) as string,
				description: expect.stringMatching(/[Ss]et 'Wait for Result' to 'Wait/) as string,
			}),
		);
	});
});

describe('texts', () => {
	const circle: Record<string, unknown> = {};
	circle.own = circle;

	test.each([
		[null, ''],
		[undefined, ''],
		[' a ', 'a'],
		[0, '0'],
		[false, 'false'],
		[{ a: 1 }, '{"a":1}'],
		[{ toJSON: () => undefined }, ''],
		[circle, 'an object'],
	])('of %p is %p', (value, expected) => expect(asText(value)).toBe(expected));

	test('are shortened past 60 letters', () => {
		expect(shorten('x'.repeat(60))).toBe('x'.repeat(60));
		expect(shorten('x'.repeat(61))).toBe(`${'x'.repeat(60)}…`);
	});
});

import type { IExecuteFunctions, INode } from 'n8n-workflow';

import { PaidParameters } from '../../../nodes/Kling/actions/image/paidParameters.ts';
import { asText, Parameters, shorten } from '../../../nodes/Kling/actions/parameters.ts';
import { ListParameters } from '../../../nodes/Kling/actions/task/listParameters.ts';
import type { KlingError } from '../../../nodes/Kling/runtime/problems.ts';

/** Each field: what is taken, where its bounds are, and what people read beyond them. */

const PUBLIC = 'https://api.useapi.net';
const LOCAL = 'http://127.0.0.1:4010';

function parametersOf(
	values: Record<string, unknown>,
	{ type = 'kling', resumeUrl = '', baseUrl = PUBLIC } = {},
) {
	const n8n = {
		getNode: () => ({ name: 'Kling', type }) as INode,
		getTimezone: () => 'UTC',
		evaluateExpression: (expression: string) =>
			expression === '{{ $execution.resumeUrl }}' ? resumeUrl : undefined,
		getNodeParameter: (name: string, itemIndex: number, fallback: unknown, options?: object) => {
			expect(itemIndex).toBe(3);
			// Only pickers have a value within their value.
			const isPicker = ['taskId', 'account'].includes(name);
			expect(options).toEqual(isPicker ? { extractValue: true } : undefined);
			return name in values ? values[name] : fallback;
		},
	} as unknown as IExecuteFunctions;
	return {
		all: new Parameters(n8n, 3),
		list: new ListParameters(n8n, 3),
		paid: new PaidParameters(n8n, 3, baseUrl),
		local: new PaidParameters(n8n, 3, LOCAL),
	};
}

type Read = (parameters: ReturnType<typeof parametersOf>) => unknown;

const id: Read = ({ all }) => all.id('taskId', 'Task');
const account: Read = ({ all }) => all.account();
const timeout: Read = ({ all }) => all.timeoutMs();
const pause: Read = ({ paid }) => paid.pauseLimitMs();
const interval: Read = ({ all }) => all.pollIntervalMs();
const maxJobs: Read = ({ paid }) => paid.maxJobs();
const limit: Read = ({ list }) => list.limit();
const kind: Read = ({ list }) => list.contentType();
const times: Read = ({ list }) => list.timeWindow();
const wait: Read = ({ all }) => all.wait();
const output: Read = ({ all }) => all.output();
const upscaleOutput: Read = ({ all }) => all.output(['simplified', 'raw']);
const replyRef: Read = ({ paid }) => paid.replyRef();
const replyUrl: Read = ({ paid }) => paid.replyUrl();
const localReplyUrl: Read = ({ local }) => local.replyUrl();

const MARCH = Date.UTC(2026, 2, 1);

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

test.each<[string, Read, Record<string, unknown>, RegExp, RegExp]>([
	[
		'an ID past 2^53',
		id,
		{ taskId: 2 ** 53 },
		/^'Task' is too large/,
		/as text, e\.g\. with quotes/,
	],
	['no ID', id, { taskId: ' ' }, /^'Task' is empty$/, /enter its ID, e\.g\. {{ \$json\.taskId }}/],
	['letters', id, { taskId: '1x' }, /^'Task' must be .* digits, but is "1x"$/, /^Take the ID from/],
	['letters first', id, { taskId: 'x1' }, /but is "x1"$/, /another Kling node/],
	['no email', account, { account: 'me' }, /^'Account' must be .*, but is "me"$/, /connected to/],
	['two emails', account, { account: 'a@b c@d' }, /^'Account' must be/, /leave 'Account' empty/],
	['an email and more', account, { account: 'a@b@c' }, /^'Account' must be/, /^Use the email/],
	['no time at all', timeout, { 'options.timeout': 0 }, /^'Time Limit' .* at least 1, b/, /^Corr/],
	['a word', timeout, { 'options.timeout': 'long' }, /but is "long"$/, /remove the option/],
	[
		'a pause too short',
		pause,
		{ 'options.timeout': 59 },
		/from 60 to 2592000, but is "59"/,
		/Corr/,
	],
	['a pause too long', pause, { 'options.timeout': 2_592_001 }, /^'Time Limit' must be/, /Correct/],
	[
		'an interval too short',
		interval,
		{ 'options.pollInterval': 0.9 },
		/^'Poll I.* at least 1/,
		/C/,
	],
	['no job', maxJobs, { 'options.maxJobs': 0 }, /^'Max Jobs' .* from 1 to 50/, /Correct/],
	['51 jobs', maxJobs, { 'options.maxJobs': 51 }, /^'Max Jobs' .* from 1 to 50/, /Correct/],
	['half a job', maxJobs, { 'options.maxJobs': 1.5 }, /Jobs' must be a whole/, /can be 1 to 50/],
	['no limit', limit, { limit: 0 }, /^'Limit' must be a number of at least 1/, /Correct/],
	[
		'half a limit',
		limit,
		{ limit: 1.5 },
		/^'Limit' must be a whole number$/,
		/turn on 'Return All'/,
	],
	[
		'maybe',
		limit,
		{ returnAll: 'yes' },
		/^'Return All' must be true or false, but is "yes"/,
		/^Turn it on/,
	],
	[
		'a kind',
		kind,
		{ 'filters.contentType': 'text' },
		/^'Content Type' .* video, audio, all, b/,
		/Choose/,
	],
	[
		'a date',
		times,
		{ 'filters.createdAfter': 'x' },
		/^'Created After' is not cle.*: "x"/,
		/date picker/,
	],
	[
		'a day',
		times,
		{ 'filters.createdBefore': 'x' },
		/^'Created Before' is not clearly/,
		/2026-03-01T/,
	],
	[
		'times that are one',
		times,
		{ 'filters.createdAfter': MARCH, 'filters.createdBefore': MARCH },
		/^'Created After' must be earlier/,
		/after 2026-03-01T00:00:00\.000Z and before 2026/,
	],
	[
		'a way to wait',
		wait,
		{ wait: 'x' },
		/^'Wait for Result' must be one of none, poll, callback, b/,
		/Choose/,
	],
	[
		'an output',
		upscaleOutput,
		{ output: 'images' },
		/^'Output' must be one of simplified, raw, but/,
		/list/,
	],
	[
		'a download',
		output,
		{ download: 'x' },
		/^'Download Image' must be true or false/,
		/Turn it on/,
	],
	[
		'a watermark',
		output,
		{ download: true, 'options.withoutWatermark': 'x' },
		/^'Without Watermark' must be true/,
		/give true or false/,
	],
	[
		'a field without a name',
		output,
		{ download: true, binaryPropertyName: '' },
		/^'Put Output File in Field' is empty$/,
		/e\.g\. data/,
	],
	[
		'a reference too long',
		replyRef,
		{ 'options.replyRef': 'x'.repeat(1_025) },
		/^'Reply Reference' is too long: 1025 characters$/,
		/at most 1024\./,
	],
	[
		'an address too long',
		replyUrl,
		{ replyUrl: 'x'.repeat(1_025) },
		/^'Reply URL' is too long/,
		/1024/,
	],
	[
		'no address',
		replyUrl,
		{ replyUrl: 'n8n.example' },
		/is not a web address: "n8n\.e/,
		/Production/,
	],
	[
		'another protocol',
		replyUrl,
		{ replyUrl: 'ftp://n8n.example' },
		/is not a web address/,
		/https/,
	],
	[
		'a text with one',
		replyUrl,
		{ replyUrl: 'at https://n8n.example' },
		/is not a web add/,
		/https/,
	],
	['one within', replyUrl, { replyUrl: 'ftp://a.b/https://c.d' }, /is not a web address/, /https/],
	['no host', replyUrl, { replyUrl: 'https:///a' }, /is not a web address/, /https/],
	[
		'a port beyond',
		replyUrl,
		{ replyUrl: 'https://n8n.example:99999' },
		/is not a web address/,
		/h/,
	],
	[
		'a local one',
		replyUrl,
		{ replyUrl: 'http://10.0.0.1/a' },
		/reach .*: 10\.0\.0\.1 is/,
		/WEBHOOK_/,
	],
])('refuses %s', (_name, read, values, message, description) => {
	let error: KlingError | undefined;
	try {
		read(parametersOf(values));
	} catch (thrown) {
		error = thrown as KlingError;
	}
	expect(error?.message).toMatch(message);
	expect(error?.description).toMatch(description);
	expect(error?.description).toMatch(/\. Nothing was sent\.$/);
	expect(error?.context.itemIndex).toBe(3);
});

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

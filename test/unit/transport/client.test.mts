import type { IDataObject, IHttpRequestOptions } from 'n8n-workflow';

import { connect, type KlingApi } from '../../../nodes/Kling/transport/client.ts';
import type { ApiResult } from '../../../nodes/Kling/transport/types.ts';
import { n8nWith } from '../../support/fakes.mts';

/** Every call of the API as it leaves, and every answer as it is understood. Times are in timeouts, failures in outcome. */

const BASE = 'https://api.example';
const TOKEN = 'user:1234-token';
const PNG = Buffer.from('\x89PNG', 'latin1');

interface Answer {
	statusCode?: number;
	headers?: IDataObject;
	text?: string;
}

async function apiWith(answer: Answer | Error = {}, credentials: IDataObject = {}) {
	const asked: Array<{ credential: string; options: IHttpRequestOptions }> = [];
	const context = n8nWith({
		credentials: { baseUrl: `${BASE}/v1/`, apiToken: TOKEN, ...credentials },
		serve(options, credential = '') {
			asked.push({ credential, options });
			return answer;
		},
	});
	return { api: await connect(context), asked };
}

const ask = async (answer: Answer | Error): Promise<ApiResult> =>
	await (await apiWith(answer)).api.getTask('1');

test.each<[string, (api: KlingApi) => Promise<ApiResult>, object]>([
	['accounts', (api) => api.getAccounts(), { method: 'GET', url: '/v1/kling/accounts', qs: {} }],
	['a task', (api) => api.getTask('1'), { method: 'GET', url: '/v1/kling/tasks/1', qs: {} }],
	[
		'a task of an account, by an ID that is no path',
		(api) => api.getTask('../1?', 'a@b.c'),
		{ method: 'GET', url: '/v1/kling/tasks/..%2F1%3F', qs: { email: 'a@b.c' } },
	],
	[
		'tasks',
		(api) => api.getTasks({ limit: 5 }),
		{ method: 'GET', url: '/v1/kling/tasks', qs: { limit: 5 } },
	],
	['jobs', (api) => api.getRunningJobs(), { method: 'GET', url: '/v1/kling/scheduler', qs: {} }],
	[
		'the file without watermark',
		(api) => api.getCleanFile('2', 'a@b.c'),
		{
			method: 'GET',
			url: '/v1/kling/assets/download',
			qs: { email: 'a@b.c', workIds: '2', fileTypes: 'PNG' },
		},
	],
	[
		'delete',
		(api) => api.deleteTask('1/2', 'a@b.c'),
		{ method: 'DELETE', url: '/v1/kling/tasks/1%2F2', qs: { email: 'a@b.c' }, timeout: 30_000 },
	],
	[
		'an upload',
		(api) => api.upload({ content: PNG, mimeType: 'image/png', bytes: 4 }, 'a@b.c'),
		{
			method: 'POST',
			url: '/v1/kling/assets/',
			qs: { email: 'a@b.c' },
			headers: { 'Content-Type': 'image/png', 'Content-Length': 4 },
			body: PNG,
		},
	],
	[
		'upscale',
		(api) => api.submit('upscale', { task_id: '1', workId: '2' }),
		{
			method: 'POST',
			url: '/v1/kling/images/upscale',
			headers: { 'Content-Type': 'application/json' },
			body: '{"task_id":"1","workId":"2"}',
		},
	],
])('asks for %s', async (_name, call, expected) => {
	const { api, asked } = await apiWith();
	expect(await call(api)).toMatchObject({ outcome: 'answered', status: 200, body: {} });
	const { url } = expected as { url: string };
	expect(asked).toEqual([
		{
			credential: 'useApiNetApi',
			options: expect.objectContaining({
				...expected,
				url: BASE + url,
				encoding: 'stream',
				returnFullResponse: true,
				ignoreHttpStatusErrors: true,
				disableFollowRedirect: true,
			}) as object,
		},
	]);
});

test('a credential without a base URL or a token makes an address of nothing, not of "undefined"', async () => {
	const { api } = await apiWith({}, { baseUrl: undefined, apiToken: undefined });
	expect(api.baseUrl).toBe('');
});

describe('an answer', () => {
	test.each<[string, Answer, object]>([
		['an object', { text: '{"a":1}' }, { outcome: 'answered', status: 200, body: { a: 1 } }],
		['an array', { text: '[1]' }, { body: [1] }],
		['created', { statusCode: 201, text: '{}' }, { outcome: 'answered', status: 201 }],
		['cut off', { text: '{"a":' }, { outcome: 'lost', reason: expect.stringContaining('cut off') }],
		['a number', { text: '17' }, { outcome: 'lost' }],
		['null', { text: 'null' }, { outcome: 'lost' }],
		['a success without words', { text: '' }, { outcome: 'lost' }],
		[
			'a refusal in JSON',
			{ statusCode: 400, text: '{"error":"No"}' },
			{ status: 400, body: { error: 'No' } },
		],
		[
			'a refusal in plain words',
			{ statusCode: 403, text: ' Configuration not found.\n' },
			{ outcome: 'answered', status: 403, body: { error: 'Configuration not found.' } },
		],
		['a refusal without words', { statusCode: 502, text: ' ' }, { status: 502, body: undefined }],
		[
			'a web page',
			{ statusCode: 502, text: ' <html>Bad Gateway</html>' },
			{ status: 502, body: undefined },
		],
		[
			'300 letters',
			{ statusCode: 502, text: 'x'.repeat(300) },
			{ body: { error: 'x'.repeat(300) } },
		],
		['301 letters', { statusCode: 502, text: 'x'.repeat(301) }, { body: undefined }],
	])('%s', async (_name, answer, expected) => expect(await ask(answer)).toMatchObject(expected));

	test('that repeats the token does not bring it further', async () => {
		const text = `{"error":"Invalid token ${TOKEN}, ${TOKEN}"}`;
		expect(await ask({ statusCode: 401, text })).toMatchObject({
			body: { error: 'Invalid token [API token], [API token]' },
		});
	});

	test.each([
		['1234567', 'It is 1234567'],
		['12345678', 'It is [API token]'],
	])('a token of %s is too short to be looked for, or not', async (apiToken, error) => {
		const answer = { statusCode: 401, text: `It is ${apiToken}` };
		const { api } = await apiWith(answer, { apiToken: ` ${apiToken} ` });
		expect(await api.getAccounts()).toMatchObject({ body: { error } });
	});
});

describe('Retry-After', () => {
	beforeEach(() => void jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'setImmediate'] }));
	afterEach(() => void jest.useRealTimers());

	test.each([
		['10', 10_000],
		['0', 0],
		['1.5', 1_500],
		['Thu, 01 Jan 1970 00:01:00 GMT', 60_000],
		['Wed, 31 Dec 1969 23:59:59 GMT', undefined],
		['-1', undefined],
		[' ', undefined],
		['soon', undefined],
		[10, undefined],
		[undefined, undefined],
	])('%j is %j ms', async (header, retryAfterMs) => {
		const headers = { 'retry-after': header };
		expect(await ask({ statusCode: 429, headers })).toMatchObject({ retryAfterMs });
	});

	test('may be missing with all other headers', async () => {
		expect(await ask({ statusCode: 429, headers: undefined })).toMatchObject({ status: 429 });
	});
});

describe('what kept a call from an answer', () => {
	const wrapped = (cause: object, times: number): Error =>
		times === 0
			? (cause as Error)
			: Object.assign(new Error('n8n'), { cause: wrapped(cause, times - 1) });
	const failure = (cause: object) => Object.assign(new Error('no'), cause);

	test.each<[string, Error, object]>([
		['a code', failure({ code: 'ECONNRESET' }), { outcome: 'lost', reason: 'ECONNRESET' }],
		[
			'a code within',
			wrapped(failure({ code: 'ENOTFOUND' }), 2),
			{ outcome: 'unsent', reason: 'ENOTFOUND' },
		],
		[
			'the innermost code',
			Object.assign(wrapped(failure({ code: 'ECONNREFUSED' }), 1), { code: 'ERR_OUTER' }),
			{ outcome: 'unsent', reason: 'ECONNREFUSED' },
		],
		['no code', failure({}), { outcome: 'lost', reason: 'no answer' }],
		[
			'the code that n8n 2.8 keeps',
			failure({ httpCode: 'ECONNREFUSED' }),
			{ outcome: 'unsent', reason: 'ECONNREFUSED' },
		],
		['a code that is none', failure({ code: 17 }), { outcome: 'lost', reason: 'no answer' }],
		[
			'a name that could not be looked up',
			failure({ code: 'ETIMEOUT', syscall: 'getaddrinfo' }),
			{ outcome: 'unsent', reason: 'ETIMEOUT' },
		],
		[
			'a code that only begins like one of an unsent request',
			failure({ code: 'ENOTFOUND_LATER' }),
			{ outcome: 'lost' },
		],
	])('%s', async (_name, error, expected) => expect(await ask(error)).toMatchObject(expected));

	test('is looked for six deep: a circle ends', async () => {
		const circle = failure({});
		Object.assign(circle, { cause: circle });
		expect(await ask(circle)).toEqual({ outcome: 'lost', reason: 'no answer' });
		expect(await ask(wrapped(failure({ code: 'EPIPE' }), 5))).toMatchObject({ reason: 'EPIPE' });
	});
});

test.each<[string, object, object | undefined]>([
	['outside an execution n8n is given the credential that was read', {}, { apiToken: TOKEN }],
	[
		'in an execution, which may be long, n8n reads it anew',
		{ getExecutionCancelSignal() {} },
		undefined,
	],
])('%s', async (_name, more, expected) => {
	const context = n8nWith({ credentials: { baseUrl: BASE, apiToken: TOKEN } }, more);
	const { httpRequestWithAuthentication: request } = context.helpers;
	const given: unknown[] = [];
	context.helpers.httpRequestWithAuthentication = async function (type, options, additional) {
		given.push(additional?.credentialsDecrypted?.data);
		return (await request.call(this, type, options)) as object;
	};
	await (await connect(context)).getTask('1');
	expect(given).toEqual([expected && expect.objectContaining(expected)]);
});

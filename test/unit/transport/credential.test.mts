import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import type { IDataObject, IWebhookFunctions } from 'n8n-workflow';

import { connect } from '../../../nodes/Kling/transport/client.ts';
import { CREDENTIAL, sharedCredential } from '../../../nodes/Kling/transport/credential.ts';
import { CREDENTIALS, LOCAL, n8nWith, type Served } from '../../support/fakes.mts';

const START_MS = 1_800_000_000_000;
/** Each test has a workflow of its own: what is read is kept from one to the next. */
let tests = 0;
let nowMs: number;
beforeEach(() => {
	tests++;
	nowMs = START_MS;
	jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
});

/** Calls of one workflow; `reads` counts how often n8n has read the credential, `asked` what the API was asked, with what token. */
function workflow(serve: (token: string, url: string) => Served = () => ({})) {
	const asked: string[] = [];
	const now: { reads: number; credential: IDataObject | Error } = {
		reads: 0,
		credential: CREDENTIALS,
	};
	const call = (changes: object = {}) => {
		const n8n = n8nWith<IWebhookFunctions>(
			{},
			{
				getWorkflow: () => ({ id: `workflow ${tests}` }),
				getMode: () => 'webhook',
				getExecutionContext: () => undefined,
				getResponseObject: () => ({}),
				getCredentials: async () => {
					now.reads++;
					return now.credential instanceof Error
						? await Promise.reject(now.credential)
						: now.credential;
				},
				...changes,
			},
		);
		const { helpers } = n8nWith({
			serve: ({ url }) => serve(asked.at(-1)!.split(' ')[0], url),
		});
		n8n.helpers.httpRequestWithAuthentication = async function (type, options, additional) {
			const { apiToken } = additional!.credentialsDecrypted!.data!;
			asked.push(`${String(apiToken)} ${options.url}`);
			return (await helpers.httpRequestWithAuthentication.call(
				this as never,
				type,
				options,
			)) as object;
		};
		return n8n;
	};
	return { call, now, asked };
}

describe('calls of a workflow that come close together', () => {
	test('have n8n read the credential once, for 5 s', async () => {
		const { call, now } = workflow();
		const [first, atOnce] = await Promise.all([sharedCredential(call()), sharedCredential(call())]);
		expect(atOnce).toBe(first);
		nowMs += 5_000;
		expect(await sharedCredential(call())).toBe(first);
		expect(now.reads).toBe(1);
		nowMs += 1;
		expect(await sharedCredential(call())).not.toBe(first);
		expect(now.reads).toBe(2);
	});

	test.each<[string, object]>([
		['of another workflow', { getWorkflow: () => ({ id: 'another' }) }],
		['of an execution that was started in another way', { getMode: () => 'manual' }],
		[
			'with another credential',
			{ getNode: () => ({ credentials: { [CREDENTIAL]: { id: 'another' } } }) },
		],
		[
			"with a user's identity, whose credential it may be",
			{ getExecutionContext: () => ({ credentials: 'encrypted' }) },
		],
		['of an n8n that does not tell the identity', { getExecutionContext: undefined }],
		['of a workflow without an id', { getWorkflow: () => ({}) }],
		['with a credential without an id', { getNode: () => ({}) }],
	])('but not one %s', async (_name, changes) => {
		const { call, now } = workflow();
		const other = call(changes);
		if (!other.getExecutionContext)
			delete (other as Partial<IWebhookFunctions>).getExecutionContext;
		await sharedCredential(call());
		await sharedCredential(other);
		expect(now.reads).toBe(2);
		await sharedCredential(call());
		expect(now.reads).toBe(2);
	});

	test('nor what was read at a time that is yet to come: clocks are set back', async () => {
		const { call, now } = workflow();
		await sharedCredential(call());
		nowMs -= 1;
		await sharedCredential(call());
		expect(now.reads).toBe(2);
	});

	test('one that n8n cannot read is tried again by the next', async () => {
		const { call, now } = workflow();
		now.credential = new Error('Credential not found');
		const both = await Promise.allSettled([sharedCredential(call()), sharedCredential(call())]);
		expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
		now.credential = CREDENTIALS;
		expect(await sharedCredential(call())).toMatchObject({ baseUrl: LOCAL });
		expect(now.reads).toBe(2);
	});
});

describe('a credential that was changed since it was read for an earlier call', () => {
	const changed = { baseUrl: 'http://127.0.0.1:2', apiToken: 'user:2-new' };
	const old = CREDENTIALS.apiToken;
	const isNew = (token: string): Served => (token === old ? { statusCode: 401 } : {});

	/** The second call, after the change. */
	async function calledTwice(
		serve: (token: string, url: string) => Served,
		credential: IDataObject,
	) {
		const parts = workflow(serve);
		await connect(parts.call());
		nowMs += 1_000;
		parts.now.credential = credential;
		return { ...parts, api: await connect(parts.call()) };
	}

	test.each<[string, Served]>([
		['refuses it', { statusCode: 401 }],
		['does not know the task of another user', { statusCode: 404 }],
		['cannot be reached at the old address', Object.assign(new Error(), { code: 'ECONNREFUSED' })],
	])('is read anew where the API %s, and the API is asked again', async (_name, answer) => {
		const serve = (token: string) => (token === old ? answer : {});
		const { api, now, asked, call } = await calledTwice(serve, changed);
		const results = await Promise.all([api.getTask('1'), api.getTask('2')]);
		expect(results).toMatchObject([{ status: 200 }, { status: 200 }]);
		expect(asked).toEqual([
			`${old} ${LOCAL}/v1/kling/tasks/1`,
			`${old} ${LOCAL}/v1/kling/tasks/2`,
			`${changed.apiToken} ${changed.baseUrl}/v1/kling/tasks/1`,
			`${changed.apiToken} ${changed.baseUrl}/v1/kling/tasks/2`,
		]);
		await (await connect(call())).getTask('3');
		expect(asked.at(-1)).toBe(`${changed.apiToken} ${changed.baseUrl}/v1/kling/tasks/3`);
		expect(now.reads).toBe(2);
	});

	test('also where one of two answers comes after the new one was read', async () => {
		const later = nowMs + 500;
		const serve = (token: string, url: string): Served => {
			if (token !== old) return {};
			if (url.endsWith('2')) return { statusCode: 401, body: Readable.from(slowly()) };
			return { statusCode: 401 };
		};
		async function* slowly() {
			while (nowMs < later) await setImmediate();
			yield '{}';
		}
		const { api, now } = await calledTwice(serve, changed);
		const slow = api.getTask('2');
		expect(await api.getTask('1')).toMatchObject({ status: 200 });
		nowMs = later + 1_000;
		expect(await slow).toMatchObject({ status: 200 });
		expect(now.reads).toBe(2);
	});

	test('the API is not asked again with the same', async () => {
		const { api, asked } = await calledTwice(() => ({ statusCode: 500 }), { ...CREDENTIALS });
		expect(await api.getTask('1')).toMatchObject({ status: 500 });
		expect(asked).toHaveLength(1);
	});

	test('nor is it read anew where the API answers well', async () => {
		const { api, now } = await calledTwice(() => ({}), changed);
		expect(await api.getTask('1')).toMatchObject({ status: 200 });
		expect(now.reads).toBe(1);
	});

	test('nor, by the same call, what that call has read itself; the next one does', async () => {
		const { call, now, asked } = workflow(isNew);
		const api = await connect(call());
		expect(await api.getTask('1')).toMatchObject({ status: 401 });
		expect(now.reads).toBe(1);
		now.credential = changed;
		expect(await (await connect(call())).getTask('1')).toMatchObject({ status: 200 });
		expect(asked).toHaveLength(2);
	});
});

import { Workflow, type INode, type INodeTypes } from 'n8n-workflow';

import { UseApiNetApi } from '../../../credentials/UseApiNetApi.credentials.ts';
import { connect } from '../../../nodes/Kling/transport/client.ts';
import { normalizeBaseUrl } from '../../../nodes/Kling/transport/credential.ts';
import { n8nWith } from '../../support/fakes.mts';

/** The credential's test call strips the address by an expression, the node by a function: both must agree. */
test.each([
	['https://api.useapi.net', 'https://api.useapi.net'],
	['https://api.useapi.net/', 'https://api.useapi.net'],
	['https://api.useapi.net/v1', 'https://api.useapi.net'],
	['https://api.useapi.net/v1/ ', 'https://api.useapi.net'],
	[' http://127.0.0.1:4010//', 'http://127.0.0.1:4010'],
	['https://proxy.example/kling', 'https://proxy.example/kling'],
])('%j', (configured, expected) => {
	expect(normalizeBaseUrl(configured)).toBe(expected);
	expect(tested(configured)).toBe(expected);
});

test.each([
	['http://api.useapi.example', 'https://api.useapi.example'],
	['http://172.200.0.1', 'https://172.200.0.1'],
	['http://10.example.com:80/kling', 'https://10.example.com:80/kling'],
	['http://localhost.example.com', 'https://localhost.example.com'],
	['http://user:x@example.com', 'https://user:x@example.com'],
	['http://user:1@example.com/', 'https://user:1@example.com'],
	['http://10.1@example.com', 'https://10.1@example.com'],
	['http://[::1]@example.com', 'https://[::1]@example.com'],
	['http://localhost:4010', 'http://localhost:4010'],
	['http://sandbox', 'http://sandbox'],
	['http://[::1]:4010', 'http://[::1]:4010'],
	['http://10.0.0.1', 'http://10.0.0.1'],
	['http://192.168.0.1/kling', 'http://192.168.0.1/kling'],
	['http://172.16.0.1:80', 'http://172.16.0.1:80'],
	['http://172.31.0.1', 'http://172.31.0.1'],
])('the test call takes the token through the internet encrypted: %j', (configured, expected) => {
	expect(tested(configured)).toBe(expected);
});

test('nor does a call of the node, which is refused before anything is sent', async () => {
	const asked: unknown[] = [];
	const serve = (options: unknown) => {
		asked.push(options);
		return {};
	};
	const connectTo = async (baseUrl: string) =>
		await connect(n8nWith({ credentials: { baseUrl, apiToken: 'user:1' }, serve }));
	await expect(connectTo('http://api.useapi.example')).rejects.toMatchObject({
		message: "'Base URL' must start with https://",
		description: expect.stringMatching(/unencrypted.*Nothing was sent/),
	});
	expect(asked).toEqual([]);
	expect((await connectTo('http://127.0.0.1:4010')).baseUrl).toBe('http://127.0.0.1:4010');
});

/** The address that n8n makes of the credential's test call. */
function tested(baseUrl: string) {
	const { baseURL } = new UseApiNetApi().test.request;
	const { expression } = new Workflow({
		nodes: [],
		connections: {},
		active: false,
		nodeTypes: {} as INodeTypes,
	});
	return expression.getSimpleParameterValue({} as INode, baseURL, 'internal', {
		$credentials: { baseUrl } as never,
	});
}

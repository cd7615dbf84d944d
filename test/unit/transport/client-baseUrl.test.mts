import { Workflow, type INode, type INodeTypes } from 'n8n-workflow';

import { UseApiNetApi } from '../../../credentials/UseApiNetApi.credentials.ts';
import { normalizeBaseUrl } from '../../../nodes/Kling/transport/client.ts';

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
	const { baseURL } = new UseApiNetApi().test.request;
	const { expression } = new Workflow({
		nodes: [],
		connections: {},
		active: false,
		nodeTypes: {} as INodeTypes,
	});
	expect(
		expression.getSimpleParameterValue({} as INode, baseURL, 'internal', {
			$credentials: { baseUrl: configured } as never,
		}),
	).toBe(expected);
});

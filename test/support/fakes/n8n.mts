import { Readable } from 'node:stream';

import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	INode,
	IWebhookFunctions,
} from 'n8n-workflow';

import { Cancellation } from '../../../nodes/Kling/runtime/cancellation.ts';
import type { Context, NodeFunctions } from '../../../nodes/Kling/runtime/context.ts';
import { Semaphore } from '../../../nodes/Kling/runtime/semaphore.ts';
import type { KlingApi } from '../../../nodes/Kling/transport/client.ts';
import { CREDENTIAL } from '../../../nodes/Kling/transport/credential.ts';

/** n8n as a node sees it, and what one call of the node shares. */

export const LOCAL = 'http://127.0.0.1:1';
export const CREDENTIALS = { baseUrl: LOCAL, apiToken: 'user:1-token' };

export const nodeOf = (changes: Partial<INode> = {}) =>
	({
		id: 'node',
		name: 'Kling',
		type: 'kling',
		credentials: { [CREDENTIAL]: { id: '1', name: 'useapi.net' } },
		...changes,
	}) as INode;

interface Answer {
	statusCode?: number;
	headers?: object;
	text?: string;
	body?: Readable;
}
/** What a server answers; an error breaks the connection. */
export type Served = Error | Answer;

interface Parts {
	node?: Partial<INode>;
	/** The node's fields; those that are missing come out as what the node falls back to. */
	parameters?: Record<string, unknown>;
	credentials?: IDataObject;
	/** All requests, with the credential and without. */
	serve?: (options: IHttpRequestOptions, credential?: string) => Served;
	/** What becomes of a file. */
	store?: (file: Readable, fileName: string, mimeType: string) => Promise<object>;
	log?: string[];
}

/** Only pickers have a value within their value. */
const PICKERS = ['taskId', 'workId', 'account'];

/** @param more what is not usual */
export function n8nWith<F = IExecuteFunctions>(parts: Parts = {}, more: object = {}): F {
	const {
		node,
		parameters = {},
		credentials,
		serve = (): Served => ({}),
		store = keep,
		log = [],
	} = parts;
	const request = async (options: IHttpRequestOptions, credential?: string) => {
		const served = serve(options, credential);
		if (served instanceof Error) throw served;
		const answer: Answer = served;
		const { statusCode = 200, headers = {}, text = '{}', body = Readable.from([text]) } = answer;
		return { statusCode, headers, body };
	};
	return {
		getNode: () => nodeOf(node),
		getNodeParameter(name: string, ...rest: unknown[]) {
			// While the node runs the number of the item comes first.
			const [fallback, options] = typeof rest[0] === 'number' ? rest.slice(1) : rest;
			expect(options).toEqual(PICKERS.includes(name) ? { extractValue: true } : undefined);
			return name in parameters ? parameters[name] : fallback;
		},
		getCredentials: async () => ({ ...CREDENTIALS, ...credentials }),
		logger: {
			info: (line: string) => log.push(`info: ${line}`),
			warn: (line: string) => log.push(`warn: ${line}`),
		},
		helpers: {
			httpRequest: async (options: IHttpRequestOptions) => await request(options),
			httpRequestWithAuthentication: async (credential: string, options: IHttpRequestOptions) =>
				await request(options, credential),
			prepareBinaryData: store,
		},
		...more,
	} as F;
}

/** n8n when it hands over a call: the request as it came, and what n8n has made of its body. */
export const calledWith = (request: object, parsed?: unknown): IWebhookFunctions =>
	n8nWith({}, { getRequestObject: () => request, getBodyData: () => parsed });

async function keep(file: Readable, fileName: string, mimeType: string) {
	const data = Buffer.concat(await file.toArray()).toString('base64');
	return { fileName, mimeType, data };
}

export function contextOf<F extends NodeFunctions = IExecuteFunctions>(
	api: Partial<KlingApi>,
	n8n: Partial<F> = {},
	cancellation = new Cancellation(nodeOf()),
): Context<F> {
	return {
		n8n: n8n as F,
		node: n8n.getNode?.() ?? nodeOf(),
		api: api as KlingApi,
		cancellation,
		downloads: new Semaphore(cancellation, 4),
		hints: new Set(),
	};
}

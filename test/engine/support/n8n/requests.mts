import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, finished } from 'node:stream';

import { begin, real } from './clock.mts';

/** n8n's requests in virtual time: they take none, but run into their time limits. */

export interface AxiosConfig {
	method?: string;
	url?: string;
	params?: Record<string, string>;
	headers?: Record<string, unknown>;
	data?: unknown;
	signal?: AbortSignal;
	timeout?: number;
}
type Adapter = (config: AxiosConfig) => Promise<{ data: unknown }>;

/** The copy that n8n-core sends its requests with; early versions have it themselves. */
export const axios = loadAxios();
function loadAxios() {
	const n8nCore = dirname(require.resolve('n8n-core'));
	const manifest = readFileSync(join(n8nCore, '../package.json'), 'utf8');
	const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> };
	const sender = '@n8n/backend-network';
	const paths = [
		sender in dependencies ? dirname(require.resolve(sender, { paths: [n8nCore] })) : n8nCore,
	];
	return require(require.resolve('axios', { paths })) as {
		defaults: { adapter: unknown };
		getUri(config: AxiosConfig): string;
		getAdapter(adapter: unknown): Adapter;
		AxiosError: new (message: string, code: string, config: AxiosConfig) => Error;
	};
}

const overNetwork = axios.getAdapter(axios.defaults.adapter);

axios.defaults.adapter = async (config: AxiosConfig) => {
	const end = begin();
	try {
		const response = await withinLimit(config);
		if (response.data instanceof Readable) finished(response.data, end);
		else end();
		return response;
	} catch (error) {
		end();
		throw error;
	}
};

/** Axios has its time limits from sockets, which know no virtual time. */
async function withinLimit(config: AxiosConfig): Promise<{ data: unknown }> {
	const { timeout, signal } = config;
	if (!timeout) return await overNetwork(config);
	const limit = new AbortController();
	const signals = signal ? [signal, limit.signal] : [limit.signal];
	let timer: NodeJS.Timeout;
	const isOver = new Promise<never>((_, reject) => {
		timer = setTimeout(() => {
			reject(new axios.AxiosError(`timeout of ${timeout}ms exceeded`, 'ECONNABORTED', config));
			limit.abort();
		}, timeout);
	});
	const answer = overNetwork({ ...config, timeout: 0, signal: AbortSignal.any(signals) });
	return await Promise.race([answer, isOver]).finally(() => clearTimeout(timer));
}

/** The tests' own requests take no time either. */
const { fetch } = globalThis;
globalThis.fetch = async (...request) =>
	await real(async () => {
		const response = await fetch(...request);
		return new Response(await response.arrayBuffer(), response);
	});

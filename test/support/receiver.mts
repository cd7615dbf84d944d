import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseJson } from '../../nodes/Kling/transport/json.ts';

/** A server that a replyUrl may point to. */

const MOST_BYTES = 1_000_000;

export interface Received {
	/** Epoch ms. */
	atMs: number;
	method?: string;
	contentType?: string;
	/** `undefined` for what is not JSON. */
	body: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

/** @param port a free one, unless told otherwise */
export async function startReceiver({ delayMs = 0, port = 0 } = {}) {
	const received: Received[] = [];
	const server = createServer(async (request: IncomingMessage, response) => {
		const { method, headers } = request;
		const atMs = Date.now();
		let text = '';
		for await (const chunk of request.setEncoding('utf8')) {
			text += chunk;
			if (text.length > MOST_BYTES) return void request.destroy();
		}
		received.push({ atMs, method, contentType: headers['content-type'], body: parseJson(text) });
		setTimeout(() => response.end('ok'), delayMs);
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, '127.0.0.1', resolve);
	});
	const { port: listening } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${listening}/hook`,
		received,
		close: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

// Listens for callbacks while the upscale runs. A tunnel of the user's brings them here from the internet.
import { createServer } from 'node:http';
import { parseJson } from '../../nodes/Kling/transport/json.ts';
import { UserError } from '../../tools/terminal.mts';
import type { Callback } from './seen.mts';

const HOST = '127.0.0.1';
/** Anybody can call; no task is that long. */
const MOST_BYTES = 1_000_000;

export interface Receiver {
	received: Callback[];
	close(): Promise<void>;
}

export async function startReceiver(port: number): Promise<Receiver> {
	const received: Callback[] = [];
	const server = createServer(async (request, response) => {
		const callback: Callback = {
			atMs: Date.now(),
			method: request.method ?? '',
			contentType: request.headers['content-type'] ?? '',
			body: undefined,
		};
		const chunks: Buffer[] = [];
		let bytes = 0;
		for await (const chunk of request as AsyncIterable<Buffer>) {
			bytes += chunk.length;
			if (bytes > MOST_BYTES) {
				request.destroy();
				return;
			}
			chunks.push(chunk);
		}
		callback.body = parseJson(Buffer.concat(chunks).toString());
		received.push(callback);
		response.end();
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, HOST, resolve);
	}).catch((error: NodeJS.ErrnoException) => {
		throw new UserError(
			`Port ${port} cannot be listened on (${error.code}). Choose another one with --reply-port. Nothing was sent.`,
		);
	});
	return {
		received,
		close: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

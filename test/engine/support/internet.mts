import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';

/**
 * An internet of its own for tests that need public addresses. n8n reaches it through a proxy, as it would behind a
 * company's firewall (HTTPS_PROXY), so whatever host it asks for, the question comes in here, and nothing leaves the machine.
 */

export interface Question {
	method: string;
	host: string;
	path: string;
	authorization?: string;
}

export interface Reply {
	status?: number;
	headers?: Record<string, string>;
	body?: string | Buffer;
}

export interface Internet {
	/** Every question, whoever it was for, oldest first. */
	questions: Question[];
	/** Every host that a way was opened to, also where no question followed. */
	hosts: string[];
	close(): Promise<void>;
}

const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'];

export async function openInternet(answer: (question: Question) => Reply): Promise<Internet> {
	const questions: Question[] = [];
	const hosts: string[] = [];
	const sockets = new Set<Socket>();
	const reply = (request: IncomingMessage, response: import('node:http').ServerResponse) => {
		const { host = '', authorization } = request.headers;
		// A plain http request tells its proxy the whole address.
		const { pathname, search } = new URL(request.url ?? '', 'http://any');
		const question = { method: request.method ?? '', host, path: pathname + search, authorization };
		questions.push(question);
		const { status = 200, headers = {}, body = '' } = answer(question);
		request.resume().on('end', () => response.writeHead(status, headers).end(body));
	};
	const pem = readFileSync(join(import.meta.dirname, '../../fixtures/self-signed.pem'));
	const secure = createHttpsServer({ key: pem, cert: pem }, reply);
	const proxy = createHttpServer((request, response) => {
		hosts.push(new URL(request.url ?? '').hostname);
		reply(request, response);
	});
	proxy.on('connection', (socket) => void sockets.add(socket));
	proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
		hosts.push((request.url ?? '').replace(/:\d+$/, ''));
		socket.on('error', () => {});
		socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
		secure.emit('connection', socket);
	});
	const url = await listen(proxy);
	const restore = [useProxy(url), trust(pem)];
	return {
		questions,
		hosts,
		async close() {
			restore.splice(0).forEach((undo) => undo());
			sockets.forEach((socket) => socket.destroy());
			await new Promise((resolve) => proxy.close(resolve));
		},
	};
}

async function listen(server: Server): Promise<string> {
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function useProxy(url: string): () => void {
	const before = PROXY_VARIABLES.map((name) => [name, process.env[name]] as const);
	PROXY_VARIABLES.forEach((name) => (process.env[name] = url));
	return () => {
		for (const [name, value] of before) {
			if (value === undefined) delete process.env[name];
			else process.env[name] = value;
		}
	};
}

/** Node takes further authorities only at its start, so each secure context is given this one as it is made. */
function trust(certificate: Buffer): () => void {
	const tls = require('node:tls') as typeof import('node:tls');
	const { createSecureContext } = tls;
	tls.createSecureContext = (options) => {
		const context = createSecureContext(options);
		(context.context as { addCACert(pem: Buffer): void }).addCACert(certificate);
		return context;
	};
	return () => {
		tls.createSecureContext = createSecureContext;
	};
}

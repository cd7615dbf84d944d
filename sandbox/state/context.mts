import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Faults, ServerName } from '../faults.mts';
import type { SandboxAccount, Settings } from '../options.mts';
import type { Balances } from './balances.mts';
import type { Callbacks } from './callbacks.mts';
import type { Files } from './files.mts';
import type { TaskStore } from './tasks.mts';

/** What the routes of both servers share. */

/** A long session of polling should not fill the memory. */
const MOST_REQUESTS = 20_000;

export interface RecordedRequest {
	server: ServerName;
	/** Epoch milliseconds. */
	at: number;
	method: string;
	/** Without the query. */
	path: string;
	query: Record<string, string>;
	headers: IncomingHttpHeaders;
	/** As parsed: an object for JSON and for a form. Of an uploaded file only `{ bytes, sha256 }`. */
	body: unknown;
}

export interface Context {
	settings: Settings;
	tasks: TaskStore;
	files: Files;
	balances: Balances;
	callbacks: Callbacks;
	faults: Faults;
	requests: RecordedRequest[];
	/** Known once the CDN listens. */
	cdnUrl: string;
}

/** An answer that is not 200, thrown from wherever the reason is found. */
export class ApiError extends Error {
	constructor(
		readonly status: number,
		readonly body: { error: string; message?: string; code?: number },
	) {
		super(body.error);
	}
}

/** A text that stands for an id, or a 400. */
export function readId(value: unknown, name: string): bigint {
	if (!/^\d{1,30}$/.test(String(value))) {
		throw new ApiError(400, { error: `${name} must be a number` });
	}
	return BigInt(String(value));
}

/** The Kling account a call is about: `email` may be left out while there is only one. */
export function accountFor({ settings }: Context, email: unknown): SandboxAccount {
	const { accounts } = settings;
	if (accounts.length === 0) throw new ApiError(404, { error: 'Configuration not found' });
	if (!email) {
		if (accounts.length === 1) return accounts[0];
		throw new ApiError(400, { error: 'email is required when several accounts are configured' });
	}
	const account = accounts.find((candidate) => candidate.email === email);
	if (!account) throw new ApiError(404, { error: `Account ${String(email)} not found` });
	return account;
}

export function recordRequests(app: FastifyInstance, server: ServerName, context: Context) {
	app.addHook('preHandler', async (request) => {
		const path = request.url.split('?')[0];
		if (path.startsWith('/_sandbox/')) return;
		const query = { ...(request.query as Record<string, string>) };
		const { method, headers } = request;
		const body = Buffer.isBuffer(request.body) ? summary(request.body) : request.body;
		context.requests.push({ server, at: Date.now(), method, path, query, headers, body });
		if (context.requests.length > MOST_REQUESTS) context.requests.shift();
	});
}

function summary(file: Buffer) {
	return { bytes: file.length, sha256: createHash('sha256').update(file).digest('hex') };
}

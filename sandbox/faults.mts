import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { toJson } from './routes/models.mts';

/** Things that go wrong on demand: a fault waits for a request that fits it, and spoils that one. */

/** Bytes already written must leave before the socket is cut. */
const CUT_AFTER_MS = 25;
/** Longer than anybody waits. */
const SILENCE_MS = 3_600_000;
/** How a picture and a list begin that have no end. */
const ENDLESS = {
	api: { begin: '{"history":[', more: '{"works":[]},'.repeat(5_000) },
	cdn: { begin: Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), more: Buffer.alloc(64 * 1024) },
};
const HTML_PAGE = '<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>';

const KINDS = [
	'status',
	'delay',
	'resetBefore',
	'resetAfter',
	'truncate',
	'stall',
	'endless',
	'html',
	'empty',
	'redirect',
	'json',
] as const;

export type ServerName = 'api' | 'cdn';

export interface Fault {
	kind: (typeof KINDS)[number];
	/** Default: any. */
	method?: string;
	/** How the path begins, or a regular expression for it (without the query). Default: any. */
	path?: string;
	/** How many requests it spoils. Default 1. */
	times?: number;
	/** Default `api`. */
	server?: ServerName;
	/** For status, html, empty, redirect and json. */
	status?: number;
	/** Sent with the spoiled answer; `location` for a redirect. */
	headers?: Record<string, string>;
	/** Text is sent as it is, anything else as JSON. */
	body?: unknown;
	/** Waits this long first; all that a `delay` does. */
	delayMs?: number;
	/** true: the request takes effect, and only then is its answer held up or replaced. */
	after?: boolean;
}

declare module 'fastify' {
	interface FastifyRequest {
		fault?: Fault;
	}
}

export class Faults {
	private waiting: Array<{ fault: Fault; left: number; path?: RegExp }> = [];
	private closing = new AbortController();
	/** How many answers are kept back right now, of callers that are still there. */
	keptBack = 0;

	constructor() {
		// Many requests may be held up at once.
		setMaxListeners(0, this.closing.signal);
	}

	/** Throws when the fault makes no sense. */
	add(fault: Fault) {
		if (!KINDS.includes(fault?.kind)) throw new Error(`kind must be one of ${KINDS.join(', ')}`);
		const path = fault.path === undefined ? undefined : new RegExp(fault.path);
		this.waiting.push({ fault, left: fault.times ?? 1, path });
	}

	clear() {
		this.waiting = [];
	}

	list() {
		return this.waiting.map(({ fault, left }) => ({ ...fault, times: left }));
	}

	take(server: ServerName, method: string, path: string): Fault | undefined {
		const found = this.waiting.find(
			(entry) =>
				server === (entry.fault.server ?? 'api') &&
				(!entry.fault.method || entry.fault.method.toUpperCase() === method) &&
				(!entry.path || path.startsWith(entry.fault.path!) || entry.path.test(path)),
		);
		if (!found) return undefined;
		found.left -= 1;
		if (found.left <= 0) this.waiting.splice(this.waiting.indexOf(found), 1);
		return found.fault;
	}

	/** false when the sandbox closed meanwhile: the held-up request then takes no effect. */
	async wait({ raw }: FastifyReply, delayMs = 0): Promise<boolean> {
		const { signal } = this.closing;
		if (delayMs <= 0 || signal.aborted) return !signal.aborted;
		let isKept = true;
		const giveBack = () => {
			if (isKept) this.keptBack--;
			isKept = false;
		};
		this.keptBack++;
		raw.once('close', giveBack);
		await new Promise<void>((resolve) => {
			const timer = setTimeout(resolve, delayMs);
			signal.addEventListener('abort', () => {
				clearTimeout(timer);
				resolve();
			});
		});
		giveBack();
		return !signal.aborted;
	}

	close() {
		this.closing.abort();
	}
}

export function installFaults(
	app: FastifyInstance,
	server: ServerName,
	faults: Faults,
	redirectTo: () => string,
) {
	app.addHook('preHandler', async (request, reply) => {
		const path = request.url.split('?')[0];
		if (path.startsWith('/_sandbox/')) return undefined;
		const fault = faults.take(server, request.method, path);
		if (!fault) return undefined;
		request.fault = fault;
		const open = fault.after || (await faults.wait(reply, fault.delayMs));
		if (!open || fault.kind === 'resetBefore') {
			request.raw.socket.destroy();
			return reply.hijack();
		}
		if (fault.after || !replaces(fault)) return undefined;
		return reply.send(spoil(reply, fault, redirectTo()));
	});

	app.addHook('onSend', async (request, reply, payload) => {
		const { fault } = request;
		if (!fault) return payload;
		if (fault.after) await faults.wait(reply, fault.delayMs);
		if (fault.after && replaces(fault)) return spoil(reply, fault, redirectTo());
		if (fault.kind === 'resetAfter') request.raw.socket.destroy();
		if (fault.kind === 'truncate' || fault.kind === 'stall') {
			const silence = async () =>
				await faults.wait(reply, fault.kind === 'stall' ? SILENCE_MS : CUT_AFTER_MS);
			const whole = payload instanceof Readable ? await buffer(payload) : (payload ?? '');
			return cut(reply, Buffer.from(whole as string), silence);
		}
		if (fault.kind === 'endless') {
			reply.removeHeader('content-length');
			return Readable.from(endlessly(server));
		}
		return payload;
	});
}

function replaces({ kind }: Fault) {
	return ['status', 'html', 'empty', 'redirect', 'json'].includes(kind);
}

/** Sets the spoiled answer's status and headers; returns its body. */
function spoil(reply: FastifyReply, fault: Fault, location: string): string {
	const { kind, headers = {} } = fault;
	const status = fault.status ?? { status: 500, redirect: 302 }[kind as string] ?? 200;
	reply.removeHeader('content-length').code(status);
	if (kind === 'redirect') reply.header('location', location);
	const text = kind === 'html' || typeof fault.body === 'string';
	reply.type(kind === 'html' ? 'text/html' : 'application/json').headers(headers);
	if (kind === 'empty' || kind === 'redirect') return '';
	if (text) return String(fault.body ?? HTML_PAGE);
	return toJson(fault.body ?? { error: `Fault on demand: ${status}`, code: status });
}

function* endlessly(server: ServerName) {
	const { begin, more } = ENDLESS[server];
	yield begin;
	for (;;) yield more;
}

/** Half the body under the whole body's Content-Length, then nothing for a while, then the end of the connection. */
function cut(reply: FastifyReply, whole: Buffer, silence: () => Promise<unknown>) {
	reply.header('content-length', whole.length);
	async function* half() {
		yield whole.subarray(0, Math.floor(whole.length / 2));
		await silence();
		reply.raw.destroy();
	}
	return Readable.from(half());
}

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'flatted';
import type { IDataObject } from 'n8n-workflow';

import type { Fault } from '../../../sandbox/faults.mts';
import type { SandboxOptions } from '../../../sandbox/options.mts';
import type { EngineRun } from './n8n/engine.mts';
import { faults, type FaultName } from './faults.mts';
import { bench, images, TASK_ID, WORK_ID } from './kling.mts';

/** A sandbox with one call of the API spoiled, and what is seen of a run on n8n's own engine. */

/** A fault, and whether it stays. */
export interface Trial {
	fault: FaultName;
	lasting: boolean;
}

/** What the user, the API and n8n's database have of it. */
export interface Seen {
	/** How often the call in question reached the API. */
	asked: number;
	posts: number;
	/** Requests where a redirect points. */
	strayed: number;
	/** All there should be is there. */
	isGood: boolean;
	/** IDs in what came out. */
	ids: string[];
	told?: string;
	hints: string[];
	isWaiting: boolean;
	/** What a caller of the suspended execution was answered. */
	callerTold?: number;
	/** All that n8n keeps of it, as text. */
	kept: string;
}

export const BIG_TASK_ID = '9007199254740993';
export const BIG_WORK_ID = '9007199254740995';
export const ALWAYS = 99;
export const STRAY = '/redirected';
/** Images beside the one that it is about. */
export const others = images(2);

export type Where = Pick<Fault, 'method' | 'path' | 'server'>;

/** The API with one call spoiled. */
export async function stage({ fault, lasting }: Trial, where: Where, options: SandboxOptions = {}) {
	const bigIds = fault === 'bigIds';
	const kling = await bench({
		jobMs: 100,
		callbacks: 'none',
		seeds: [
			...others.seeds,
			...(bigIds ? [{ taskId: BIG_TASK_ID.replace(/3$/, '1'), workId: BIG_WORK_ID }] : []),
		],
		...(bigIds && { firstTaskId: BIG_TASK_ID }),
		...options,
	});
	const spoil = () => {
		const { fault: kind } = faults[fault];
		if (kind) kling.addFault({ ...where, ...kind, times: lasting ? ALWAYS : 1 });
	};
	const asked = () =>
		kling.sandbox.requests.filter(
			({ server, method, path }) =>
				server === (where.server ?? 'api') &&
				method === where.method &&
				(path.startsWith(where.path!) || new RegExp(where.path!).test(path)),
		).length;
	const source = bigIds
		? { taskId: BIG_TASK_ID.replace(/3$/, '1'), workId: BIG_WORK_ID }
		: { taskId: TASK_ID, workId: WORK_ID };
	return { ...kling, spoil, asked, source };
}

export type Stage = Awaited<ReturnType<typeof stage>>;

/** What can be seen of a run, which `isGood` judges by what came out of it. */
export function see(
	{ asked, posts, sandbox }: Stage,
	{ run, items, error, hints }: EngineRun,
	isGood: (outputs: IDataObject[], run: EngineRun) => boolean,
): Seen {
	const outputs = items('Kling').map(({ json }) => json);
	return {
		asked: asked(),
		posts: posts(),
		strayed: sandbox.requests.filter(({ path }) => path === STRAY).length,
		isGood: error === undefined && isGood(outputs, { run, items, error, hints }),
		ids: idsIn(outputs),
		told: error && `${error.message}\n${error.description}`,
		hints: hints('Kling').map(({ message }) => message),
		isWaiting: run.waitTill !== undefined,
		kept: stringify(run.data) + stringify(error ?? {}),
	};
}

export const idsIn = (value: unknown): string[] =>
	[...JSON.stringify(value).matchAll(/"(?:taskId|workId|value)":"?(\d+)/g)].map(([, id]) => id);
export const succeeded = (outputs: IDataObject[]) =>
	outputs.length > 0 && outputs.every(({ status }) => status === 'succeed');
export const withFiles = (outputs: IDataObject[], { items }: EngineRun) =>
	succeeded(outputs) && items('Kling').every(({ binary }) => binary?.data.mimeType === 'image/png');

/** A server whose certificate nobody trusts, in place of the API. */
export async function withTls<T>(
	use: (url: string, connections: () => number) => Promise<T>,
): Promise<T> {
	const pem = readFileSync(join(import.meta.dirname, '../../fixtures/self-signed.pem'));
	const server = createServer({ key: pem, cert: pem }, (_request, response) => response.end('{}'));
	let connections = 0;
	server.on('connection', () => connections++);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	try {
		const { port } = server.address() as AddressInfo;
		return await use(`https://127.0.0.1:${port}`, () => connections);
	} finally {
		server.closeAllConnections();
		server.close();
	}
}

/** Runs with the API's address changed to that of a server nobody trusts, where that is the fault. */
export async function behindTls(
	kling: Stage,
	{ fault }: Trial,
	use: () => Promise<Seen>,
): Promise<Seen> {
	if (fault !== 'tls') return await use();
	return await withTls(async (url, connections) => {
		kling.credentials.baseUrl = url;
		const seen = await use();
		return { ...seen, asked: connections() };
	});
}

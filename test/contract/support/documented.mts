import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLED_PICTURES } from '../../../sandbox/options.mts';
import { startSandbox } from '../../../sandbox/server.mts';
import type { Sandbox, SandboxOptions } from '../../../sandbox/server.mts';
import { kind } from './shapes.mts';

export { startReceiver } from '../../support/receiver.mts';
export { misfits } from './shapes.mts';

/** What the contract tests share: a sandbox with the documents' ids, and ways to ask and to compare. */

export const DEADLINE_MS = 8_000;
const POLL_MS = 20;
export const EMAIL = 'artist@example.com';
export const TASK = '123456789';
export const WORK = '987654321';
export const PROMPT = 'Portrait of a woman with blue eyes';
export const LIGHTHOUSE = join(BUNDLED_PICTURES, 'lighthouse.jpg');
export const SOURCE = { task_id: TASK, workId: WORK };

export type Json = any; // eslint-disable-line @typescript-eslint/no-explicit-any

/** A sandbox that has the documents' task and work, and short jobs. */
export async function startDocumented(options: SandboxOptions = {}): Promise<Sandbox> {
	const documented = { taskId: TASK, workId: WORK, prompt: PROMPT, picture: 'lighthouse.jpg' };
	return await startSandbox({
		jobMs: 200,
		...options,
		seeds: [documented, ...(options.seeds ?? [])],
	});
}

export interface Answer {
	status: number;
	headers: Headers;
	text: string;
	body: Json;
}

export async function call(
	sandbox: Sandbox,
	path: string,
	init: RequestInit = {},
): Promise<Answer> {
	const headers = { authorization: `Bearer ${sandbox.token}`, ...init.headers };
	const response = await fetch(sandbox.url + path, { ...init, headers, redirect: 'manual' });
	const text = await response.text();
	let body: Json;
	try {
		body = JSON.parse(text);
	} catch {
		body = undefined;
	}
	return { status: response.status, headers: response.headers, text, body };
}

async function post(sandbox: Sandbox, path: string, body: Json): Promise<Answer> {
	const headers = { 'content-type': 'application/json' };
	return await call(sandbox, path, { method: 'POST', headers, body: JSON.stringify(body) });
}

export const upscale = async (sandbox: Sandbox, body: Json = SOURCE): Promise<Answer> =>
	await post(sandbox, '/v1/kling/images/upscale', body);

export const enhance = async (sandbox: Sandbox, body: Json): Promise<Answer> =>
	await post(sandbox, '/v1/kling/images/enhance', body);

/** The lighthouse, unless told otherwise. */
export async function upload(
	sandbox: Sandbox,
	{ body = readFileSync(LIGHTHOUSE), type = 'image/jpeg', email = '' } = {},
): Promise<Answer> {
	const query = email && `?email=${encodeURIComponent(email)}`;
	const headers = { 'content-type': type };
	return await call(sandbox, `/v1/kling/assets/${query}`, { method: 'POST', headers, body });
}

export async function getTask(sandbox: Sandbox, id: unknown): Promise<Json> {
	return (await call(sandbox, `/v1/kling/tasks/${id}`)).body;
}

/** Asks again until there is an answer, or fails at the deadline. */
export async function until<T>(ask: () => Promise<T | undefined | false> | T | undefined | false) {
	const deadline = Date.now() + DEADLINE_MS;
	for (;;) {
		const found = await ask();
		if (found) return found;
		if (Date.now() > deadline) throw new Error(`Nothing within ${DEADLINE_MS} ms`);
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
}

export async function finished(sandbox: Sandbox, id: unknown): Promise<Json> {
	return await until(async () => {
		const model = await getTask(sandbox, id);
		return model.status_final && model;
	});
}

/** undefined, or why a test that needs this tool cannot run here. */
export function missing(tool: string): string | undefined {
	return spawnSync(tool, ['--version']).error ? `${tool} is not on this machine` : undefined;
}

/** Runs a tool without holding up the sandbox in this same process; returns what it printed. */
export async function run(tool: string, args: string[], input = ''): Promise<string> {
	return await new Promise((resolve, reject) => {
		const child = execFile(tool, args, { timeout: DEADLINE_MS }, (error, stdout) =>
			error ? reject(error) : resolve(stdout),
		);
		child.stdin?.end(input);
	});
}

/** Every field in which an answer is not as documented; for paths in `mayDiffer` only the type counts. */
export function differences(
	actual: Json,
	documented: Json,
	mayDiffer: string[] = [],
	path = '',
): string[] {
	if (kind(actual) !== kind(documented)) {
		return [`${path}: ${kind(actual)} instead of ${kind(documented)}`];
	}
	if (mayDiffer.includes(path)) return [];
	if (kind(documented) !== 'object' && kind(documented) !== 'array') {
		return actual === documented ? [] : [`${path}: ${actual} instead of ${documented}`];
	}
	const fields = [...new Set([...Object.keys(documented), ...Object.keys(actual)])];
	return fields.flatMap((field) => {
		const below = path ? `${path}.${field}` : field;
		if (!(field in actual)) return [`${below}: missing`];
		if (!(field in documented)) return [`${below}: not documented`];
		return differences(actual[field], documented[field], mayDiffer, below);
	});
}

// Calls of a resume URL by somebody who is not useapi.net.
import { eachOf, type Job } from './jobs.mts';

const CALLS_AT_ONCE = 20;
const ANSWER_LIMIT_MS = 60_000;
const MB = 1024 * 1024;

export interface Forgery {
	kind: string;
	method: string;
	url: string;
	contentType?: string;
	body?: string;
}

export interface Answered {
	kind: string;
	/** n8n's HTTP status, or that the connection broke before one. */
	answer: string;
}

/** What useapi.net would send about a finished task, as far as anybody can know it. */
const model = (taskId: string, changes: object = {}) => {
	const status = { status: 99, status_name: 'succeed', status_final: true };
	const image = { resource: 'https://forged.example/image.png', width: 1, height: 1 };
	const id = Number(taskId);
	return {
		task: { id, ...status },
		works: [{ workId: id + 1, taskId: id, ...status, resource: image, cover: image }],
		...status,
		message: 'success',
		...changes,
	};
};
const failed = { status: 6, status_name: 'failed', status_final: true, error: 'Forged' };
const json = (value: unknown) => ({
	contentType: 'application/json',
	body: typeof value === 'string' ? value : JSON.stringify(value),
});
const withSearch = (url: string, search: string) => Object.assign(new URL(url), { search }).href;
const withPath = (url: string, change: (path: string) => string) => {
	const changed = new URL(url);
	changed.pathname = change(changed.pathname);
	return changed.href;
};
const UNKNOWN_TASK = '999999999';
const UNKNOWN_EXECUTION = '/webhook-waiting/99999999';

/** n8n takes 16 MB. Only once in memory. */
const TOO_LARGE = json({ message: 'x'.repeat(17 * MB) });

type Forge = (job: Job, other: Job) => Partial<Omit<Forgery, 'kind'>>;

/** By what they claim or do. Without a method a POST, without a URL the execution's own with its signature. */
const KINDS: Record<string, Forge> = {
	'own task, said to be finished': ({ taskId }) => json(model(taskId)),
	'own task, said to have failed': ({ taskId }) => json(model(taskId, failed)),
	'own task, as a form': ({ taskId }) => ({
		contentType: 'application/x-www-form-urlencoded',
		body: `task[id]=${taskId}&status_final=true&status_name=succeed`,
	}),
	'own task, as plain text': ({ taskId }) => ({
		...json(model(taskId)),
		contentType: 'text/plain',
	}),
	'own task, as a multipart form': ({ taskId }) => ({
		contentType: 'multipart/form-data; boundary=x',
		body: `--x\r\nContent-Disposition: form-data; name="status_final"\r\n\r\n${taskId}\r\n--x--\r\n`,
	}),
	'own task, no status': ({ taskId }) => json({ works: [{ taskId: Number(taskId) }] }),
	'task of another execution': (_job, other) => json(model(other.taskId)),
	'unknown task': () => json(model(UNKNOWN_TASK)),
	'no body': () => ({}),
	'empty object': () => json({}),
	array: ({ taskId }) => json([model(taskId)]),
	null: () => json('null'),
	text: ({ taskId }) => json(`"${taskId}"`),
	'nested 5,000 deep': () => json(`${'['.repeat(5_000)}${']'.repeat(5_000)}`),
	'prototype keys': ({ taskId }) =>
		json(
			`{"__proto__":{"status_final":true},"constructor":{"prototype":{}},"task":{"id":${taskId}}}`,
		),
	'broken JSON': ({ taskId }) => json(`{"task":{"id":${taskId}},"status_final":tr`),
	'broken XML': () => ({ contentType: 'application/xml', body: '<task><id>1</task>' }),
	'1 MB of JSON': ({ taskId }) => json(model(taskId, { message: 'x'.repeat(MB) })),
	'17 MB of JSON': () => TOO_LARGE,
	GET: () => ({ method: 'GET' }),
	HEAD: () => ({ method: 'HEAD' }),
	PUT: ({ taskId }) => ({ method: 'PUT', ...json(model(taskId)) }),
	PATCH: ({ taskId }) => ({ method: 'PATCH', ...json(model(taskId)) }),
	DELETE: () => ({ method: 'DELETE' }),
	'wrong signature': ({ taskId, replyUrl }) => ({
		...json(model(taskId)),
		url: withSearch(replyUrl, `?signature=${'0'.repeat(64)}`),
	}),
	'no signature': ({ taskId, replyUrl }) => ({
		...json(model(taskId)),
		url: withSearch(replyUrl, ''),
	}),
	"another execution's signature": ({ taskId, replyUrl }, other) => ({
		...json(model(taskId)),
		url: withSearch(replyUrl, new URL(other.replyUrl).search),
	}),
	'a longer path': ({ taskId, replyUrl }) => ({
		...json(model(taskId)),
		url: withPath(replyUrl, (path) => `${path}/more`),
	}),
	"n8n's form address": ({ taskId, replyUrl }) => ({
		...json(model(taskId)),
		url: withPath(replyUrl, (path) => path.replace('webhook-waiting', 'form-waiting')),
	}),
	'unknown execution': ({ taskId, replyUrl }) => ({
		...json(model(taskId)),
		url: withPath(replyUrl, () => UNKNOWN_EXECUTION),
	}),
};

/** So many forged calls: the kinds in turn, and the parked executions in turn. */
export function forge(jobs: Job[], count: number): Forgery[] {
	const kinds = Object.entries(KINDS);
	return Array.from({ length: count }, (_, place) => {
		const [kind, make] = kinds[place % kinds.length];
		// Every kind in its round meets another execution.
		const at = place + Math.floor(place / kinds.length);
		const job = jobs[at % jobs.length];
		const other = jobs[(at + 1) % jobs.length];
		return { kind, method: 'POST', url: job.replyUrl, ...make(job, other) };
	});
}

/** Sends them, some at a time. */
export const sendForged = async (forgeries: Forgery[]): Promise<Answered[]> =>
	await eachOf(forgeries, CALLS_AT_ONCE, async ({ kind, method, url, contentType, body }) => {
		try {
			const response = await fetch(url, {
				method,
				headers: contentType ? { 'content-type': contentType } : {},
				body,
				signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
			});
			await response.arrayBuffer();
			return { kind, answer: String(response.status) };
		} catch (error) {
			const { cause, name } = error as Error & { cause?: { code?: string } };
			return { kind, answer: cause?.code ?? name };
		}
	});

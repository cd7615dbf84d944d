// Speaks plain HTTP with useapi.net and notes every answer. At most one POST leaves it, whatever happens.
import { parseJson } from '../../nodes/Kling/transport/json.ts';
import type { Answer, FileAnswer, Question, Seen } from './seen.mts';

/** Twice what the node allows, to see by how much an answer is late. */
const READ_TIMEOUT_MS = 60_000;
/** As long as the node waits for a POST's answer. */
const POST_TIMEOUT_MS = 300_000;
const FIRST_BYTES = 16;

export class LiveApi {
	private posted = false;

	constructor(
		private readonly token: string,
		private readonly seen: Seen,
		/** Told of every answer as it comes. */
		private readonly onAnswer: (answer: Answer) => void,
	) {}

	/** @param token stands in for the right one */
	async get(
		question: Question,
		path: string,
		query: Record<string, string> = {},
		token = this.token,
	): Promise<Answer> {
		return await this.ask(question, 'GET', path, query, token, READ_TIMEOUT_MS);
	}

	/** A job that may have been accepted is never sent again: it would be paid twice. */
	async postOnce(question: Question, path: string, body: object): Promise<Answer> {
		if (this.posted) throw new Error('A second POST was about to be sent');
		this.posted = true;
		return await this.ask(question, 'POST', path, {}, this.token, POST_TIMEOUT_MS, body);
	}

	/** Reads the beginning of a file. Without the token: files are on another host. */
	async file(file: FileAnswer['file'], url: string): Promise<void> {
		const found: FileAnswer = {
			file,
			url,
			status: 0,
			contentType: '',
			firstBytes: new Uint8Array(),
		};
		this.seen.files.push(found);
		try {
			const response = await fetch(url, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
			found.status = response.status;
			found.contentType = response.headers.get('content-type') ?? '';
			const reader = response.body?.getReader();
			const chunk = await reader?.read();
			found.firstBytes = (chunk?.value ?? new Uint8Array()).subarray(0, FIRST_BYTES);
			await reader?.cancel();
		} catch (error) {
			found.lost = reasonOf(error);
		}
	}

	private async ask(
		question: Question,
		method: string,
		path: string,
		query: Record<string, string>,
		token: string,
		timeoutMs: number,
		body?: object,
	): Promise<Answer> {
		const atMs = Date.now();
		const answer: Answer = {
			question,
			method,
			path,
			query,
			atMs,
			tookMs: 0,
			status: 0,
			headers: new Headers(),
			text: '',
			body: undefined,
		};
		const search = new URLSearchParams(query).toString();
		try {
			const response = await fetch(`${this.seen.baseUrl}${path}${search && `?${search}`}`, {
				method,
				headers: {
					Authorization: `Bearer ${token}`,
					...(body && { 'Content-Type': 'application/json' }),
				},
				body: body && JSON.stringify(body),
				// The token is not for wherever a redirect points, and a POST must not be repeated there.
				redirect: 'manual',
				signal: AbortSignal.timeout(timeoutMs),
			});
			answer.headers = response.headers;
			answer.text = await response.text();
			answer.status = response.status;
			answer.body = parseJson(answer.text);
		} catch (error) {
			answer.lost = reasonOf(error);
		}
		answer.tookMs = Date.now() - atMs;
		this.seen.answers.push(answer);
		this.onAnswer(answer);
		return answer;
	}
}

/** fetch says "fetch failed"; what failed stands behind it. */
function reasonOf(error: unknown): string {
	const { name, cause } = error as { name?: string; cause?: { code?: string; message?: string } };
	return cause?.code ?? cause?.message ?? name ?? 'no answer';
}

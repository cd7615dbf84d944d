import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Settings } from '../options.mts';
import type { Task } from './tasks.mts';

/** Tells a task's replyUrl what happened: once, with no retry, and nobody waits for the answer. */

/** As many as requests are noted: a long session should not fill the memory. */
const MOST_NOTED = 20_000;

/** What became of one callback. */
export interface RecordedCallback {
	/** When it was sent, epoch milliseconds. */
	at: number;
	taskId: string;
	url: string;
	statusName: string;
	/** The receiver's HTTP status; absent until it answers, or when it never does. */
	answer?: number;
	/** How long that answer took, in milliseconds. */
	tookMs?: number;
	error?: string;
}

export class Callbacks {
	readonly sent: RecordedCallback[] = [];
	private closing = new AbortController();
	private underWay = new Set<Promise<void>>();

	constructor(private settings: Settings) {}

	send(task: Task, body: string) {
		if (!task.replyUrl || this.closing.signal.aborted) return;
		const noted: RecordedCallback = {
			at: Date.now(),
			taskId: String(task.id),
			url: task.replyUrl,
			statusName: task.statusName,
		};
		this.sent.push(noted);
		if (this.sent.length > MOST_NOTED) this.sent.shift();

		const deliver = this.settings.deliver ?? this.post.bind(this);
		const sending = deliver(task.replyUrl, body)
			.then((answer) => void Object.assign(noted, { answer, tookMs: Date.now() - noted.at }))
			.catch((error: Error) => void (noted.error = error.message))
			.finally(() => void this.underWay.delete(sending));
		this.underWay.add(sending);
	}

	async close() {
		this.closing.abort();
		await Promise.all(this.underWay);
	}

	/** Without a kept-alive socket, which would hold up the receiver's own shutdown. */
	private async post(url: string, body: string): Promise<number> {
		const request = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest;
		const signal = AbortSignal.any([
			this.closing.signal,
			AbortSignal.timeout(this.settings.callbackTimeoutMs),
		]);
		return await new Promise((resolve, reject) => {
			const outgoing = request(url, {
				method: 'POST',
				agent: false,
				signal,
				headers: {
					'content-type': 'application/json',
					'content-length': Buffer.byteLength(body),
					connection: 'close',
				},
			});
			outgoing.on('error', reject);
			outgoing.on('response', (response) => {
				response.resume();
				response.on('error', reject);
				response.on('end', () => resolve(response.statusCode ?? 0));
			});
			outgoing.end(body);
		});
	}
}

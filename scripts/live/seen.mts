// What was asked of the API and what it answered, kept for the assumptions to be judged by.
import { record } from '../../nodes/Kling/job/result.ts';
import { vendorText } from '../../nodes/Kling/transport/errors.ts';

const MOST_WORDS = 100;

/** Every question there is. One may be asked several times, as `poll` is. */
export type Question =
	| 'account'
	| 'wrongToken'
	| 'accounts'
	| 'tasks'
	| 'tasksPlain'
	| 'tasksOne'
	| 'tasksBefore'
	| 'tasksOlder'
	| 'tasksAfter'
	| 'tasksAfterPage'
	| 'tasksBothDates'
	| 'task'
	| 'taskWithoutEmail'
	| 'taskOfOtherAccount'
	| 'unknownTask'
	| 'unknownAccount'
	| 'scheduler'
	| 'available'
	| 'cleanFile'
	| 'upscale'
	| 'schedulerAfter'
	| 'poll';

export interface Answer {
	question: Question;
	method: string;
	/** Without the query. */
	path: string;
	query: Record<string, string>;
	/** When it was asked, epoch ms. */
	atMs: number;
	tookMs: number;
	/** HTTP status; 0 when no whole answer came. */
	status: number;
	/** Why no whole answer came. */
	lost?: string;
	headers: Headers;
	text: string;
	/** The answer as the node reads it: parsed, with ids past 2^53 as text. `undefined` when it is not JSON. */
	body: unknown;
}

export interface FileAnswer {
	/** The source image, the clean file of it, or the upscaled image. */
	file: 'source' | 'clean' | 'result';
	url: string;
	status: number;
	lost?: string;
	contentType: string;
	firstBytes: Uint8Array;
}

/** A call that came to the reply URL. */
export interface Callback {
	atMs: number;
	method: string;
	contentType: string;
	body: unknown;
}

/** The one upscale. */
export interface Spent {
	taskId: string;
	workId: string;
	/** The source's size in pixels, if the API tells it. */
	width?: number;
	height?: number;
	/** What was sent as replyRef. */
	reference: string;
	newTaskId?: string;
}

export class Seen {
	readonly answers: Answer[] = [];
	readonly files: FileAnswer[] = [];
	readonly callbacks: Callback[] = [];
	/** Emails of the connected Kling accounts. */
	accounts: string[] = [];
	spent?: Spent;

	constructor(
		readonly baseUrl: string,
		/** Where callbacks are listened for, if anywhere. */
		readonly replyUrl?: string,
	) {}

	/** The answer to a question that was asked once, if a whole one came. */
	get(question: Question): Answer | undefined {
		return this.all(question)[0];
	}

	/** Whole answers only. */
	all(question: Question): Answer[] {
		return this.answers.filter((answer) => answer.question === question && !answer.lost);
	}

	/** The body of a 200. */
	body(question: Question): Record<string, unknown> | undefined {
		const answer = this.get(question);
		return answer?.status === 200 ? record(answer.body) : undefined;
	}

	file(file: FileAnswer['file']): FileAnswer | undefined {
		return this.files.find((one) => one.file === file && !one.lost);
	}

	/** Every body that is a task, in the order they came. */
	tasks(): Array<Record<string, unknown>> {
		return this.answers
			.filter(({ status, lost }) => status === 200 && !lost)
			.map(({ body }) => record(body))
			.filter((body) => 'task' in body);
	}

	/** The upscaled task at its end. */
	finished(): Record<string, unknown> | undefined {
		return this.all('poll')
			.filter(({ status }) => status === 200)
			.map(({ body }) => record(body))
			.find((body) => body.status_final === true);
	}
}

export const records = (value: unknown): Array<Record<string, unknown>> =>
	Array.isArray(value) ? value.map(record) : [];

/** The words of a refusal; what a success holds is the user's own and is not printed. A web page has no words. */
export function wordsOf({ status, body, text }: Answer): string {
	if (status < 400) return '';
	const words = vendorText(body) ?? (/^\s*[<{[]/.test(text) ? '' : text.trim());
	return words.slice(0, MOST_WORDS);
}

/** e.g. `HTTP 404 "Task 1 not found"` */
export function told(answer: Answer): string {
	const words = wordsOf(answer);
	return `HTTP ${answer.status}${words && ` "${words}"`}`;
}

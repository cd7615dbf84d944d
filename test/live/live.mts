// One run against the API. Each question is asked once, however many assumptions rest on the answer.
import { isPrivate } from '../../nodes/Kling/transport/hosts.ts';
import { parseJson } from '../../nodes/Kling/transport/json.ts';
import type { Json } from '../contract/support.mts';
import type { startReceiver } from '../support/receiver.mts';
import { need, NEEDS_SPEND, NEEDS_TASK, unseen } from './assumption.mts';
import { upscaleOnce, type Paid } from './paid.mts';

export const WRONG_TOKEN = 'user:0-this-token-is-wrong-on-purpose';
export const TASKS = '/v1/kling/tasks';
export const SCHEDULER = '/v1/kling/scheduler';
export const UPSCALE_TYPE = 'mmu_image_upscale_aiweb';
const READ_TIMEOUT_MS = 60_000;
const POST_TIMEOUT_MS = 300_000;
/** No task and no work of anybody. */
const NO_ID = '1';

type Query = Record<string, string>;

/** From the environment, see CONTRIBUTING.md. */
export interface Options {
	token: string;
	baseUrl: string;
	email?: string;
	spend?: boolean;
	/** Opens a place for callbacks, at an address that the API can reach. */
	receive?: typeof startReceiver;
	/** Between two looks at the upscaled task. */
	pauseMs?: number;
}

export interface Answer {
	method: string;
	path: string;
	/** When it was asked, epoch ms. */
	atMs: number;
	tookMs: number;
	/** 0 when no whole answer came. */
	status: number;
	/** Why none came. */
	lost?: string;
	headers: Headers;
	text: string;
	/** As the node reads it, with ids past 2^53 as text; `undefined` when it is not JSON. */
	body?: Json;
}

/** One task of GET /tasks. */
export interface Entry {
	taskId?: string;
	type?: string;
	/** Epoch ms, NaN when it is not told. */
	createTime: number;
	works: Json[];
	inputs: Json[];
}

/** The words of a refusal; a web page has none. */
export const wordsOf = ({ body, text }: Answer): string =>
	typeof body?.error === 'string' ? body.error : /^\s*[<{[]/.test(text) ? '' : text.trim();

export const told = (answer: Answer): string =>
	answer.lost ? `no answer: ${answer.lost}` : `HTTP ${answer.status} ${wordsOf(answer)}`.trim();

export function entryOf({ task, works = [] }: Json): Entry {
	const levels: Json[] = [task, ...works].filter(Boolean);
	const times = levels.map(({ createTime }) => createTime).filter(Number.isFinite);
	const id = task?.id ?? works[0]?.taskId;
	return {
		...{ works, type: levels[0]?.type, taskId: id === undefined ? undefined : String(id) },
		createTime: times.length > 0 ? Math.max(...times) : NaN,
		inputs: levels.flatMap(({ taskInfo }) => taskInfo?.inputs ?? []),
	};
}

export class Live {
	readonly answers: Answer[] = [];
	private readonly asked = new Map<string, Promise<Answer>>();
	private paying?: Promise<Paid>;
	private hasPaid = false;

	constructor(readonly options: Options) {
		// Over plain http everybody on the way could read the token.
		if (!options.baseUrl.startsWith('https://') && !isPrivate(options.baseUrl)) {
			throw new Error('USEAPI_BASE_URL must begin with https://, unless it is on this machine.');
		}
	}

	/** @throws Error in plain words when no answer comes, or the token is wrong */
	async open(): Promise<void> {
		const { status, lost } = await this.send('/v2/account');
		const { host } = new URL(this.options.baseUrl);
		if (lost) throw new Error(`No answer from ${host}: ${this.hide(lost)}`);
		if (status === 401) throw new Error(`${host} refuses the token in USEAPI_TOKEN.`);
	}

	/** An answer with any status. */
	async get(path: string, query?: Query, token?: string): Promise<Answer> {
		const question = JSON.stringify([path, query, token]);
		const asked = this.asked.get(question) ?? this.send(path, query, { token });
		this.asked.set(question, asked);
		const answer = await asked;
		return answer.lost ? unseen(told(answer)) : answer;
	}

	/** An answer that has to do with the question: a refused token, a lapsed subscription and the like have not. */
	async ask(path: string, query?: Query): Promise<Answer> {
		const answer = await this.get(path, query);
		need(![401, 402, 429].includes(answer.status) && answer.status < 500, told(answer));
		return answer;
	}

	/** The body of a success. */
	async read(path: string, query?: Query): Promise<Json> {
		const answer = await this.ask(path, query);
		if (answer.status !== 200) throw new Error(`GET ${path}: ${told(answer)}`);
		return answer.body;
	}

	/** Emails of the connected Kling accounts. */
	async accounts(): Promise<string[]> {
		const { status } = await this.ask('/v1/kling/accounts');
		return status === 404 ? [] : Object.keys(await this.read('/v1/kling/accounts'));
	}

	/** What names the account, which need not be named where it is the only one. */
	async email(): Promise<Query> {
		const accounts = await this.accounts();
		need(accounts.length > 0, 'needs a connected Kling account');
		const email = this.options.email ?? (accounts.length > 1 ? accounts[0] : undefined);
		if (email && !accounts.includes(email)) throw new Error('USEAPI_EMAIL names no account.');
		return email ? { email } : {};
	}

	async tasks(query?: Query): Promise<Entry[]> {
		const { history } = await this.read(TASKS, { ...(await this.email()), ...query });
		return history.map(entryOf);
	}

	async images(query?: Query): Promise<Entry[]> {
		return await this.tasks({ contentType: 'image', pageSize: '50', ...query });
	}

	/** The newest finished image; one that is itself an upscale only if there is no other. */
	async source(): Promise<{ taskId: string; work: Json }> {
		const finished = (await this.images()).filter(
			({ taskId, works }) => taskId && works[0]?.workId && works[0].resource?.resource,
		);
		const entry = finished.find(({ type }) => type !== UPSCALE_TYPE) ?? finished[0];
		need(entry, NEEDS_TASK);
		return { taskId: entry.taskId!, work: entry.works[0] };
	}

	/** GET /tasks/{id} of the source. */
	async task(): Promise<Json> {
		return await this.read(`${TASKS}/${(await this.source()).taskId}`, await this.email());
	}

	async unknownTask(): Promise<Answer> {
		return await this.ask(`${TASKS}/${NO_ID}`, await this.email());
	}

	async cleanFile(): Promise<Answer> {
		const workIds = String((await this.source()).work.workId);
		const query = { ...(await this.email()), workIds, fileTypes: 'PNG' };
		return await this.ask('/v1/kling/assets/download', query);
	}

	/** Every answer to what can be asked, the one upscale among it where it is allowed. */
	async everything(): Promise<Answer[]> {
		const one = [() => this.get(SCHEDULER), () => this.get(TASKS, { email: 'nobody@example.com' })];
		const more = [() => this.task(), () => this.unknownTask(), () => this.cleanFile()];
		for (const question of [...one, ...more, () => this.paid()]) await question().catch(() => {});
		return this.answers.filter(({ lost }) => !lost);
	}

	/** The one upscale: sent once, never again, whatever comes of it. */
	async paid(): Promise<Paid> {
		need(this.options.spend, NEEDS_SPEND);
		const accounts = await this.accounts();
		need(this.options.email || accounts.length < 2, 'needs USEAPI_EMAIL: which account is to pay');
		this.paying ??= this.source().then(async (source) => await upscaleOnce(this, source));
		return await this.paying;
	}

	/** The answer to a POST that can make no task, as it names a work that nobody has. */
	async probe(fields: object): Promise<Answer> {
		need(this.options.spend, NEEDS_SPEND);
		const body = { ...(await this.email()), task_id: NO_ID, ...fields, workId: NO_ID };
		const answer = await this.post(body);
		need(!answer.lost && ![402, 429].includes(answer.status) && answer.status < 500, told(answer));
		return answer;
	}

	async post(body: Record<string, unknown>): Promise<Answer> {
		if (body.workId !== NO_ID) {
			if (this.hasPaid) throw new Error('A second upscale was about to be paid.');
			this.hasPaid = true;
		}
		return await this.send('/v1/kling/images/upscale', {}, { body: JSON.stringify(body) });
	}

	/** Asks whether or not it was asked before. Never rejects. */
	async send(
		path: string,
		query: Query = {},
		{ token = this.options.token, body }: { token?: string; body?: string } = {},
	): Promise<Answer> {
		const method = body ? 'POST' : 'GET';
		const blank = { tookMs: 0, status: 0, headers: new Headers(), text: '' };
		const answer: Answer = { method, path, atMs: Date.now(), ...blank };
		const search = Object.keys(query).length > 0 ? `?${new URLSearchParams(query)}` : '';
		try {
			const response = await fetch(this.options.baseUrl + path + search, {
				...{ method, body },
				headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
				// The token is not for wherever a redirect points, and a POST must not be repeated there.
				redirect: 'manual',
				signal: AbortSignal.timeout(body ? POST_TIMEOUT_MS : READ_TIMEOUT_MS),
			});
			const text = await response.text();
			const { status, headers } = response;
			Object.assign(answer, { status, headers, text, body: parseJson(text) });
		} catch (error) {
			const { message, cause } = error as { message: string; cause?: { code?: string } };
			answer.lost = cause?.code ?? message;
		}
		answer.tookMs = Date.now() - answer.atMs;
		this.answers.push(answer);
		return answer;
	}

	/** "artist@example.com" becomes "a…@e…". */
	hide(text: string): string {
		const { token } = this.options;
		return [token, token.replace(/^user:/, '')]
			.flatMap((secret) => [secret, encodeURIComponent(secret)])
			.reduce((hidden, secret) => hidden.replaceAll(secret, '(token)'), text)
			.replace(/(https?:\/\/[^\s"'<>?]+)\?[^\s"'<>]*/g, '$1')
			.replace(/([\w.+-])[\w.+-]*(@|%40)(\w)[\w.-]*/g, '$1…$2$3…');
	}
}

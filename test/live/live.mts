// One run against the API. Each question is asked once, however many assumptions rest on the answer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPrivate } from '../../nodes/Kling/transport/hosts.ts';
import { parseJson } from '../../nodes/Kling/transport/json.ts';
import type { Json } from '../contract/support/documented.mts';
import type { startReceiver } from '../support/receiver.mts';
import { need, NEEDS_SPEND, NEEDS_TASK } from './assumption.mts';
import { payOnce, type Kind, type Paid } from './paid.mts';

export const TASKS = '/v1/kling/tasks';
export const SCHEDULER = '/v1/kling/scheduler';
const ASSETS = '/v1/kling/assets/';
/** What is uploaded. */
const PICTURE = join(import.meta.dirname, '../../sandbox/pictures/lighthouse.jpg');
export const UPSCALE_TYPE = 'mmu_image_upscale_aiweb';
const READ_TIMEOUT_MS = 60_000;
const POST_TIMEOUT_MS = 300_000;
/** No task and no work of anybody. */
const NO_ID = '1';

type Query = Record<string, string>;
type Message = { token?: string; body?: BodyInit; type?: string };

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

export const jobPath = (kind: Kind): string => `/v1/kling/images/${kind}`;

/** The words of a refusal; a web page has none. */
export const wordsOf = ({ body, text }: Answer): string =>
	typeof body?.error === 'string' ? body.error : /^\s*[<{[]/.test(text) ? '' : text.trim();

export const told = (answer: Answer): string =>
	answer.lost ? `no answer: ${answer.lost}` : `HTTP ${answer.status} ${wordsOf(answer)}`.trim();

/** A refused token, a lapsed subscription and the like have nothing to do with the question. */
function relevant(answer: Answer): Answer {
	const { lost, status } = answer;
	need(!lost && ![401, 402, 429].includes(status) && status < 500, told(answer));
	return answer;
}

/** One task of GET /tasks; the time, in epoch ms, is NaN when it is not told. */
export function entryOf({ task, works = [] }: Json) {
	const levels: Json[] = [task, ...works].filter(Boolean);
	const times = levels.map(({ createTime }) => createTime).filter(Number.isFinite);
	const id = task?.id ?? works[0]?.taskId;
	return {
		taskId: id === undefined ? undefined : String(id),
		type: levels[0]?.type as string | undefined,
		createTime: times.length > 0 ? Math.max(...times) : NaN,
		works: works as Json[],
		inputs: levels.flatMap(({ taskInfo }): Json[] => taskInfo?.inputs ?? []),
	};
}

export type Entry = ReturnType<typeof entryOf>;

export class Live {
	readonly answers: Answer[] = [];
	private readonly asked = new Map<string, Promise<Answer>>();
	private paying?: Promise<Paid>;
	private enhancing?: ReturnType<Live['uploadAndEnhance']>;

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

	/** An answer with any status, or none. */
	async get(path: string, query?: Query): Promise<Answer> {
		const question = JSON.stringify([path, query]);
		const asked = this.asked.get(question) ?? this.send(path, query);
		this.asked.set(question, asked);
		return await asked;
	}

	async ask(path: string, query?: Query): Promise<Answer> {
		return relevant(await this.get(path, query));
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

	/** Every answer to what can be asked, what is paid for among it where it is allowed. */
	async everything(): Promise<Answer[]> {
		await this.get(SCHEDULER);
		await this.get(TASKS, { email: 'nobody@example.com' });
		for (const ask of [
			this.images,
			this.task,
			this.unknownTask,
			this.cleanFile,
			this.paid,
			this.enhanced,
		]) {
			await ask.call(this).catch(() => {});
		}
		return this.answers.filter(({ lost }) => !lost);
	}

	/** @throws Unseen unless credits may be spent, and it is said whose */
	private async expectMayPay(): Promise<void> {
		need(this.options.spend, NEEDS_SPEND);
		const accounts = await this.accounts();
		need(this.options.email || accounts.length < 2, 'needs USEAPI_EMAIL: which account is to pay');
	}

	/** The one upscale that is paid for: never a second one, whatever comes of it. */
	async paid(): Promise<Paid> {
		await this.expectMayPay();
		const { taskId, work } = await this.source();
		const fields = { task_id: taskId, workId: String(work.workId) };
		return await (this.paying ??= payOnce(this, 'upscale', fields));
	}

	/** The one enhance that is paid for, of a file that is uploaded for it; and the balance before, between and after. */
	async enhanced() {
		await this.expectMayPay();
		return await (this.enhancing ??= this.uploadAndEnhance());
	}

	private async uploadAndEnhance() {
		const totals = [await this.balance()];
		const message = { body: readFileSync(PICTURE), type: 'image/jpeg' };
		const upload = await this.send(ASSETS, await this.email(), message);
		totals.push(await this.balance());
		const image: string | undefined = upload.body?.url;
		const paid = image ? await payOnce(this, 'enhance', { image }) : undefined;
		totals.push(await this.balance());
		return { upload, image, paid, totals };
	}

	async accountPath(): Promise<string> {
		const { email = (await this.accounts())[0] } = await this.email();
		return `/v1/kling/accounts/${encodeURIComponent(email)}`;
	}

	/** Its total now; NaN when it is not told. */
	private async balance(): Promise<number> {
		return (await this.send(await this.accountPath())).body?.balance?.total ?? NaN;
	}

	/** The answer to a POST that can make no task, as it names a work that nobody has. */
	async probe(fields: object): Promise<Answer> {
		need(this.options.spend, NEEDS_SPEND);
		const body = { ...(await this.email()), task_id: NO_ID, ...fields, workId: NO_ID };
		return relevant(await this.send(jobPath('upscale'), {}, { body: JSON.stringify(body) }));
	}

	/** Asks whether or not it was asked before. Never rejects. */
	async send(
		path: string,
		query: Query = {},
		{ token = this.options.token, body, type = 'application/json' }: Message = {},
	): Promise<Answer> {
		const method = body ? 'POST' : 'GET';
		const blank = { tookMs: 0, status: 0, headers: new Headers(), text: '' };
		const answer: Answer = { method, path, atMs: Date.now(), ...blank };
		const search = Object.keys(query).length > 0 ? `?${new URLSearchParams(query)}` : '';
		try {
			const response = await fetch(this.options.baseUrl + path + search, {
				...{ method, body },
				headers: { Authorization: `Bearer ${token}`, 'Content-Type': type },
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

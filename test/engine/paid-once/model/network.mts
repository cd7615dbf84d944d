import { Readable } from 'node:stream';
import type { IDataObject } from 'n8n-workflow';

import type { openSandbox } from '../../../../sandbox/server.mts';
import { real } from '../../support/n8n/clock.mts';
import type { Credentials } from '../../support/n8n/engine.mts';
import { axios, type AxiosConfig } from '../../support/n8n/requests.mts';
import type { Execution } from './server.mts';
import type { Call, FaultName } from './setup.mts';
import { imageOf, keyOf } from './workflow.mts';

/** Hands n8n's requests to the sandbox in this process, spoils them, and notes what the API has accepted. */

/** One way. Whoever sends may be killed or canceled before the request arrives, or before the answer does. */
const LATENCY_MS = 50;
const SEND_PATH = '/v1/kling/images/';
const UPLOAD_PATH = '/v1/kling/assets/';

/** Who sends: a run of the workflow, in a process of n8n that may die. */
export interface Sender {
	process: { dead: boolean };
	execution: Pick<Execution, 'family' | 'startedMs' | 'klingRuns'>;
}

/** A task that the API has accepted, and that is paid therefore. */
export interface Payment {
	taskId: string;
	/** What is paid for: account and image. */
	key: string;
	/** Epoch ms. */
	at: number;
	execution: Sender['execution'];
	/** In which run of the node within its execution. */
	klingRun: number;
	/** The sender has not heard of it. */
	isAnswerLost: boolean;
}

interface Answer {
	status: number;
	headers?: object;
	body: Buffer;
}
const networkAdapter = axios.defaults.adapter;
let opened = 0;

export class Network {
	readonly payments: Payment[] = [];
	/** What was uploaded, by its link. */
	private readonly files = new Map<unknown, Buffer>();
	private readonly senders: Sender[] = [];
	private readonly id = ++opened;
	private spoiled: Array<{ call: Call; fault: FaultName; left: number }> = [];

	constructor(private readonly sandbox: Awaited<ReturnType<typeof openSandbox>>) {
		axios.defaults.adapter = async (config: AxiosConfig) => await this.send(config);
	}

	close() {
		axios.defaults.adapter = networkAdapter;
	}

	/** Each sender has a token of its own, which tells who sends. */
	credentialsOf(sender: Sender): Credentials {
		const apiToken = `${this.sandbox.token}-${this.id}-${this.senders.push(sender) - 1}`;
		return { apiToken, baseUrl: this.sandbox.url };
	}

	/** Nobody for a file, which needs no token. What was killed or canceled in an earlier sequence may still be about to send. */
	private senderOf({ headers }: AxiosConfig): Sender | 'gone' | undefined {
		const [, id, number] = /-(\d+)-(\d+)$/.exec(String(headers?.Authorization)) ?? [];
		return id === undefined || Number(id) === this.id ? this.senders[Number(number)] : 'gone';
	}

	spoil(call: Call, fault: FaultName, times: number) {
		this.spoiled.push({ call, fault, left: times });
	}

	private async send(config: AxiosConfig) {
		const sender = this.senderOf(config);
		const arrive = async () => {
			await new Promise((resolve) => setTimeout(resolve, LATENCY_MS));
			if (sender === 'gone' || sender?.process.dead) await new Promise(() => {});
			if (config.signal?.aborted) throw networkError('ERR_CANCELED');
		};
		await arrive();
		const url = axios.getUri(config);
		const call = callOf(url);
		const fault = this.take(call);
		if (fault === 'unsent') throw networkError('ECONNREFUSED');
		const takesEffect = !fault || fault.endsWith('After');
		const answer = takesEffect ? await this.deliver(config, url) : spoiledAnswer(fault);
		const isAccepted = takesEffect && answer?.status === 200;
		if (isAccepted && call === 'upload') {
			const { url: link } = JSON.parse(String(answer.body)) as { url: string };
			this.files.set(link, config.data as Buffer);
		}
		if (isAccepted && call === 'post') {
			const { execution } = sender as Sender;
			this.payments.push({
				...this.whatIsPaid(config, answer),
				at: Date.now(),
				execution,
				klingRun: execution.klingRuns,
				isAnswerLost: fault !== undefined,
			});
		}
		await arrive();
		const received = fault?.endsWith('After') ? spoiledAnswer(fault) : answer;
		if (!received) throw networkError('ECONNRESET');
		const data = Readable.from([received.body], { objectMode: false });
		return { data, status: received.status, statusText: '', headers: received.headers, config };
	}

	private async deliver(config: AxiosConfig, url: string): Promise<Answer> {
		const headers = Object.fromEntries(
			Object.entries({ ...config.headers }).map(([name, value]) => [name, String(value)]),
		);
		headers.Authorization = `Bearer ${this.sandbox.token}`;
		const response = await real(
			async () =>
				await this.sandbox.inject({
					method: config.method?.toUpperCase() as 'GET',
					url,
					headers,
					payload: config.data as string,
				}),
		);
		return { status: response.statusCode, headers: response.headers, body: response.rawPayload };
	}

	private whatIsPaid({ data }: AxiosConfig, answer: Answer) {
		const request = JSON.parse(String(data)) as IDataObject;
		const { task } = JSON.parse(String(answer.body)) as { task: { id: number } };
		const image = imageOf(request, this.files);
		return { taskId: String(task.id), key: keyOf({ image, account: request.email }) };
	}

	private take(call: Call): FaultName | undefined {
		const found = this.spoiled.find((entry) => entry.call === call && entry.left > 0);
		if (found) found.left--;
		return found?.fault;
	}
}

function callOf(url: string): Call {
	const { pathname } = new URL(url);
	if (pathname.startsWith(SEND_PATH)) return 'post';
	if (pathname === UPLOAD_PATH) return 'upload';
	if (pathname === '/v1/kling/tasks') return 'list';
	if (pathname.startsWith('/v1/kling/tasks/')) return 'task';
	return pathname.startsWith('/v1/kling/scheduler') ? 'running' : 'file';
}

/** Nothing where the connection breaks. */
function spoiledAnswer(fault: FaultName): Answer | undefined {
	if (fault.startsWith('lost')) return undefined;
	const status = parseInt(fault, 10) || 200;
	const headers = status === 302 ? { location: 'http://127.0.0.1:3/' } : {};
	const body = fault === 'emptyAfter' ? '{}' : JSON.stringify({ error: `Spoiled: ${fault}` });
	return { status, headers, body: Buffer.from(body) };
}

function networkError(code: string): Error {
	const syscall = code === 'ECONNREFUSED' ? 'connect' : undefined;
	return Object.assign(new Error(code), { code, syscall });
}

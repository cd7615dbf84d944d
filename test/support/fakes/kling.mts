import { Readable } from 'node:stream';

import type { IDataObject, IHttpRequestOptions } from 'n8n-workflow';

import type { KlingApi } from '../../../nodes/Kling/transport/client.ts';
import type {
	ApiResult,
	PaidOperation,
	PaidRequest,
	TaskModel,
} from '../../../nodes/Kling/transport/types.ts';
import { answered, lost, missing } from './answers.mts';

const PNG = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1');

export const UPSCALE_TYPE = 'mmu_image_upscale_aiweb';

export interface FakeJob {
	taskId: string;
	/** The image that it was made of. */
	workId?: string;
	/** Or the link, and what was asked for. */
	inputUrl?: string;
	args?: Record<string, string>;
	type?: string;
	account?: string;
	madeMs: number;
	endMs: number;
	end: 'succeed' | 'failed' | 'empty';
	/** Whether the lists, and the task itself, say what it was made of. */
	listTells: boolean;
	taskTells: boolean;
}

/** How a POST may be answered: `accept and lose` makes the task all the same. */
type Post = ApiResult | 'accept and lose';

/** A Kling account at useapi.net, whose jobs take 20 s. */
export class FakeKling {
	readonly jobs: FakeJob[] = [];
	/** All calls in order, e.g. `GET scheduler`. */
	readonly calls: string[] = [];
	readonly posts: PaidRequest[] = [];
	/** The answers to the next POSTs; those that come after are accepted. */
	readonly answers: Post[] = [];
	/** What is answered instead of a list, or of a task. */
	listFault?: ApiResult;
	taskFault?: (taskId: string) => ApiResult | undefined;
	fileFault?: { statusCode: number; headers: object };
	taskMs = 20_000;
	/** How many jobs the account runs at once. */
	slots = Infinity;
	private nextId = 501;

	constructor(...answers: Post[]) {
		this.answers.push(...answers);
	}

	add(job: Partial<FakeJob>): FakeJob {
		const madeMs = job.madeMs ?? Date.now();
		const made: FakeJob = {
			taskId: job.taskId ?? String(this.nextId++),
			workId: '2',
			type: UPSCALE_TYPE,
			madeMs,
			endMs: madeMs + this.taskMs,
			end: 'succeed',
			listTells: true,
			taskTells: true,
			...job,
		};
		this.jobs.push(made);
		return made;
	}

	/** How often something was called. */
	count(call: string): number {
		return this.calls.filter((made) => made === call).length;
	}

	readonly api: KlingApi = {
		baseUrl: 'http://127.0.0.1:1',
		getAccounts: async () => answered(200, {}),
		getAccount: async () => answered(200, {}),
		getFreeSlots: async () => answered(200, {}),
		getCleanFile: async () => answered(404, {}),
		deleteTask: async () => answered(200, {}),
		getTask: async (taskId) => {
			this.calls.push(`GET ${taskId}`);
			const job = this.jobs.find((known) => known.taskId === taskId);
			return (
				this.taskFault?.(taskId) ?? (job ? answered(200, modelOf(job, job.taskTells)) : missing)
			);
		},
		getRunningJobs: async () => {
			this.calls.push('GET scheduler');
			const running = this.jobs.filter(isRunning);
			const list = running.map(({ taskId, account }) => ({ id: taskId, email: account }));
			return this.listFault ?? answered(200, list);
		},
		getTasks: async ({ email, pageSize, createdBefore = Infinity }) => {
			this.calls.push('GET tasks');
			const history = this.jobs
				.filter(({ account, madeMs }) => account === email && madeMs < Number(createdBefore))
				.sort((a, b) => b.madeMs - a.madeMs)
				.slice(0, Number(pageSize))
				.map((job) => modelOf(job, job.listTells));
			return this.listFault ?? answered(200, { history });
		},
		upload: async () => {
			const upload = `upload ${this.calls.filter((call) => call.startsWith('upload')).length + 1}`;
			this.calls.push(upload);
			return answered(200, { url: `https://s21.example.com/${upload}.png` });
		},
		submit: async (_operation, request) => {
			this.posts.push(request);
			this.calls.push('POST');
			if (this.jobs.filter(isRunning).length >= this.slots) return answered(429, {});
			const answer = this.answers.shift() ?? 'accept';
			if (typeof answer === 'object') return answer;
			const { email: account, workId, image, resolution } = request as Record<string, string>;
			const enhanced = { workId: undefined, inputUrl: image, args: { resolution }, type: 'new' };
			const job = this.add({ account, ...(image ? enhanced : { workId }) });
			return answer === 'accept' ? answered(200, modelOf(job, true)) : lost;
		},
	};

	/** n8n's helpers, for whoever asks by HTTP. */
	readonly helpers = {
		httpRequestWithAuthentication: async (_type: string, options: IHttpRequestOptions) =>
			await this.request(options),
		httpRequest: async ({ url }: IHttpRequestOptions) => {
			this.calls.push(`FILE ${url.split('/').pop()}`);
			if (this.fileFault) return { ...this.fileFault, body: Readable.from([]) };
			return { statusCode: 200, headers: {}, body: Readable.from([PNG]) };
		},
		assertBinaryData: () => ({ id: 'file:1' }),
		getBinaryStream: async () => Readable.from([PNG]),
		async prepareBinaryData(stream: Readable, fileName: string, mimeType: string) {
			const data = Buffer.concat(await stream.toArray()).toString('base64');
			return { fileName, mimeType, data };
		},
	};

	private readonly request = async (options: IHttpRequestOptions) => {
		const { method, url, qs = {}, body } = options;
		const path = url.replace(`${this.api.baseUrl}/v1/kling/`, '');
		const sent = (body && JSON.parse(String(body))) as PaidRequest;
		const result = await this.route(`${method} ${path}`, qs, sent);
		if (result.outcome !== 'answered') {
			const syscall = result.outcome === 'unsent' ? 'connect' : 'read';
			throw Object.assign(new Error(result.reason), { code: result.reason, syscall });
		}
		return {
			statusCode: result.status,
			headers: {},
			body: Readable.from([JSON.stringify(result.body ?? null)]),
		};
	};

	private async route(call: string, qs: IDataObject, body: PaidRequest): Promise<ApiResult> {
		const email = qs.email as string | undefined;
		if (call === 'GET accounts') return await this.api.getAccounts();
		if (call.startsWith('GET accounts/')) return await this.api.getAccount(idIn(call));
		if (call === 'GET scheduler/available') return await this.api.getFreeSlots();
		if (call.startsWith('DELETE ')) return await this.api.deleteTask(idIn(call), email);
		if (call.startsWith('POST images/')) {
			return await this.api.submit(idIn(call) as PaidOperation, body);
		}
		if (call === 'GET scheduler') return await this.api.getRunningJobs();
		if (call === 'GET tasks') return await this.api.getTasks(qs);
		return await this.api.getTask(idIn(call), email);
	}
}

const idIn = (call: string) => decodeURIComponent(call.split('/').pop()!);

const isRunning = ({ endMs }: FakeJob) => Date.now() < endMs;

/** A task as GET shows it and as it stands in the list. */
export function modelOf(job: FakeJob, tells: boolean): TaskModel {
	const { taskId, type, madeMs, endMs, end, workId, inputUrl, args = {} } = job;
	const ended = end === 'failed' ? 'failed' : 'succeed';
	const status = isRunning(job)
		? { status_name: 'processing', status_final: false }
		: { status_name: ended, status_final: true };
	const named = Object.entries(args).map(([name, value]) => ({ name, value }));
	const inputs = [{ url: inputUrl, fromWorkId: workId }];
	const taskInfo = tells ? { inputs, arguments: named } : {};
	const hasFile = !isRunning(job) && end === 'succeed';
	const url = `https://s21.example.com/${taskId}.png`;
	return {
		...status,
		task: { id: taskId, type, createTime: madeMs, updateTime: endMs, taskInfo },
		works: hasFile ? [{ workId: `${taskId}1`, taskId, type, resource: { resource: url } }] : [],
	};
}

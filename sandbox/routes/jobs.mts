import type { FastifyInstance, FastifyReply } from 'fastify';
import type { SandboxAccount } from '../options.mts';
import type { Context } from '../state/context.mts';
import { accountFor, ApiError, readId } from '../state/context.mts';
import { enhance, upscale } from '../state/images.mts';
import type { Job } from '../state/tasks.mts';
import { readWork } from './cdn.mts';
import { fetchInput } from './inputs.mts';
import { taskModel } from './models.mts';

/** The calls that spend credits, as the vendor's pages "Upscale Images" and "Enhance Images" have them. */

const REPLY_MAX_LENGTH = 1_024;
const MAX_JOBS_LIMIT = 50;
/** No page tells what an upscale costs. */
const UPSCALE_CREDITS = 1;
const ENHANCE_CREDITS = { '2k': 1, '4k': 2 };
const MODERATION = {
	error: 'The content you uploaded appears to violate the community guidelines. (CM_EXT.POther)',
	message: 'Service busy (CM_EXT.POther)',
};
const NO_CREDITS = { error: 'Not enough credits', message: 'Service busy' };

type Body = Record<string, unknown>;

export function jobRoutes(app: FastifyInstance, context: Context) {
	app.post<{ Body: Body | null }>('/v1/kling/images/upscale', async (request, reply) => {
		const body = request.body ?? {};
		for (const field of ['task_id', 'workId']) {
			if (!body[field]) throw new ApiError(400, { error: `${field} is required` });
		}
		const taskId = readId(body.task_id, 'task_id');
		const workId = readId(body.workId, 'workId');
		const order = readOrder(context, body);

		const source = await context.tasks.find(taskId, order.account.email);
		if (!source) throw new ApiError(404, { error: `Task ${taskId} not found` });
		if (source.statusName !== 'succeed') {
			throw new ApiError(400, { error: `Task ${taskId} is not completed` });
		}
		const work = source.works.find((candidate) => candidate.workId === workId);
		if (!work) throw new ApiError(404, { error: `Work ${workId} not found` });
		if (work.contentType !== 'image') {
			throw new ApiError(400, { error: `Work ${workId} is not an image` });
		}
		return accept(context, reply, order, UPSCALE_CREDITS, {
			kind: 'upscale',
			prompt: source.prompt,
			inputs: [{ url: context.cdnUrl + work.path, workId }],
			args: {
				biz: 'klingai',
				__initialType: source.type,
				__initialPrompt: source.prompt,
			},
			outcome: source.outcome,
			draw: async () => {
				const bytes = await readWork(context, work);
				if (!bytes) throw new Error('it is gone');
				return await upscale(bytes, context.settings.scale);
			},
		});
	});

	// assumes: enhance-accepted, enhance-reply-url
	app.post<{ Body: Body | null }>('/v1/kling/images/enhance', async (request, reply) => {
		const body = request.body ?? {};
		const url = readUrl(body.image);
		const resolution = readResolution(body.resolution);
		const order = readOrder(context, body);
		const { bytes, outcome } = await fetchInput(context, url, order.account.email);
		return accept(context, reply, order, ENHANCE_CREDITS[resolution], {
			kind: 'enhance',
			prompt: '',
			inputs: [{ url }],
			args: { biz: 'klingai', resolution },
			outcome,
			draw: async () => await enhance(bytes, context.settings.longSidePx[resolution]),
		});
	});
}

interface Order {
	account: SandboxAccount;
	maxJobs: number;
	replyUrl?: string;
	replyRef?: string;
}

/** The fields that every job has. */
function readOrder(context: Context, body: Body): Order {
	const replyUrl = readReply(body, 'replyUrl');
	const replyRef = readReply(body, 'replyRef');
	const account = accountFor(context, body.email);
	const maxJobs = readMaxJobs(body.maxJobs) ?? account.maxJobs;
	return { account, maxJobs, replyUrl, replyRef };
}

/** Nothing waits in here, so that two requests cannot take the same free slot. */
function accept(
	context: Context,
	reply: FastifyReply,
	{ account, maxJobs, replyUrl, replyRef }: Order,
	credits: number,
	job: Omit<Job, 'email' | 'replyUrl' | 'replyRef'>,
) {
	const { email } = account;
	const { retryAfterSeconds, outOfCredits } = context.settings;
	if (context.tasks.running(email).length >= maxJobs) {
		if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
		throw new ApiError(429, { error: `Account ${email} is at its job limit`, code: 429 });
	}
	if (job.outcome === 'forbidden') throw new ApiError(500, MODERATION);
	// assumes: out-of-credits
	const isPaid = context.balances.spend(email, credits);
	if (!isPaid && outOfCredits === 'refused') throw new ApiError(500, NO_CREDITS);
	const outcome = isPaid ? job.outcome : 'vanishes';
	return taskModel(context, context.tasks.create({ ...job, outcome, email, replyUrl, replyRef }));
}

function readUrl(value: unknown): string {
	if (!value) throw new ApiError(400, { error: 'image is required' });
	if (typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value)) return value;
	throw new ApiError(400, { error: 'image must be a URL' });
}

function readResolution(value: unknown): keyof typeof ENHANCE_CREDITS {
	if (value === undefined || value === null || value === '') return '2k';
	if (value === '2k' || value === '4k') return value;
	throw new ApiError(400, { error: 'resolution must be 2k or 4k' });
}

function readReply(body: Body, field: string): string | undefined {
	const value = body[field];
	if (value === undefined || value === null || value === '') return undefined;
	if (typeof value !== 'string') throw new ApiError(400, { error: `${field} must be a text` });
	if (value.length > REPLY_MAX_LENGTH) {
		throw new ApiError(400, { error: `${field} is too long`, code: 400 });
	}
	return value;
}

/** A form sends it as text, JSON as a number. */
function readMaxJobs(value: unknown): number | undefined {
	if (value === undefined || value === null || value === '') return undefined;
	const maxJobs = Number(value);
	if (!Number.isInteger(maxJobs) || maxJobs < 1 || maxJobs > MAX_JOBS_LIMIT) {
		throw new ApiError(400, { error: `maxJobs must be from 1 to ${MAX_JOBS_LIMIT}` });
	}
	return maxJobs;
}

import type { FastifyInstance } from 'fastify';
import type { Context } from './context.mts';
import { accountFor, ApiError, readId } from './context.mts';
import { taskModel } from './models.mts';

/** POST /v1/kling/images/upscale, as the vendor's "Upscale Images" page has it. */

const REPLY_MAX_LENGTH = 1_024;
const MAX_JOBS_LIMIT = 50;
const MODERATION = {
	error: 'The content you uploaded appears to violate the community guidelines. (CM_EXT.POther)',
	message: 'Service busy (CM_EXT.POther)',
};

export function upscaleRoute(app: FastifyInstance, context: Context) {
	app.post('/v1/kling/images/upscale', async (request, reply) => {
		const body = (request.body ?? {}) as Record<string, unknown>;
		for (const field of ['task_id', 'workId']) {
			if (!body[field]) throw new ApiError(400, { error: `${field} is required` });
		}
		const taskId = readId(body.task_id, 'task_id');
		const workId = readId(body.workId, 'workId');
		const replyUrl = readReply(body, 'replyUrl');
		const replyRef = readReply(body, 'replyRef');
		const account = accountFor(context, body.email);
		const maxJobs = readMaxJobs(body.maxJobs) ?? account.maxJobs;

		const source = await context.tasks.find(taskId, account.email);
		if (!source) throw new ApiError(404, { error: `Task ${taskId} not found` });
		if (source.statusName !== 'succeed') {
			throw new ApiError(400, { error: `Task ${taskId} is not completed` });
		}
		const work = source.works.find((candidate) => candidate.workId === workId);
		if (!work) throw new ApiError(404, { error: `Work ${workId} not found` });
		if (work.contentType !== 'image') {
			throw new ApiError(400, { error: `Work ${workId} is not an image` });
		}

		// From here to the end nothing waits, so that two requests cannot take the same free place.
		if (context.tasks.running(account.email).length >= maxJobs) {
			const { retryAfterSeconds } = context.settings;
			if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
			throw new ApiError(429, { error: `Account ${account.email} is at its job limit`, code: 429 });
		}
		if (source.outcome === 'forbidden') throw new ApiError(500, MODERATION);
		const { email } = account;
		const task = context.tasks.create({ source, work, email, replyUrl, replyRef });
		return taskModel(task, context.cdnUrl);
	});
}

function readReply(body: Record<string, unknown>, field: string): string | undefined {
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

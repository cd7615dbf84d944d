import multipart from '@fastify/multipart';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance } from 'fastify';
import type { Context } from './context.mts';
import { accountFor, ApiError, readId, recordRequests } from './context.mts';
import { controlRoutes } from './control.mts';
import { installFaults } from './faults.mts';
import { klingAccount, schedulerItem, taskModel, toJson, userAccount } from './models.mts';
import { upscaleRoute } from './upscale.mts';

/** The API server: who may call, and the routes that read. */

const PAGE_SIZE = 20;
const UNAUTHORIZED = { error: 'Unauthorized', code: 401 };
const SUBSCRIPTION_REQUIRED = { error: 'Subscription required', code: 402 };
const INVALID = { error: 'Invalid parameters' };

type Query = { Querystring: Record<string, string | undefined> };

export async function buildApi(context: Context): Promise<FastifyInstance> {
	// The vendor's own example has a slash at the end of /tasks/.
	const app = fastify({
		forceCloseConnections: true,
		routerOptions: { ignoreTrailingSlash: true },
	});
	await app.register(multipart, { attachFieldsToBody: 'keyValues' });
	app.setReplySerializer((payload) => toJson(payload));

	recordRequests(app, 'api', context);
	installFaults(app, 'api', context.faults, () => `${context.cdnUrl}/redirected`);
	app.addHook('preHandler', async (request) => {
		if (request.url.startsWith('/_sandbox/')) return;
		const { token, subscription } = context.settings;
		if (request.headers.authorization !== `Bearer ${token}`) throw new ApiError(401, UNAUTHORIZED);
		if (!subscription && request.url.startsWith('/v1/')) {
			throw new ApiError(402, SUBSCRIPTION_REQUIRED);
		}
	});
	app.setErrorHandler((error: FastifyError, _request, reply) => {
		if (error instanceof ApiError) return reply.code(error.status).send(error.body);
		const code = error.statusCode ?? 500;
		return reply.code(code).send({ error: error.message, code });
	});
	app.setNotFoundHandler((_request, reply) =>
		reply.code(404).send({ error: 'No such route', code: 404 }),
	);

	controlRoutes(app, context);
	accountRoutes(app, context);
	taskRoutes(app, context);
	upscaleRoute(app, context);
	downloadRoute(app, context);
	return app;
}

function accountRoutes(app: FastifyInstance, context: Context) {
	const { settings, tasks } = context;
	app.get('/v2/account', async () => userAccount(settings));
	app.get('/v1/kling/accounts', async (_request, reply) => {
		if (settings.accounts.length === 0) {
			// Plain text: so the vendor's page has it.
			reply.code(404).type('text/plain; charset=utf-8');
			return reply.send('Configuration not found. To create configuration use POST /accounts.');
		}
		return Object.fromEntries(settings.accounts.map((one) => [one.email, klingAccount(one)]));
	});
	const listed = () => tasks.running().filter((task) => !tasks.isUnlisted(task));
	// assumes: scheduler-lists-running
	app.get('/v1/kling/scheduler', async () => listed().map(schedulerItem));
	app.get('/v1/kling/scheduler/available', async () => ({
		executing: listed().map(schedulerItem),
		available: settings.accounts.map(({ email, maxJobs }) => {
			const executing = tasks.running(email).length;
			return { email, maxJobs, executing, available: Math.max(0, maxJobs - executing) };
		}),
	}));
}

function taskRoutes(app: FastifyInstance, context: Context) {
	app.get<Query & { Params: { taskId: string } }>('/v1/kling/tasks/:taskId', async (request) => {
		const account = accountFor(context, request.query.email);
		const id = readId(request.params.taskId, 'task_id');
		const task = await context.tasks.find(id, account.email);
		if (!task) throw new ApiError(404, { error: `Task ${id} not found` });
		return taskModel(task, context.cdnUrl);
	});

	app.delete<Query & { Params: { taskId: string } }>('/v1/kling/tasks/:taskId', async (request) => {
		const account = accountFor(context, request.query.email);
		if (!/^\d+$/.test(request.params.taskId)) {
			throw new ApiError(400, { error: 'Invalid task_id parameter' });
		}
		const id = BigInt(request.params.taskId);
		const workIds = (await context.tasks.delete(id, account.email))?.map(({ workId }) => workId);
		if (!workIds) throw new ApiError(404, { error: `No works found for task ${id}` });
		return { deleted: workIds.length, workIds };
	});

	app.get<Query>('/v1/kling/tasks', async ({ query }) => {
		const account = accountFor(context, query.email);
		const { listPageLimit, listTakesInMoment, listWholeModels } = context.settings;
		const { createdBefore, createdAfter, contentType } = query;
		if (createdBefore && createdAfter) {
			throw new ApiError(400, { error: 'createdBefore cannot be used with createdAfter' });
		}
		if (contentType && !['video', 'image', 'audio'].includes(contentType)) {
			throw new ApiError(400, { error: 'contentType must be video, image or audio' });
		}
		const moment = listTakesInMoment ? 1 : 0;
		const before = (readNumber(createdBefore, 'createdBefore') ?? Infinity) + moment;
		const after = (readNumber(createdAfter, 'createdAfter') ?? -Infinity) - moment;
		const pageSize = readNumber(query.pageSize, 'pageSize') ?? PAGE_SIZE;

		// assumes: list-shows-new-tasks
		const fitting = (await context.tasks.list(account.email)).filter(
			(task) =>
				task.createTime < before &&
				task.createTime > after &&
				!context.tasks.isUnlisted(task) &&
				(task.works.length === 0
					? listWholeModels
					: task.works.some((work) => !contentType || work.contentType === contentType)),
		);
		// Paging towards the present has to begin with the oldest that fits, or the rest is never reached.
		const limit = Math.min(pageSize, listPageLimit);
		const page = createdAfter ? fitting.slice(-limit) : fitting.slice(0, limit);
		return {
			history: page.map((task) => {
				const model = taskModel(task, context.cdnUrl);
				return listWholeModels ? model : { works: model.works };
			}),
		};
	});
}

function readNumber(value: string | undefined, name: string): number | undefined {
	if (!value) return undefined;
	const number = Number(value);
	if (!Number.isInteger(number) || number < 1) {
		throw new ApiError(400, { error: `${name} must be a number` });
	}
	return number;
}

/** Files without watermark: documented for paid Kling plans. The sandbox makes no .zip of several. */
function downloadRoute(app: FastifyInstance, context: Context) {
	app.get<Query>('/v1/kling/assets/download', async ({ query }) => {
		const account = accountFor(context, query.email);
		if (!query.workIds || !/^\d+(,\d+)*$/.test(query.workIds)) throw new ApiError(400, INVALID);
		const fileTypes = query.fileTypes?.split(',') ?? [];
		if (!fileTypes.every((type) => ['MP4', 'MP3', 'WAV', 'PNG'].includes(type))) {
			throw new ApiError(400, INVALID);
		}
		if (account.paid === false) {
			throw new ApiError(403, { error: 'A paid Kling plan is required', code: 403 });
		}
		if (query.workIds.includes(',') || fileTypes.join() !== 'PNG') {
			throw new ApiError(400, { error: 'The sandbox only has one work as one PNG' });
		}
		const workId = BigInt(query.workIds);
		const works = (await context.tasks.list(account.email)).flatMap((task) => task.works);
		if (!works.some((work) => work.workId === workId && work.path)) {
			throw new ApiError(404, { error: `Work ${workId} not found` });
		}
		return { cdnUrl: `${context.cdnUrl}/clean/${workId}.png`, status: 'success' };
	});
}

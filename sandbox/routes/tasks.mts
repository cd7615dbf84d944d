import type { FastifyInstance } from 'fastify';
import type { Context } from '../state/context.mts';
import { accountFor, ApiError, readId } from '../state/context.mts';
import { taskModel } from './models.mts';

/** Tasks: read, listed, deleted. */

const PAGE_SIZE = 20;

type Query = { Querystring: Record<string, string | undefined> };
type OneTask = Query & { Params: { taskId: string } };

export function taskRoutes(app: FastifyInstance, context: Context) {
	app.get<OneTask>('/v1/kling/tasks/:taskId', async (request) => {
		const account = accountFor(context, request.query.email);
		const id = readId(request.params.taskId, 'task_id');
		const task = await context.tasks.find(id, account.email);
		if (!task) throw new ApiError(404, { error: `Task ${id} not found` });
		return taskModel(context, task);
	});

	app.delete<OneTask>('/v1/kling/tasks/:taskId', async (request) => {
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
				const model = taskModel(context, task);
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

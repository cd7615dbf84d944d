import type { FastifyInstance } from 'fastify';
import type { Fault } from './faults.mts';
import type { Context } from './state/context.mts';
import { ApiError } from './state/context.mts';
import { schedulerItem } from './routes/models.mts';

/** Routes about the sandbox itself, which no vendor has. No token: the server only listens on the loopback address. */
export function controlRoutes(app: FastifyInstance, context: Context) {
	const { faults, tasks, callbacks, requests, balances, settings } = context;

	const posts = (begin: string) =>
		requests.filter(({ method, path }) => method === 'POST' && path.startsWith(begin)).length;

	app.post('/_sandbox/faults', async (request, reply) => {
		const wanted = [request.body].flat() as Fault[];
		try {
			wanted.forEach((fault) => faults.add(fault));
		} catch (error) {
			throw new ApiError(400, { error: (error as Error).message });
		}
		return reply.code(201).send({ faults: faults.list() });
	});

	app.delete('/_sandbox/faults', async () => {
		faults.clear();
		return { faults: [] };
	});

	app.get('/_sandbox/state', async () => ({
		running: tasks.running().map(schedulerItem),
		peakJobs: Object.fromEntries(tasks.peakJobs),
		posts: posts('/v1/kling/images/'),
		uploads: posts('/v1/kling/assets'),
		accepted: tasks.createdCount,
		points: Object.fromEntries(
			settings.accounts.map(({ email }) => [email, balances.total(email)]),
		),
		callbacks: callbacks.sent,
		faults: faults.list(),
	}));
}

import type { FastifyInstance } from 'fastify';
import type { Context } from './context.mts';
import { ApiError } from './context.mts';
import type { Fault } from './faults.mts';
import { schedulerItem } from './models.mts';

/** Routes about the sandbox itself, which no vendor has. No token: the server only listens on the loopback address. */
export function controlRoutes(app: FastifyInstance, context: Context) {
	const { faults, tasks, callbacks, requests } = context;

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
		posts: requests.filter(({ server, method }) => server === 'api' && method === 'POST').length,
		accepted: tasks.createdCount,
		callbacks: callbacks.sent,
		faults: faults.list(),
	}));
}

import multipart from '@fastify/multipart';
import fastify from 'fastify';
import type { FastifyError, FastifyInstance } from 'fastify';
import { installFaults } from '../faults.mts';
import type { Context } from '../state/context.mts';
import { ApiError, recordRequests } from '../state/context.mts';
import { accountRoutes } from './accounts.mts';
import { assetRoutes } from './assets.mts';
import { controlRoutes } from '../control.mts';
import { jobRoutes } from './jobs.mts';
import { toJson } from './models.mts';
import { taskRoutes } from './tasks.mts';

/** The API server: who may call, and what holds of every answer. */

const UNAUTHORIZED = { error: 'Unauthorized', code: 401 };
const SUBSCRIPTION_REQUIRED = { error: 'Subscription required', code: 402 };

export async function buildApi(context: Context): Promise<FastifyInstance> {
	// The vendor's own examples have a slash at the end of /tasks/ and /assets/.
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
	jobRoutes(app, context);
	await assetRoutes(app, context);
	return app;
}

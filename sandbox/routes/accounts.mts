import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Context } from '../state/context.mts';
import { ApiError, readId } from '../state/context.mts';
import { klingAccount, schedulerItem, userAccount } from './models.mts';

/** The useapi.net account, its Kling accounts with their balance, and the jobs that run in them. */

type Id = { Params: { taskId: string } };

export function accountRoutes(app: FastifyInstance, context: Context) {
	const { settings, tasks, balances } = context;
	app.get('/v2/account', async () => userAccount(settings));

	app.get('/v1/kling/accounts', async (_request, reply) => {
		if (settings.accounts.length === 0) return notFound(reply, 'Configuration');
		return Object.fromEntries(settings.accounts.map((one) => [one.email, klingAccount(one)]));
	});

	// assumes: balance
	app.get<{ Params: { email: string } }>('/v1/kling/accounts/:email', async (request, reply) => {
		const account = settings.accounts.find(({ email }) => email === request.params.email);
		if (!account) return notFound(reply, 'Account configuration');
		const points = balances.points(account.email);
		const nextApplyTime = points[0]?.endTime ?? 0;
		const total = balances.total(account.email);
		return { ...klingAccount(account), balance: { points, tickets: [], nextApplyTime, total } };
	});

	const listed = () => tasks.running().filter((task) => !tasks.isUnlisted(task));
	// assumes: scheduler-lists-running
	app.get('/v1/kling/scheduler', async () => listed().map(schedulerItem));

	// assumes: scheduler-available
	app.get('/v1/kling/scheduler/available', async () => ({
		executing: listed().map(schedulerItem),
		available: settings.accounts.map(({ email, maxJobs }) => {
			const executing = tasks.running(email).length;
			return { email, maxJobs, executing, available: Math.max(0, maxJobs - executing) };
		}),
	}));

	app.delete<Id>('/v1/kling/scheduler/:taskId', async ({ params }, reply) => {
		const id = readId(params.taskId, 'task_id');
		if (!tasks.untrack(id)) {
			throw new ApiError(404, { error: `Unable to locate running task_id ${id}` });
		}
		return reply.code(204).send();
	});
}

/** In plain text: so the vendor's pages have it. */
function notFound(reply: FastifyReply, what: string) {
	reply.code(404).type('text/plain; charset=utf-8');
	return reply.send(`${what} not found. To create configuration use POST /accounts.`);
}

import type { Sandbox } from '../../sandbox/server.mts';
import documented from './documented/account-email.200.json';
import notRunning from './documented/scheduler-delete.404.json';
import model from './documented/model.json';
import {
	call,
	differences,
	EMAIL,
	finished,
	misfits,
	SOURCE,
	startDocumented,
	startReceiver,
	TASK,
	until,
	upscale,
} from './support/documented.mts';

/** What accounts have left, and jobs that are no longer tracked. */

const OTHER = 'second@example.com';

let sandbox: Sandbox;
let receiver: Awaited<ReturnType<typeof startReceiver>> | undefined;
afterEach(async () => {
	await sandbox.close();
	await receiver?.close();
	receiver = undefined;
});

const account = async (email = EMAIL) =>
	await call(sandbox, `/v1/kling/accounts/${encodeURIComponent(email)}`);
const remove = async (id: unknown) =>
	await call(sandbox, `/v1/kling/scheduler/${id}`, { method: 'DELETE' });

test('GET /accounts/{email} is as documented, and 404 in plain text for no account', async () => {
	sandbox = await startDocumented();
	const mayDiffer = ['email', 'session.ExpireTime', 'session.ExpireTimeUTC'].concat(
		['nextApplyTime', 'total'].map((field) => `balance.${field}`),
		['orderId', 'amount', 'balance', 'startTime', 'endTime'].map((f) => `balance.points.0.${f}`),
	);
	const { status, body } = await account();
	expect([status, differences(body, documented, mayDiffer)]).toEqual([200, []]);
	const none = await account('nobody@example.com');
	expect([none.status, none.text]).toEqual([
		404,
		'Account configuration not found. To create configuration use POST /accounts.',
	]);
});

test('each accepted job lowers its account’s points, in hundredths, what ends first before the rest', async () => {
	sandbox = await startDocumented({
		accounts: [
			{ email: EMAIL, maxJobs: 5, credits: 1, topUp: 2 },
			{ email: OTHER, maxJobs: 5 },
		],
	});
	const parts = async () => (await account()).body.balance;
	expect(await parts()).toMatchObject({
		total: 300,
		points: [
			{ type: 'plan', amount: 100, balance: 100, endTime: Date.UTC(2030, 0, 31) },
			{ amount: 200, balance: 200, endTime: Date.UTC(2031, 5, 30) },
		],
	});
	for (let left = 2; left >= 1; left -= 1) {
		await upscale(sandbox, { ...SOURCE, email: EMAIL });
		expect(sandbox.credits()).toBe(left);
	}
	expect(await parts()).toMatchObject({
		total: 100,
		points: [{ balance: 0 }, { balance: 100 }],
	});
	await upscale(sandbox, { ...SOURCE, email: EMAIL, task_id: '404' });
	expect(sandbox.credits()).toBe(1);
	expect((await account(OTHER)).body.balance.total).toBe(10_000_000);
});

test('userPoints tells the balance only when told to', async () => {
	sandbox = await startDocumented({
		accounts: [{ email: EMAIL, maxJobs: 5, credits: 7 }],
		tellsPoints: true,
	});
	const { body } = await upscale(sandbox);
	expect(misfits(body, model)).toEqual([]);
	expect(body.userPoints).toMatchObject({ total: 600, points: [{ type: 'plan', balance: 600 }] });
	sandbox.settings.tellsPoints = false;
	expect((await upscale(sandbox)).body.userPoints).toEqual({ points: [], total: 0 });
});

test('without credits a job is accepted and then gone, or refused', async () => {
	sandbox = await startDocumented({ accounts: [{ email: EMAIL, maxJobs: 5, credits: 0 }] });
	const { status, body } = await upscale(sandbox);
	expect(status).toBe(200);
	const task = `/v1/kling/tasks/${body.task.id}`;
	await until(async () => (await call(sandbox, task)).status === 404);
	expect((await call(sandbox, '/v1/kling/scheduler')).body).toEqual([]);
	sandbox.settings.outOfCredits = 'refused';
	const refused = await upscale(sandbox);
	expect(refused).toMatchObject({ status: 500, body: { error: expect.stringMatching('credits') } });
	sandbox.settings.accounts[0].credits = 1;
	expect((await upscale(sandbox)).status).toBe(200);
	expect(sandbox.credits()).toBe(0);
});

test('several accounts: each has its own slots', async () => {
	const accounts = [EMAIL, OTHER].map((email, place) => ({ email, maxJobs: place + 1 }));
	sandbox = await startDocumented({ accounts, jobMs: 60_000 });
	await upscale(sandbox, { ...SOURCE, email: OTHER });
	expect((await call(sandbox, '/v1/kling/scheduler/available')).body).toMatchObject({
		executing: [{ email: OTHER }],
		available: [
			{ email: EMAIL, maxJobs: 1, executing: 0, available: 1 },
			{ email: OTHER, maxJobs: 2, executing: 1, available: 1 },
		],
	});
	const listed = (await call(sandbox, '/v1/kling/accounts')).body;
	expect(Object.keys(listed)).toEqual([EMAIL, OTHER]);
});

test('DELETE /scheduler/{task_id} frees the slot and stops the callbacks, not the task', async () => {
	const accounts = [{ email: EMAIL, maxJobs: 1, credits: 2 }];
	sandbox = await startDocumented({ accounts, hold: true });
	const { url, received } = (receiver = await startReceiver());
	const { id } = (await upscale(sandbox, { ...SOURCE, replyUrl: url })).body.task;
	await until(() => sandbox.held().length === 1 && received.length === 1);
	expect(await remove(id)).toMatchObject({ status: 204, text: '' });
	expect((await call(sandbox, '/v1/kling/scheduler')).body).toEqual([]);
	expect((await upscale(sandbox)).status).toBe(200);
	sandbox.release(String(id));
	expect((await finished(sandbox, id)).status_name).toBe('succeed');
	expect(received).toHaveLength(1);
	expect(sandbox.credits()).toBe(0);
	expect(await remove(TASK)).toMatchObject({ status: 404, body: notRunning });
});

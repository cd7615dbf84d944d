import type { Sandbox } from '../../sandbox/server.mts';
import { call, startDocumented, TASK } from './support/documented.mts';

/** DELETE /tasks/{task_id}, as the vendor's page "Delete Kling Task" has it. */

let sandbox: Sandbox;
beforeEach(async () => (sandbox = await startDocumented()));
afterEach(async () => await sandbox.close());

const remove = async (taskId: string) =>
	await call(sandbox, `/v1/kling/tasks/${taskId}`, { method: 'DELETE' });

test('a task and its works are gone permanently', async () => {
	const { status, text } = await remove(TASK);
	expect(status).toBe(200);
	expect(JSON.parse(text)).toEqual({ deleted: 1, workIds: [987654321] });
	expect((await call(sandbox, `/v1/kling/tasks/${TASK}`)).status).toBe(404);
	expect(await remove(TASK)).toMatchObject({
		status: 404,
		body: { error: `No works found for task ${TASK}` },
	});
});

test('an ID that is none', async () => {
	expect(await remove('abc')).toMatchObject({
		status: 400,
		body: { error: 'Invalid task_id parameter' },
	});
});

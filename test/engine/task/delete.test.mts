import { bench, TASK_ID, WORK_ID } from '../support/kling.mts';

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const deleteTask = { resource: 'task', operation: 'delete', taskId: byId('={{ $json.id }}') };
const OTHER = '700000010';
const RUNNING = '700000020';
const seeds = [{ taskId: OTHER }, { taskId: RUNNING, status: 'processing' as const }];

test('deletes each item’s task, and says which images went with it', async () => {
	const { run, sandbox } = await bench({ seeds });
	const { items, error } = await run([{ id: TASK_ID }, { id: OTHER }], deleteTask);
	expect(error).toBeUndefined();
	expect(items('Kling')).toEqual([
		{ json: { deleted: true, taskId: TASK_ID, workIds: [WORK_ID] }, pairedItem: { item: 0 } },
		{ json: { deleted: true, taskId: OTHER, workIds: ['700000011'] }, pairedItem: { item: 1 } },
	]);
	const left = (await sandbox.tasks()).map(({ taskId }) => taskId);
	expect(left).not.toContain(TASK_ID);
	expect(left).not.toContain(OTHER);
	expect(left).toContain(RUNNING);
});

test('asks the chosen account', async () => {
	const accounts = ['a@example.com', 'b@example.com'].map((email) => ({ email, maxJobs: 1 }));
	const { run, sandbox } = await bench({ accounts });
	const account = { __rl: true, mode: 'email', value: 'b@example.com' };
	const { items } = await run([{ id: TASK_ID }], { ...deleteTask, account });
	expect(items('Kling')[0].json.account).toBe('b@example.com');
	expect(sandbox.requests.map(({ method, query }) => [method, query.email])).toEqual([
		['DELETE', 'b@example.com'],
	]);
});

test('a task that is not there, or still runs, is an error of its item in the vendor’s words', async () => {
	const { run } = await bench({ seeds });
	const { items } = await run([{ id: '5' }, { id: RUNNING }, { id: TASK_ID }], deleteTask, {
		onError: 'continueRegularOutput',
	});
	expect(items('Kling').map(({ json }) => json.error ?? json.deleted)).toEqual([
		'No works found for task 5',
		`No works found for task ${RUNNING}`,
		true,
	]);
	expect(items('Kling')[0].json.details).toEqual({ taskId: '5', httpCode: '404' });
});

test('a wrong ID is told before anything is deleted', async () => {
	const { run, sandbox } = await bench();
	const { error } = await run([{ id: TASK_ID }, { id: 'all of them' }], deleteTask);
	expect(error?.message).toBe(`'Task' must be an ID made of digits, but is "all of them"`);
	expect(sandbox.requests).toEqual([]);
});

test.each(['resetAfter', 'resetBefore', 'truncate'] as const)(
	'is not sent again after %s',
	async (kind) => {
		const { run, addFault, sandbox } = await bench();
		addFault({ kind, method: 'DELETE' });
		const { error } = await run([{ id: TASK_ID }], deleteTask);
		expect(error?.message).toContain(`It is unknown whether task ${TASK_ID} was deleted`);
		expect(error?.description).toContain('Look the task up with Task → Get');
		expect(sandbox.requests).toHaveLength(1);
	},
);

import type { Execution } from '../../../tools/n8n/restClient.mts';
import { itemsOf, klingWorkflow, openN8n, until, type RealN8n } from '../support/real-n8n.mts';

/** What n8n itself does with a suspended execution must not pay again; the rest of it is tried in test/engine. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const good = { taskId: '123456789', workId: '987654321' };
const other = { taskId: '123456799', workId: '987654331' };
const invalid = { taskId: 'x', workId: '1' };
const pausing = {
	resource: 'image',
	operation: 'upscale',
	taskId: byId('={{ $json.taskId }}'),
	workId: byId('={{ $json.workId }}'),
	wait: 'callback',
};
const postsOf = ({ requests }: Awaited<ReturnType<RealN8n['open']>>['sandbox']) =>
	requests.filter(({ method }) => method === 'POST').length;

async function becomes(id: string, status: string): Promise<Execution> {
	await until(async () => (await real.api.getExecution(id)).status === status, 60_000);
	return await real.api.getExecution(id);
}

test('Retry On Fail and On Error → Continue with an invalid first item: each job is sent once', async () => {
	const { sandbox, credential } = await real.open({ seeds: [good, other], jobMs: 4_000 });
	const settings = {
		onError: 'continueRegularOutput',
		retryOnFail: true,
		maxTries: 3,
		waitBetweenTries: 100,
	} as const;
	const items = [invalid, good, other];
	const { id } = await real.api.importWorkflow(klingWorkflow(items, pausing, credential, settings));
	const executionId = await real.api.runWorkflow(id, 'Start');
	const done = await becomes(executionId, 'success');
	const results = itemsOf(done, 'Result').map(({ json }) => json);
	expect(results.map(({ status, error }) => status ?? error)).toEqual([
		`'Task' must be an ID made of digits, but is "x"`,
		'succeed',
		'succeed',
	]);
	expect(postsOf(sandbox)).toBe(2);
}, 90_000);

test('a suspended execution that is stopped and retried by hand goes on with its task, as n8n does at the time limit', async () => {
	const { sandbox, credential } = await real.open({ seeds: [good], jobMs: 4_000 });
	const { id } = await real.api.importWorkflow(klingWorkflow([good], pausing, credential));
	const executionId = await real.api.runWorkflow(id, 'Start');
	await becomes(executionId, 'waiting');
	await real.api.request('POST', `/rest/executions/${executionId}/stop`);
	await becomes(executionId, 'canceled');
	await real.api.request('POST', `/rest/executions/${executionId}/retry`, { loadWorkflow: false });
	const [latest] = (await real.api.listExecutions(id)).results;
	const done = await becomes(latest.id, 'success');
	const [{ json }] = itemsOf(done, 'Result');
	expect(json).toMatchObject({ taskId: '500000010', finished: false });
	expect(postsOf(sandbox)).toBe(1);
}, 90_000);

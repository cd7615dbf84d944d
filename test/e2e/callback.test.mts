import { execute, itemsOf, klingWorkflow, openN8n, type RealN8n } from './support/real-n8n.mts';
let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());
const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const good = { taskId: '123456789', workId: '987654321' };
const seeds = [good, { taskId: '700000005', upscale: 'fails' as const }];
const pausing = (changes: object = {}) => ({
	resource: 'image', operation: 'upscale',
	taskId: byId('={{ $json.taskId }}'), workId: byId('={{ $json.workId }}'),
	wait: 'callback', options: {}, ...changes,
});
test('single', async () => {
	const { sandbox, credential } = await real.open({ seeds, jobMs: 3000 });
	const execution = await execute(real.api, klingWorkflow([good], pausing({download: true}), credential));
	console.log(JSON.stringify(execution.resultData.error), JSON.stringify(itemsOf(execution, 'Result')), sandbox.callbacks, execution.startedAt, execution.stoppedAt, sandbox.requests.map(r=>r.method+r.path));
	expect(itemsOf(execution, 'Result')).toHaveLength(1);
});
test('fail', async () => {
	const { sandbox, credential } = await real.open({ seeds, jobMs: 3000 });
	const execution = await execute(real.api, klingWorkflow([good, {taskId:'700000005',workId:'700000006'}], pausing({download: true}), credential));
	console.log(execution.status, JSON.stringify(execution.resultData.error), JSON.stringify(itemsOf(execution, 'Result')), sandbox.callbacks);
});

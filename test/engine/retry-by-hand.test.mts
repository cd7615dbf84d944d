import { parse, stringify } from 'flatted';
import { WorkflowExecute } from 'n8n-core';
import type { IDataObject, IRunExecutionData } from 'n8n-workflow';

import { prepare, readRun, type EngineRun } from './support/engine.mts';
import { bench, TASK_ID, upscale, WORK_ID, type Bench } from './support/kling.mts';
import { klingWorkflow } from './support/workflows.mts';

/** A person presses Retry on a failed execution: what is paid for is picked up, what failed is sent anew. */

const good = { taskId: TASK_ID, workId: WORK_ID };
const failing = { taskId: '700000005', workId: '700000006' };
const seeds = [{ ...failing, upscale: 'fails' as const }];
const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
const parameters = (wait: string) =>
	upscale({ taskId: '={{ $json.taskId }}', workId: '={{ $json.workId }}', wait });

/** As n8n's server does it (execution.service.ts): the data of the failed execution under a new id, without its last run. */
async function retry(
	{ credentials }: Bench,
	{ run }: EngineRun,
	...workflow: Parameters<typeof klingWorkflow>
): Promise<EngineRun> {
	const data = parse(stringify(run.data)) as IRunExecutionData;
	delete data.resultData.error;
	data.resultData.runData[data.resultData.lastNodeExecuted!].pop();
	const { workflow: loaded, additionalData } = await prepare(
		klingWorkflow(...workflow),
		credentials,
	);
	const execution = new WorkflowExecute(additionalData, 'retry', data);
	return readRun(await execution.processRunExecutionData(loaded));
}

/** Fails, is retried, and is counted before and after. */
async function failAndRetry(kling: Bench, items: IDataObject[], wait: string) {
	const first = await kling.run(items, parameters(wait));
	expect(first.error).toBeDefined();
	const before = kling.posts();
	const second = await retry(kling, first, items, parameters(wait));
	return { first, second, before, after: kling.posts() - before };
}

describe.each(['poll', 'callback'])('%s', (wait) => {
	/** So that with Pause Until Called Back everything is over when the node looks. */
	async function slowToAnswer() {
		const kling = await bench({ jobMs: 100, seeds, callbacks: 'none' });
		kling.addFault({ ...POST, kind: 'delay', delayMs: 400, after: true, times: 9 });
		return kling;
	}

	test('a task that failed is sent anew', async () => {
		const { first, second, before, after } = await failAndRetry(
			await slowToAnswer(),
			[failing],
			wait,
		);
		expect([before, after]).toEqual([1, 1]);
		expect(first.error?.message).toMatch(/^Task 500000010 failed/);
		expect(second.error?.message).toMatch(/^Task 50000\d+ failed/);
		expect(second.error?.message).not.toBe(first.error?.message);
	});

	test('one that succeeded beside it is picked up', async () => {
		const kling = await slowToAnswer();
		const { first, second, before, after } = await failAndRetry(kling, [good, failing], wait);
		expect([before, after]).toEqual([2, 1]);
		expect(second.error?.message).toMatch(/^Task \d+ failed/);
		const paidFor = ({ error }: EngineRun) => /\(item 0: \d+\)/.exec(error!.description!)?.[0];
		expect(paidFor(second)).toBeDefined();
		expect(paidFor(second)).toBe(paidFor(first));
	});

	test('what is unknown stays so, and is not sent again', async () => {
		const kling = await bench({ seeds, callbacks: 'none' });
		kling.addFault({ ...POST, kind: 'resetAfter' });
		const { first, second, before, after } = await failAndRetry(kling, [good], wait);
		expect([before, after]).toEqual([1, 0]);
		expect(second.error?.message).toBe(first.error?.message);
	});
});

test('a task that is picked up is looked at at once', async () => {
	const kling = await bench();
	kling.addFault({ server: 'cdn', kind: 'status', status: 403 });
	// A pause of this length comes before the first look at a task that has just been sent.
	const slowly = { ...parameters('poll'), download: true, options: { pollInterval: 3 } };
	const first = await kling.run([good], slowly);
	expect(first.error?.message).toContain('could not be downloaded');
	const pressedMs = Date.now();
	const second = await retry(kling, first, [good], slowly);
	expect(second.items('Kling')[0].binary).toBeDefined();
	expect(kling.posts()).toBe(1);
	const looks = kling.sandbox.requests.filter(({ path }) => path.startsWith('/v1/kling/tasks/'));
	expect(looks).toHaveLength(2);
	expect(looks[1].at - pressedMs).toBeLessThan(3_000);
});

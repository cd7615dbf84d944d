import type { IDataObject } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

import { runWorkflow } from '../support/n8n/engine.mts';
import { bench, upscale, type Bench } from '../support/kling.mts';
import { klingWorkflow, loopWorkflow } from '../support/n8n/workflows.mts';
import { knowsErrorDetails } from '../support/n8n/version.mts';

/** The node runs several times within one execution: in a loop, by its error output, by two branches. */

const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
const LIST = { method: 'GET', path: '^/v1/kling/tasks$' };
const SCHEDULER = { method: 'GET', path: '/v1/kling/scheduler' };
const ROUNDS = 3;

/** What each run of the node has put out, on whichever output. */
async function runLoop(
	{ credentials }: Bench,
	parameters: IDataObject,
	of: 'results' | 'errors',
): Promise<IDataObject[]> {
	const workflow = loopWorkflow([{}], parameters, { rounds: ROUNDS, of });
	const { error, run, items } = await runWorkflow(workflow, credentials);
	expect(error).toBeUndefined();
	return run.data.resultData.runData.Kling.map(
		(_, runIndex) => [...items('Kling', 0, runIndex), ...items('Kling', 1, runIndex)][0].json,
	);
}

/** Before n8n 2.35 such an item does not leave by the error output (docs/versioning.md). */
const onErrorOutput = knowsErrorDetails ? describe : describe.skip;

onErrorOutput('error output wired back to the node', () => {
	test('an unknown outcome is sent once, in all rounds', async () => {
		const kling = await bench();
		kling.addFault({ ...POST, kind: 'resetBefore' });
		const outputs = await runLoop(kling, upscale(), 'errors');
		expect(outputs).toHaveLength(1 + ROUNDS);
		for (const { error } of outputs) expect(error).toContain('It is unknown whether');
		expect(kling.posts()).toBe(1);
	});

	test('a later round finds it once the lists show it', async () => {
		const kling = await bench();
		kling.addFault({ ...POST, kind: 'resetAfter' });
		// The only look within this time limit.
		kling.addFault({ ...LIST, kind: 'json', body: { history: [] } });
		kling.addFault({ ...SCHEDULER, kind: 'json', body: [] });
		const outputs = await runLoop(kling, upscale({ options: { timeout: 1 } }), 'errors');
		expect(outputs).toHaveLength(2);
		expect(outputs[0].error).toContain('It is unknown whether');
		expect(outputs.at(-1)).toMatchObject({ taskId: '500000010', status: 'succeed' });
		expect(kling.posts()).toBe(1);
	});

	test('a time-out is waited for again, not sent again', async () => {
		const kling = await bench({ jobMs: 2_500 });
		const outputs = await runLoop(kling, upscale({ options: { timeout: 1 } }), 'errors');
		expect(outputs[0].error).toContain('did not finish within 1 seconds');
		expect(outputs.at(-1)).toMatchObject({ taskId: '500000010', status: 'succeed' });
		expect(kling.posts()).toBe(1);
	});

	test('what was refused is sent again, since nothing was spent', async () => {
		const kling = await bench();
		kling.addFault({ ...POST, kind: 'json', status: 400, body: { error: 'Not now' }, times: 2 });
		const outputs = await runLoop(kling, upscale(), 'errors');
		expect(outputs.map(({ error, status }) => error ?? status)).toEqual([
			'Not now',
			'Not now',
			'succeed',
		]);
		expect(kling.posts()).toBe(3);
	});

	test.each([
		['a 500', { kind: 'json' as const, status: 500, body: { error: 'Not this one' } }],
		['a redirect', { kind: 'redirect' as const }],
	])('after %s the lists are read before it is sent again', async (_name, fault) => {
		const kling = await bench();
		kling.addFault({ ...POST, ...fault });
		const outputs = await runLoop(kling, upscale(), 'errors');
		expect(outputs.at(-1)).toMatchObject({ status: 'succeed' });
		expect(outputs).toHaveLength(2);
		expect(kling.posts()).toBe(2);
		const order = kling.sandbox.requests.map(({ method, path }) => `${method} ${path}`);
		const list = order.indexOf('GET /v1/kling/tasks');
		expect(list).toBeGreaterThan(order.indexOf(`POST ${POST.path}`));
		expect(list).toBeLessThan(order.lastIndexOf(`POST ${POST.path}`));
	});

	test('a task that Kling has ended as failed is sent again by each round', async () => {
		const failing = { taskId: '700000005', workId: '700000006' };
		const kling = await bench({ seeds: [{ ...failing, upscale: 'fails' }] });
		const outputs = await runLoop(kling, upscale(failing), 'errors');
		const told = outputs.map(({ error }) => /Task \d+ failed/.exec(String(error))?.[0]);
		expect(new Set(told).size).toBe(1 + ROUNDS);
		expect(kling.posts()).toBe(1 + ROUNDS);
	});
});

test.each(['poll', 'none'])('in a loop the same image is one job: %s', async (wait) => {
	const kling = await bench();
	const outputs = await runLoop(kling, upscale({ wait }), 'results');
	expect(outputs.map(({ taskId }) => taskId)).toEqual(Array(1 + ROUNDS).fill('500000010'));
	for (const output of outputs) expect(output).not.toHaveProperty('reused');
	expect(kling.posts()).toBe(1);
});

test('two branches that come to the node with the same image are one job', async () => {
	const { credentials, posts } = await bench();
	const { nodes, connections } = klingWorkflow([{}], upscale());
	const pass = { ...nodes[2], id: 'Other', name: 'Other' };
	const to = (node: string) => ({ node, type: NodeConnectionTypes.Main, index: 0 });
	const twice = {
		...connections,
		Start: { main: [[to('Kling'), to('Other')]] },
		Other: { main: [[to('Kling')]] },
	};
	const workflow = { nodes: [...nodes, pass], connections: twice };
	const { items } = await runWorkflow(workflow, credentials);
	for (const run of [0, 1]) {
		expect(items('Kling', 0, run)[0].json).toMatchObject({
			taskId: '500000010',
			status: 'succeed',
		});
	}
	expect(posts()).toBe(1);
});

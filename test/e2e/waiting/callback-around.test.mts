import { randomUUID } from 'node:crypto';

import type { Execution } from '../../../tools/n8n/restClient.mts';
import { execute, itemsOf, klingWorkflow, openN8n, type RealN8n } from '../support/real-n8n.mts';
import {
	good,
	goods,
	seeds,
	pausing,
	runUntilSuspended,
	statusBecomes,
	callBack,
	resumeUrlOf,
	allFinished,
} from '../support/suspended.mts';

/** Pause Until Called Back in the real n8n when more happens around it: edits, loops, sub-workflows, a killed n8n. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

test('a workflow that is edited meanwhile goes on as it was', async () => {
	const { sandbox, credential } = await real.open({ seeds, jobMs: 500, callbacks: 'none' });
	const saved = await real.api.importWorkflow(klingWorkflow([good], pausing(), credential));
	const executionId = await real.api.runWorkflow(saved.id, 'Start');
	await statusBecomes(real, executionId, 'waiting');
	await real.api.updateWorkflow(saved.id, {
		nodes: saved.nodes.filter(({ name }) => name !== 'Kling'),
		connections: {},
		versionId: saved.versionId,
	});
	await allFinished(sandbox);
	await callBack({ sandbox, url: resumeUrlOf(sandbox) }, '500000010');
	const { status, resultData } = await real.api.waitForExecution(executionId);
	expect(status).toBe('success');
	expect(itemsOf({ resultData } as Execution, 'Result')).toHaveLength(1);
});

test('in a loop every round waits for its own', async () => {
	const { sandbox, credential } = await real.open({ seeds, jobMs: 800 });
	const workflow = klingWorkflow(goods.slice(0, 3), pausing(), credential);
	const loop = {
		...workflow.nodes[3],
		id: randomUUID(),
		name: 'Loop',
		type: 'n8n-nodes-base.splitInBatches',
		typeVersion: 3,
		parameters: { options: {} },
	};
	const to = (node: string) => [{ node, type: 'main', index: 0 }];
	const execution = await execute(real.api, {
		...workflow,
		nodes: [...workflow.nodes, loop],
		connections: {
			Start: { main: [to('Items')] },
			Items: { main: [to('Loop')] },
			Loop: { main: [to('Result'), to('Kling')] },
			Kling: { main: [to('Loop')] },
		},
	});
	expect(execution.resultData.error).toBeUndefined();
	expect(itemsOf(execution, 'Result').map(({ json }) => json.taskId)).toEqual([
		'500000010',
		'500000020',
		'500000030',
	]);
	expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(3);
});

test('in a sub-workflow the caller waits along and gets the results', async () => {
	const { credential } = await real.open({ seeds, jobMs: 1_500 });
	const child = klingWorkflow([good], pausing(), credential);
	const kling = child.nodes.find(({ name }) => name === 'Kling')!;
	const called = {
		...kling,
		id: randomUUID(),
		name: 'Called',
		type: 'n8n-nodes-base.executeWorkflowTrigger',
		typeVersion: 1.1,
		parameters: { inputSource: 'passthrough' },
		credentials: undefined,
	};
	const to = (node: string) => [{ node, type: 'main', index: 0 }];
	const { id, versionId } = await real.api.importWorkflow({
		...child,
		nodes: [called, kling],
		connections: { Called: { main: [to('Kling')] } },
	});
	await real.api.request('POST', `/rest/workflows/${id}/activate`, { versionId });
	const parent = klingWorkflow([good, good], {}, credential);
	const caller = parent.nodes.find(({ name }) => name === 'Kling')!;
	Object.assign(caller, {
		type: 'n8n-nodes-base.executeWorkflow',
		typeVersion: 1.2,
		credentials: undefined,
		parameters: {
			workflowId: { __rl: true, mode: 'id', value: id },
			workflowInputs: { mappingMode: 'defineBelow', value: {} },
			options: { waitForSubWorkflow: true },
		},
	});
	const execution = await execute(real.api, parent);
	expect(execution.resultData.error).toBeUndefined();
	expect(itemsOf(execution, 'Result').map(({ json }) => json.status)).toEqual([
		'succeed',
		'succeed',
	]);
}, 60_000);

test('survives n8n being killed while suspended: called back after its restart, it goes on', async () => {
	const { sandbox, credential } = await real.open({ seeds, jobMs: 500, callbacks: 'none' });
	const executionId = await runUntilSuspended(
		real,
		klingWorkflow(goods.slice(0, 2), pausing({ download: true }), credential),
	);
	await allFinished(sandbox);
	await real.killAndRestart();
	expect((await real.api.getExecution(executionId)).status).toBe('waiting');
	await callBack({ sandbox, url: resumeUrlOf(sandbox) }, '500000020');
	const { status, resultData } = await real.api.waitForExecution(executionId);
	expect(status).toBe('success');
	expect(
		itemsOf({ resultData } as Execution, 'Result').map(({ binary }) => binary?.data.mimeType),
	).toEqual(['image/png', 'image/png']);
	expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
}, 240_000);

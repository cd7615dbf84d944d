import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import type { Sandbox } from '../../sandbox/server.mts';
import type { Execution, Workflow } from '../../tools/n8n/restClient.mts';
import {
	execute,
	itemsOf,
	klingWorkflow,
	openN8n,
	readExample,
	type RealN8n,
} from './support/real-n8n.mts';

/** Pause Until Called Back in the real n8n: its own waiting, its own resume URLs, its own database. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const good = { taskId: '123456789', workId: '987654321' };
const failing = { taskId: '700000005', workId: '700000006' };
const unfinished = { taskId: '700000001', workId: '700000002' };
/** One image is paid for once, so as many jobs need as many images. */
const goods = Array.from({ length: 25 }, (_, number) => ({
	taskId: String(710000000 + 2 * number),
	workId: String(710000001 + 2 * number),
}));
const seeds = [
	good,
	...goods,
	{ taskId: '700000005', upscale: 'fails' as const },
	{ taskId: '700000001', status: 'processing' as const },
];
const pausing = (changes: object = {}) => ({
	resource: 'image',
	operation: 'upscale',
	taskId: byId('={{ $json.taskId }}'),
	workId: byId('={{ $json.workId }}'),
	wait: 'callback',
	options: {},
	...changes,
});

/** Starts a workflow and waits until its execution is suspended. */
async function park(workflow: Workflow): Promise<string> {
	const { id } = await real.api.importWorkflow(workflow);
	const executionId = await real.api.runWorkflow(id, 'Start');
	await statusBecomes(executionId, 'waiting');
	return executionId;
}

async function statusBecomes(executionId: string, wanted: string): Promise<Execution> {
	const deadline = Date.now() + 60_000;
	for (;;) {
		const execution = await real.api.getExecution(executionId);
		if (execution.status === wanted) return execution;
		if (Date.now() > deadline) throw new Error(`It stayed ${execution.status}, not ${wanted}`);
		await pause(50);
	}
}

/** What useapi.net would send about a task now, sent to its reply URL. */
async function callBack({ sandbox, url }: { sandbox: Sandbox; url: string }, taskId: unknown) {
	const model = await fetch(`${sandbox.url}/v1/kling/tasks/${String(taskId)}`, {
		headers: { authorization: `Bearer ${sandbox.token}` },
	});
	return await send(url, await model.text());
}

const send = async (url: string, body: string, method = 'POST') =>
	await fetch(url, {
		method,
		headers: { 'content-type': 'application/json' },
		...(method !== 'GET' && { body }),
	});

const resumeUrlOf = (sandbox: Sandbox) =>
	(sandbox.requests.find(({ method }) => method === 'POST')!.body as { replyUrl: string }).replyUrl;

async function allFinished(sandbox: Sandbox) {
	const isOver = ({ taskId, status }: { taskId: string; status: string }) =>
		taskId === unfinished.taskId || ['succeed', 'failed'].includes(status);
	while (!(await sandbox.tasks()).every(isOver)) await pause(20);
}

/** The limit is looked at once a minute, so this one is begun first and waited for last. */
describe('the time limit', () => {
	let execution: Promise<Execution>;
	let sandbox: Sandbox;
	beforeAll(async () => {
		const opened = await real.open({ seeds: [], jobMs: 3_000, callbacks: 'withoutFinal' });
		({ sandbox } = opened);
		const several = (await sandbox.tasks()).find(({ workIds }) => workIds.length === 3)!;
		const example = await readExample('upscale-and-pause.json', opened.credential);
		const nodeOf = (name: string) => example.nodes.find((node) => node.name === name)!;
		nodeOf('Get Images').parameters.taskId = byId(several.taskId);
		nodeOf('Upscale').parameters.options = { timeout: 60 };
		execution = execute(real.api, example);
	}, 60_000);

	test('brings back what no callback was received for; Task → Get collects it (the example)', async () => {
		const done = await execution;
		expect(done.resultData.error).toBeUndefined();
		expect(itemsOf(done, 'Upscale').map(({ json }) => json.finished)).toEqual([
			false,
			false,
			false,
		]);
		const collected = itemsOf(done, 'Larger Images');
		expect(collected.map(({ json }) => json.status)).toEqual(['succeed', 'succeed', 'succeed']);
		expect(collected.every(({ binary }) => binary?.data.mimeType === 'image/png')).toBe(true);
		expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(3);
	}, 240_000);
});

test('a single image: suspended, called back, done, with the file', async () => {
	const { sandbox, credential } = await real.open({ seeds, jobMs: 3_000 });
	const executionId = await park(klingWorkflow([good], pausing({ download: true }), credential));
	const { status, resultData } = await real.api.waitForExecution(executionId);
	expect(status).toBe('success');
	const [{ json, binary }] = itemsOf({ resultData } as Execution, 'Result');
	expect(json).toMatchObject({ taskId: '500000010', status: 'succeed', finished: true });
	const file = await fetch(
		`${real.n8n.url}/rest/binary-data?id=${encodeURIComponent(String(binary?.data.id))}&action=view&mimeType=image/png&fileName=x.png`,
		{ headers: real.api.headers },
	);
	expect((await file.arrayBuffer()).byteLength).toBe(binary?.data.bytes);
	// Progress is acknowledged and asks nothing: one look before the suspension, one when it was finished.
	expect(sandbox.callbacks.map(({ answer }) => answer)).toEqual([200, 200]);
	expect(sandbox.requests.filter(({ path }) => path.startsWith('/v1/'))).toHaveLength(3);
});

test('25 items, some refused, some failing: one output for each, in order, on two branches', async () => {
	const { sandbox, credential } = await real.open({
		seeds,
		jobMs: 2_000,
		accounts: [{ email: 'artist@example.com', maxJobs: 25 }],
	});
	const kinds = [good, good, failing, good, unfinished];
	const items = goods.map((own, number) => {
		const kind = kinds[number % 5];
		return { ...(kind === good ? own : kind), number };
	});
	const inPlace = await execute(
		real.api,
		klingWorkflow(items, pausing({ options: { replyRef: '={{ $json.number }}' } }), credential, {
			onError: 'continueRegularOutput',
		}),
	);
	const results = itemsOf(inPlace, 'Result');
	expect(results.map(({ pairedItem }) => pairedItem)).toEqual(
		items.map(({ number }) => ({ item: number })),
	);
	for (const [number, { json }] of results.entries()) {
		if (kinds[number % 5] === good) expect(json.replyRef).toBe(String(number));
		else if (kinds[number % 5] === failing) expect(json.error).toMatch(/^Task \d+ failed/);
		else expect(json.error).toBe('Task 700000001 is not completed');
	}
	// The good ones, and one for each of the two images that several items name.
	expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(15 + 2);

	const branched = await execute(
		real.api,
		klingWorkflow(items, pausing(), credential, { onError: 'continueErrorOutput' }),
	);
	expect(itemsOf(branched, 'Result')).toHaveLength(15);
	expect(itemsOf(branched, 'Failed')).toHaveLength(10);
});

test('a failed task ends the execution with its reason, and a retry by hand sends nothing', async () => {
	const { sandbox, credential } = await real.open({ seeds });
	const execution = await execute(
		real.api,
		klingWorkflow([failing, good], pausing(), credential, { retryOnFail: true }),
	);
	expect(execution.status).toBe('error');
	expect(execution.resultData.error?.message).toMatch(/^Task \d+ failed: Image upscale failed/);
	expect(itemsOf(execution, 'Result')).toEqual([]);
	const { id } = await real.api.request<{ id?: string }>(
		'POST',
		`/rest/executions/${execution.id}/retry`,
		{ loadWorkflow: true },
	);
	const retried = await real.api.waitForExecution(String(id ?? Number(execution.id) + 1));
	expect(retried.resultData.error?.message).toBe(execution.resultData.error?.message);
	expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
});

test('what is finished before the execution is suspended has called in vain, and is not waited for', async () => {
	const { sandbox, credential } = await real.open({
		seeds,
		jobMs: 300,
		accounts: [{ email: 'artist@example.com', maxJobs: 1 }],
		retryAfterSeconds: 1,
	});
	const { status, resultData } = await execute(
		real.api,
		klingWorkflow(goods.slice(0, 3), pausing(), credential),
	);
	expect(status).toBe('success');
	expect(itemsOf({ resultData } as Execution, 'Result')).toHaveLength(3);
	// n8n takes no calls while the execution runs: it answers 409, or 500 when it was started in the editor.
	expect(sandbox.callbacks.filter(({ answer }) => Number(answer) >= 400)).not.toEqual([]);
});

test('forged calls, wrong methods and garbage change nothing; ten true ones at once resume it once', async () => {
	const { sandbox, credential } = await real.open({ seeds, jobMs: 8_000, callbacks: 'none' });
	const executionId = await park(klingWorkflow(goods.slice(0, 2), pausing(), credential));
	const url = resumeUrlOf(sandbox);
	const lie = JSON.stringify({ task: { id: 500000010 }, status_final: true, works: [{}] });
	const statuses = await Promise.all([
		send(url, lie),
		send(url, '{"task":{"id":1},"status_final":true}'),
		send(url, 'garbage'),
		send(url, '[]'),
		send(url, ''),
		send(url, lie, 'PUT'),
		send(url, '', 'GET'),
		send(url.replace(/signature=\w{4}/, 'signature=0000'), lie),
	]);
	expect(statuses.map(({ status }) => status).slice(5)).toEqual([404, 404, 401]);
	expect((await real.api.getExecution(executionId)).status).toBe('waiting');

	await allFinished(sandbox);
	const calls = Array.from({ length: 10 }, () => callBack({ sandbox, url }, '500000010'));
	const answers = await Promise.all(calls);
	expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
	const { status, resultData } = await real.api.waitForExecution(executionId);
	expect(status).toBe('success');
	expect(resultData.runData.Result).toHaveLength(1);
	expect(itemsOf({ resultData } as Execution, 'Result')).toHaveLength(2);
	// And one that comes too late.
	expect((await callBack({ sandbox, url }, '500000010')).status).toBe(409);
});

test('while the API has problems it stays suspended; the next call resumes it', async () => {
	const { sandbox, credential } = await real.open({ seeds, jobMs: 500, callbacks: 'none' });
	const executionId = await park(klingWorkflow([good], pausing(), credential));
	await allFinished(sandbox);
	const url = resumeUrlOf(sandbox);
	const model = await fetch(`${sandbox.url}/v1/kling/tasks/500000010`, {
		headers: { authorization: `Bearer ${sandbox.token}` },
	});
	const body = await model.text();
	const { token } = sandbox.settings;
	sandbox.settings.token = 'user:2-changed-since';
	const refused = await send(url, body);
	expect(refused.status).toBe(503);
	expect(await refused.text()).not.toContain(token);
	expect((await real.api.getExecution(executionId)).status).toBe('waiting');
	sandbox.settings.token = token;
	expect((await send(url, body)).status).toBe(200);
	expect((await real.api.waitForExecution(executionId)).status).toBe('success');
});

test('a workflow that is edited meanwhile goes on as it was', async () => {
	const { sandbox, credential } = await real.open({ seeds, jobMs: 500, callbacks: 'none' });
	const saved = await real.api.importWorkflow(klingWorkflow([good], pausing(), credential));
	const executionId = await real.api.runWorkflow(saved.id, 'Start');
	await statusBecomes(executionId, 'waiting');
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
	const executionId = await park(
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

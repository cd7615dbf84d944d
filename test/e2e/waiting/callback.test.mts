import type { Sandbox } from '../../../sandbox/server.mts';
import type { Execution } from '../../../tools/n8n/restClient.mts';
import {
	execute,
	itemsOf,
	klingWorkflow,
	openN8n,
	readExample,
	type RealN8n,
} from '../support/real-n8n.mts';
import {
	byId,
	good,
	failing,
	unfinished,
	goods,
	seeds,
	pausing,
	runUntilSuspended,
	callBack,
	send,
	resumeUrlOf,
	allFinished,
} from '../support/suspended.mts';

/** Pause Until Called Back in the real n8n: its own waiting, its own resume URLs, its own database. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

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
	const executionId = await runUntilSuspended(
		real,
		klingWorkflow([good], pausing({ download: true }), credential),
	);
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
	const executionId = await runUntilSuspended(
		real,
		klingWorkflow(goods.slice(0, 2), pausing(), credential),
	);
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
	const executionId = await runUntilSuspended(real, klingWorkflow([good], pausing(), credential));
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

import { readBinary, runWorkflow } from '../support/n8n/engine.mts';
import { bench } from '../support/kling.mts';
import { waitingExecution } from '../support/n8n/waiting-execution.mts';
import {
	allFinished,
	apiCalls,
	good,
	goods,
	modelOf,
	own,
	suspend,
	pausing,
	seeds,
	unfinished,
} from '../support/suspending.mts';
import { klingWorkflow } from '../support/n8n/workflows.mts';

/** Pause Until Called Back on n8n's own engine: a suspended execution is called, and goes on. */

describe('called back', () => {
	test('goes on with the results, in order, linked, with files', async () => {
		const { waiting, sandbox, submitted } = await suspend(goods.slice(0, 3), {
			parameters: { download: true, options: { replyRef: '={{ "item " + $itemIndex }}' } },
		});
		await allFinished({ sandbox }, own);
		const { run, answer } = await waiting.call(await modelOf({ sandbox }, submitted[1].taskId));
		expect(answer).toBeUndefined();
		const results = run!.items('Result');
		expect(results.map(({ json }) => json.taskId)).toEqual(submitted.map(({ taskId }) => taskId));
		expect(results.map(({ json }) => json.replyRef)).toEqual(['item 0', 'item 1', 'item 2']);
		expect(results.map(({ json }) => json.finished)).toEqual([true, true, true]);
		expect(results[0].json).not.toHaveProperty('message');
		expect(results.map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
		const files = await Promise.all(results.map(({ binary }) => readBinary(binary!.data)));
		expect(files.every((file) => file.length > 1_000)).toBe(true);
		expect(run!.error).toBeUndefined();
	});

	test('Raw stays raw', async () => {
		const { waiting, sandbox, submitted } = await suspend([good], {
			parameters: { output: 'raw' },
		});
		expect(submitted[0]).toMatchObject({ status_final: false, task: { id: 500000010 } });
		await allFinished({ sandbox }, own);
		const { run } = await waiting.call(await modelOf({ sandbox }, '500000010'));
		expect(run!.items('Result')[0].json).toMatchObject({ status_final: true, works: [{}] });
	});

	test('progress changes nothing and asks nothing', async () => {
		const { waiting, sandbox, submitted } = await suspend([good], { options: { jobMs: 5_000 } });
		const model = await modelOf({ sandbox }, submitted[0].taskId);
		const before = apiCalls({ sandbox });
		expect(await waiting.call(model)).toEqual({ status: 200, answer: { message: 'Noted' } });
		expect(apiCalls({ sandbox })).toBe(before);
	});

	test('what other tasks do is no matter of this execution', async () => {
		const { waiting, sandbox } = await suspend([good]);
		await allFinished({ sandbox }, own);
		const before = apiCalls({ sandbox });
		for (const body of [{ task: { id: 1 }, status_final: true }, { works: [{ taskId: '2' }] }]) {
			expect(await waiting.call(body)).toEqual({
				status: 200,
				answer: { message: 'This execution waits for other tasks' },
			});
		}
		expect(apiCalls({ sandbox })).toBe(before);
	});

	test.each([
		['nothing', ''],
		['no JSON', '<html>'],
		['an array', []],
		['null', null],
		['a number', 17],
		['an empty object', {}],
		['wrong types', { task: 'x', works: 7, status_final: 'yes', status_name: {} }],
		['prototype games', '{"__proto__":{"status_final":true},"constructor":{"prototype":1}}'],
		['deep nesting', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
		['a lie', { task: { id: 500000010 }, status_final: true, status_name: 'succeed' }],
		['a lie with a link', { task: { id: '500000010' }, status_final: true, works: [{}] }],
	])('%s resumes nothing while the task runs', async (_name, body) => {
		const { waiting } = await suspend([good], { options: { jobMs: 3_600_000 } });
		// One that says finished is trusted for a minute, as far as looking goes.
		const called = await waiting.call(body);
		expect(called).toEqual({ status: 200, answer: { message: 'Noted' } });
	});

	test('stops looking at the first task that still runs', async () => {
		const { waiting, sandbox, submitted } = await suspend(goods, {
			options: {
				jobMs: 3_600_000,
				accounts: [{ email: 'artist@example.com', maxJobs: goods.length }],
			},
		});
		const before = apiCalls({ sandbox });
		const lie = { task: { id: submitted[3].taskId }, status_final: true };
		expect((await waiting.call(lie)).run).toBeUndefined();
		expect(apiCalls({ sandbox }) - before).toBe(2);
		// The next look begins with the task that ran last time: one call is enough.
		expect((await waiting.call({})).run).toBeUndefined();
		expect(apiCalls({ sandbox }) - before).toBe(3);
	});

	test('a call without a word looks once, one that says finished for a minute', async () => {
		const { waiting, sandbox } = await suspend([good], { options: { jobMs: 3_600_000 } });
		const before = apiCalls({ sandbox });
		await waiting.call({});
		expect(apiCalls({ sandbox }) - before).toBe(1);
		const final = { task: { id: 500000010 }, status_final: true };
		await waiting.call(final);
		const looks = sandbox.requests.slice(-6).map(({ at }) => at);
		expect(apiCalls({ sandbox }) - before).toBe(1 + looks.length);
		expect(looks[5] - looks[0]).toBeGreaterThanOrEqual(60_000);
		expect(looks[5] - looks[0]).toBeLessThan(70_000);
	});

	test.each([
		['without the list of running jobs', { kind: 'status', status: 503 }],
		['with a list that still has finished ones', { kind: 'json', body: [{ id: 500000010 }] }],
		['with an empty list', { kind: 'json', body: [] }],
		['with a list that is none', { kind: 'json', body: { error: 'no list' } }],
	] as const)('goes on %s', async (_name, fault) => {
		const { waiting, sandbox, submitted, addFault } = await suspend(goods.slice(0, 2));
		await allFinished({ sandbox }, own);
		addFault({ ...fault, method: 'GET', path: '/v1/kling/scheduler', times: 9 } as never);
		const { run } = await waiting.call(await modelOf({ sandbox }, submitted[0].taskId));
		expect(run!.items('Result')).toHaveLength(2);
	});

	test('ids past 2^53 stay exact', async () => {
		const { waiting, sandbox, submitted } = await suspend([good], {
			options: { firstTaskId: '90071992547409931' },
		});
		expect(submitted[0].taskId).toBe('90071992547409931');
		await allFinished({ sandbox }, own);
		const { run } = await waiting.call(await modelOf({ sandbox }, '90071992547409931'));
		expect(run!.items('Result')[0].json.taskId).toBe('90071992547409931');
	});

	test('whatever the node is called', async () => {
		const name = 'My "Kling" }} {{ node \\ \'1\' 日本';
		const kling = await bench({ jobMs: 300, callbacks: 'none' });
		const named = () => {
			const text = JSON.stringify(klingWorkflow([good], pausing()));
			const renamed = JSON.stringify(name);
			return JSON.parse(text.replaceAll('"Kling"', () => renamed)) as ReturnType<
				typeof klingWorkflow
			>;
		};
		const run = await runWorkflow(named(), kling.credentials);
		await allFinished(kling, own);
		const waiting = waitingExecution(named(), kling.credentials, run);
		const { run: resumed } = await waiting.call(await modelOf(kling, '500000010'));
		expect(resumed!.items('Result')).toHaveLength(1);
	});

	test('what was finished or had failed before is kept', async () => {
		const kling = await bench({
			jobMs: 500,
			accounts: [{ email: 'artist@example.com', maxJobs: 1 }],
			retryAfterSeconds: 1,
			seeds,
			callbacks: 'none',
		});
		const items = [goods[0], unfinished, goods[1]];
		const settings = { onError: 'continueRegularOutput' } as const;
		const run = await kling.run(items, pausing({ download: true }), settings);
		await allFinished(kling, own);
		const looks = kling.looks();
		const workflow = klingWorkflow(items, pausing({ download: true }), settings);
		const waiting = waitingExecution(workflow, kling.credentials, run);
		const waitedFor = run.items('Kling').find(({ json }) => json.finished === false)!;
		const { run: resumed } = await waiting.call(await modelOf(kling, waitedFor.json.taskId));
		const results = resumed!.items('Result');
		expect(results.map(({ json }) => json.status ?? json.error)).toEqual([
			'succeed',
			'Task 700000001 is not completed',
			'succeed',
		]);
		expect(results.map(({ binary }) => binary?.data.mimeType)).toEqual([
			'image/png',
			undefined,
			'image/png',
		]);
		expect(results.map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
		// The test's own look, and the node's at the two tasks: the file of the one that was finished is still to be fetched.
		expect(kling.looks() - looks).toBe(3);
	});

	test('with Execute Once there is one', async () => {
		const { waiting, sandbox } = await suspend(goods.slice(0, 2), {
			settings: { executeOnce: true },
		});
		await allFinished({ sandbox }, own);
		const { run } = await waiting.call(await modelOf({ sandbox }, '500000010'));
		expect(run!.items('Result')).toHaveLength(1);
	});
});

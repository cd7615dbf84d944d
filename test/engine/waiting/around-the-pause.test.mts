import { pass } from '../support/n8n/clock.mts';
import { bench, EMPTY_SUCCESS } from '../support/kling.mts';
import { waitingExecution, pendingTasks } from '../support/n8n/waiting-execution.mts';
import {
	allFinished,
	good,
	goods,
	modelOf,
	own,
	suspend,
	pausing,
	seeds,
} from '../support/suspending.mts';
import { klingWorkflow } from '../support/n8n/workflows.mts';

/** Pause Until Called Back: nothing that happens around the pause is missed. */

const TASKS = { method: 'GET', path: '/v1/kling/tasks/' };
const accounts = [{ email: 'artist@example.com', maxJobs: 1 }];
const files = (requests: Array<{ server: string }>) =>
	requests.filter(({ server }) => server === 'cdn').length;

describe('before it pauses', () => {
	test('no file is fetched, so that no call comes to a running execution', async () => {
		const items = goods.slice(0, 2);
		const kling = await bench({
			jobMs: 700,
			accounts,
			retryAfterSeconds: 1,
			seeds,
			callbacks: 'none',
		});
		const settings = pausing({ download: true });
		const first = await kling.run(items, settings);
		expect(first.run.waitTill).toBeDefined();
		const finished = first.items('Kling').map(({ json }) => json.finished);
		expect(finished).toContain(false);
		expect(files(kling.sandbox.requests)).toBe(0);
		await allFinished(kling, own);
		const waiting = waitingExecution(klingWorkflow(items, settings), kling.credentials, first);
		const { run } = await waiting.call(await modelOf(kling, '500000020'));
		const results = run!.items('Result');
		expect(results.map(({ json }) => json.status)).toEqual(['succeed', 'succeed']);
		expect(results.every(({ binary }) => binary?.data.mimeType === 'image/png')).toBe(true);
	});

	test('all are looked at again when one was slow to look at, and if all are finished there is no pause', async () => {
		const kling = await bench({ jobMs: 600, seeds, callbacks: 'none' });
		// The others end while this is waited for; their callbacks meet a running execution.
		kling.addFault({ ...TASKS, path: '/v1/kling/tasks/500000010', kind: 'delay', delayMs: 1_000 });
		const { run, items } = await kling.run(goods.slice(0, 3), pausing({ download: true }));
		expect(run.waitTill).toBeUndefined();
		expect(items('Result').map(({ json }) => json.status)).toEqual([
			'succeed',
			'succeed',
			'succeed',
		]);
		expect(files(kling.sandbox.requests)).toBe(3);
	});
});

describe('a callback that says finished before GET shows it', () => {
	const LAG_MS = 40_000;
	const final = { task: { id: 500000010 }, status_name: 'succeed', status_final: true };

	test('the caller is answered at once, and the result is waited for', async () => {
		const kling = await suspend([good], { options: { jobMs: 1_000, readLagMs: LAG_MS } });

		await pass(1_500);
		const calledMs = Date.now();
		let answeredMs = Infinity;
		const { run } = await kling.waiting.call(final, () => {
			answeredMs = Date.now() - calledMs;
		});
		const tookMs = Date.now() - calledMs;
		expect(answeredMs).toBeLessThan(2_000);
		expect(tookMs).toBeGreaterThan(20_000);
		expect(run!.items('Result')[0].json).toMatchObject({ status: 'succeed' });
	});

	test('a second call meanwhile does not resume twice', async () => {
		const kling = await suspend([good], { options: { jobMs: 1_000, readLagMs: LAG_MS } });
		const calls = await Promise.all([final, final, {}].map((body) => kling.waiting.call(body)));
		expect(calls.filter(({ run }) => run)).toHaveLength(1);
		expect(calls.map(({ status }) => status)).toEqual([200, 200, 200]);
	});

	test('the rest of the time limit stands behind it: nothing is waited for into that', async () => {
		const kling = await suspend([good], {
			options: { jobMs: 3_600_000 },
			parameters: { options: { timeout: 60 } },
		});

		await pass(30_000);
		expect((await kling.waiting.call(final)).run).toBeUndefined();
		const overMs = Date.now();
		expect(overMs).toBeLessThan(kling.waiting.waitTill.getTime() - 5_000 + 1_000);
	});
});

test('Execute Once at the time limit: what was not executed does not come out', async () => {
	const { waiting, posts } = await suspend(goods.slice(0, 3), {
		settings: { executeOnce: true },
		options: { jobMs: 30_000 },
	});
	expect(posts()).toBe(1);
	const { items } = await waiting.limit();
	expect(items('Result').map(({ json }) => json.taskId)).toEqual(['500000010']);
	expect(items('Result')[0].pairedItem).toEqual({ item: 0 });
});

describe('when it is called back', () => {
	/** Sent so long ago that the API must know the task. */
	async function calledLater(body: object, times: number, status = 200) {
		const kling = await bench({ jobMs: 300, seeds, callbacks: 'none' });
		const first = await kling.run([good], pausing(), { onError: 'continueRegularOutput' });
		await allFinished(kling, own);
		for (const task of pendingTasks(first)) task.sentAtMs -= 60_000;
		const workflow = klingWorkflow([good], pausing(), { onError: 'continueRegularOutput' });
		const waiting = waitingExecution(workflow, kling.credentials, first);
		const before = kling.looks();
		kling.addFault({ ...TASKS, kind: 'json', status, body, times });
		const { run } = await waiting.call({});
		return { json: run!.items('Result')[0].json, looks: kling.looks() - before };
	}
	const missing = { error: 'Task not found' };

	test('a 404 that passes does not count', async () => {
		const { json, looks } = await calledLater(missing, 2, 404);
		expect(json.status).toBe('succeed');
		expect(looks).toBe(3);
	});

	test('a 404 that stays for three looks does', async () => {
		const { json, looks } = await calledLater(missing, 9, 404);
		expect(json.error).toBe('Task not found');
		expect(looks).toBe(3);
	});

	test('a success without a file is waited for some seconds', async () => {
		const { json } = await calledLater(EMPTY_SUCCESS, 2);
		expect(json.imageUrl).toMatch(/^http/);
	});

	test('and is an error when it stays so', async () => {
		const { json, looks } = await calledLater(EMPTY_SUCCESS, 99);
		expect(json.error).toBe('Task 500000010 finished without an image');
		expect(looks).toBeGreaterThan(3);
	});
});

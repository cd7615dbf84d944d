import { runWorkflow } from '../support/n8n/engine.mts';
import { bench, upscale } from '../support/kling.mts';
import { good, goods, suspend, pausing, seeds, unfinished } from '../support/suspending.mts';
import { signsResumeUrls } from '../support/n8n/version.mts';
import { klingWorkflow } from '../support/n8n/workflows.mts';

/** Pause Until Called Back on n8n's own engine, until the execution is suspended. */

describe('suspending', () => {
	test('hands n8n’s resume URL to useapi.net as it is, and sets the limit', async () => {
		const before = Date.now();
		const { sandbox, submitted, waiting } = await suspend([good], {
			parameters: { options: { timeout: 90, replyRef: 'order 1' } },
		});
		expect(submitted).toEqual([
			expect.objectContaining({ taskId: '500000010', finished: false, replyRef: 'order 1' }),
		]);
		const post = sandbox.requests.find(({ method }) => method === 'POST');
		expect(post?.body).toMatchObject({
			replyUrl: expect.stringMatching(
				signsResumeUrls
					? /^http:\/\/127.0.0.1\/webhook-waiting\/[\da-f-]{36}\?signature=\w{32,}$/
					: /^http:\/\/127.0.0.1\/webhook-waiting\/[\da-f-]{36}$/,
			),
			replyRef: 'order 1',
		});
		expect(waiting.waitTill.getTime()).toBeGreaterThanOrEqual(before + 90_000);
		expect(waiting.waitTill.getTime()).toBeLessThanOrEqual(Date.now() + 90_000);
		expect(waiting.saved).not.toContain(sandbox.token);
	});

	test('does not happen when everything is finished by then: an early callback was answered with 409', async () => {
		const kling = await bench({ jobMs: 100, seeds, callbacks: 'none' });
		kling.addFault({ method: 'POST', path: '/v1/kling', kind: 'delay', delayMs: 400, after: true });
		const { run, items } = await kling.run([good], pausing({ download: true }));
		expect(run.waitTill).toBeUndefined();
		expect(items('Result')).toEqual([
			expect.objectContaining({ json: expect.objectContaining({ status: 'succeed' }) }),
		]);
		expect(items('Result')[0].binary?.data.mimeType).toBe('image/png');
	});

	test('when the look before it brings no task, what the submission said comes out', async () => {
		const kling = await bench({ jobMs: 30_000, callbacks: 'none' });
		kling.addFault({ method: 'GET', path: '/v1/kling/tasks/', kind: 'json', body: {}, times: 9 });
		const { run, items } = await kling.run([good], pausing());
		expect(run.waitTill).toBeDefined();
		expect(items('Kling')[0].json).toMatchObject({
			taskId: '500000010',
			status: 'submitted',
			finished: false,
		});
	});

	test('waits for free slots first, and looks at the earlier ones after that', async () => {
		const kling = await bench({
			jobMs: 500,
			accounts: [{ email: 'artist@example.com', maxJobs: 1 }],
			retryAfterSeconds: 1,
			seeds,
			callbacks: 'none',
		});
		const { items, run } = await kling.run(goods.slice(0, 2), pausing());
		expect(run.waitTill).toBeDefined();
		const finished = items('Kling').map(({ json }) => json.finished);
		expect(finished).toContain(true);
		expect(finished).toContain(false);
	});

	test.each([
		[{ timeout: 59 }, {}, "'Time Limit' must be a number from 60 to"],
		[{ timeout: 1e12 }, {}, "'Time Limit' must be a number from 60 to"],
		[{}, { baseUrl: 'https://api.useapi.example' }, 'cannot reach this n8n at http://127.0.0.1'],
	])('is refused before anything is sent: %j %j', async (options, credentials, message) => {
		const kling = await bench();
		const { error } = await runWorkflow(klingWorkflow(goods, pausing({ options })), {
			...kling.credentials,
			...credentials,
		});
		expect(error?.message).toContain(message);
		expect(error?.description).toContain('Nothing was sent.');
		expect(kling.sandbox.requests).toEqual([]);
	});

	test.each([
		['cannot reach this n8n at http://n8n.example.com', 'http://n8n.example.com/webhook-waiting'],
		['cannot reach this n8n at https://192.168.1.5', 'https://192.168.1.5/webhook-waiting'],
		['is too long for useapi.net', `https://n8n.example.com/${'x'.repeat(1024)}`],
		['Could not connect to useapi.net', 'https://n8n.example.com/webhook-waiting'],
	])('with a public API: %s', async (message, waitingUrl) => {
		const workflow = { ...klingWorkflow([good], pausing()), waitingUrl };
		const { error } = await runWorkflow(workflow, {
			apiToken: 'user:1-x',
			baseUrl: 'https://api.useapi.invalid',
		});
		expect(error?.message).toContain(message);
	});

	test('one bad item does not take the others along', async () => {
		const { waiting, submitted } = await suspend([good, { taskId: 'x', workId: '1' }, unfinished], {
			settings: { onError: 'continueRegularOutput' },
		});
		expect(submitted.map(({ finished, error }) => finished ?? error)).toEqual([
			false,
			`'Task' must be an ID made of digits, but is "x"`,
			'Task 700000001 is not completed',
		]);
		expect(waiting.waitTill).toBeDefined();
	});

	test('as a tool it polls: a suspended tool would suspend the agent', async () => {
		const kling = await bench();
		const [text] = await kling.ask([{}], upscale({ wait: 'callback' }));
		expect(text).toContain('"status":"succeed"');
	});
});

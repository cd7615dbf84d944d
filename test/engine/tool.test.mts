import type { IDataObject } from 'n8n-workflow';

import { bench, getTask, getTasks, TASK_ID, upscale, WORK_ID } from './support/kling.mts';

/** As an agent's tool: IDs come from the model, answers are text. */
const chosen = {
	taskId: "={{ $fromAI('taskId', 'the task that made the image', 'string') }}",
	workId: "={{ $fromAI('workId', 'the image in that task', 'string') }}",
};
const call = { taskId: TASK_ID, workId: WORK_ID };

test('an agent upscales an image by the IDs it chose and reads the link', async () => {
	const { ask, posts } = await bench();
	const [text] = await ask([call], upscale(chosen));
	expect(JSON.parse(text)).toEqual([
		expect.objectContaining({
			taskId: '500000010',
			status: 'succeed',
			imageUrl: expect.stringMatching(/^http/),
		}),
	]);
	expect(posts()).toBe(1);
});

test("Don't Wait gives the ID that Task → Get takes", async () => {
	const { ask } = await bench();
	const [submitted] = await ask([call], upscale({ ...chosen, wait: 'none' }));
	const [{ taskId, finished }] = JSON.parse(submitted) as IDataObject[];
	expect(finished).toBe(false);

	const [shown] = await ask([{ taskId }], getTask({ taskId: chosen.taskId, wait: 'poll' }));
	expect(JSON.parse(shown)).toEqual([expect.objectContaining({ taskId, status: 'succeed' })]);
});

test('files are left out, since an agent cannot take them', async () => {
	const { ask, sandbox } = await bench();
	const [text] = await ask([call], upscale({ ...chosen, download: true }));
	expect(JSON.parse(text)).toHaveLength(1);
	expect(sandbox.requests.filter(({ server }) => server === 'cdn')).toEqual([]);
});

test('a failure is text with the next step', async () => {
	const { ask } = await bench({ seeds: [{ taskId: '700000001', status: 'processing' }] });
	const calls = [
		{ taskId: '700000001', workId: '700000002' },
		{ taskId: 'the blue one', workId: '1' },
	];
	const [running, invalid] = await ask(calls, upscale(chosen));
	expect(running).toContain('Task 700000001 is not completed');
	expect(running).toContain('Wait for it first');
	expect(invalid).toContain(`'Task' must be an ID made of digits, but is "the blue one"`);
});

test('asking twice for the same image is paid once, for another one again', async () => {
	const { ask, posts, sandbox } = await bench({ seeds: [{ taskId: '700000001' }] });
	const other = { taskId: '700000001', workId: '700000002' };
	const texts = await ask([call, call, other], upscale(chosen));
	const ids = texts.map((text) => (JSON.parse(text) as Array<{ taskId: string }>)[0].taskId);
	expect(ids[1]).toBe(ids[0]);
	expect(ids[2]).not.toBe(ids[0]);
	expect(posts()).toBe(2);
	expect(sandbox.peakJobs.size).toBe(1);
});

test('asking for the same several times at once is paid once', async () => {
	const { ask, posts } = await bench();
	const texts = await ask([call, call, call], upscale(chosen), {}, true);
	const ids = texts.map((text) => (JSON.parse(text) as Array<{ taskId: string }>)[0].taskId);
	expect(new Set(ids).size).toBe(1);
	expect(posts()).toBe(1);
});

test('each of several calls at once gets an answer of its own, also after a refusal', async () => {
	const { ask, addFault, posts } = await bench();
	addFault({
		method: 'POST',
		path: '/v1/kling/images/upscale',
		kind: 'json',
		status: 400,
		body: { error: `Task ${TASK_ID} is not completed` },
	});
	const texts = await ask([call, call], upscale(chosen), {}, true);
	expect(texts[0]).toContain('is not completed');
	expect(JSON.parse(texts[1])).toEqual([expect.objectContaining({ status: 'succeed' })]);
	expect(posts()).toBe(2);
});

test('what did not finish in time is waited for again by asking again', async () => {
	const { ask, posts } = await bench({ jobMs: 1_500 });
	const texts = await ask([call, call, call], upscale({ ...chosen, options: { timeout: 1 } }));
	expect(texts[0]).toContain('did not finish within 1 seconds');
	expect(texts[0]).toContain('Call this again with the same values to go on waiting');
	expect(texts[0]).not.toContain('under Options');
	expect(JSON.parse(texts[2])).toEqual([expect.objectContaining({ status: 'succeed' })]);
	expect(posts()).toBe(1);
});

test.each([
	[400, { error: `Task ${TASK_ID} is not completed` }, 'call this again with the same values'],
	[429, undefined, 'Call this again with the same values later'],
	[500, { error: 'It violates the guidelines.' }, 'Choose another image'],
	[502, undefined, 'Do not ask for this image again'],
])('after a %s the next step is one that an agent can take', async (status, body, advice) => {
	const { ask, addFault } = await bench();
	addFault({
		method: 'POST',
		path: '/v1/kling/images/upscale',
		kind: 'json',
		status,
		body: body ?? {},
		times: 9,
	});
	const [text] = await ask([call], upscale({ ...chosen, options: { timeout: 1 } }));
	expect(text).toContain(advice);
	// It cannot put nodes before this one, set options, or start an execution.
	expect(text).not.toMatch(/put a Kling node|under Options|new execution/);
	expect(text.length).toBeLessThan(500);
});

test('with On Error → Continue the next step is told once', async () => {
	const { ask } = await bench({ seeds: [{ taskId: '700000001', status: 'processing' }] });
	const [text] = await ask([{ taskId: '700000001', workId: '700000002' }], upscale(chosen), {
		onError: 'continueRegularOutput',
	});
	const [{ error, message }] = JSON.parse(text) as IDataObject[];
	expect(error).toBe('Task 700000001 is not completed');
	expect(message).toContain('call this again with the same values');
});

test('after a refusal that spent nothing, the agent may ask again', async () => {
	const { ask, addFault, posts } = await bench();
	const refusal = { error: `Task ${TASK_ID} is not completed` };
	addFault({
		method: 'POST',
		path: '/v1/kling/images/upscale',
		kind: 'json',
		status: 400,
		body: refusal,
	});
	const [first, second] = await ask([call, call], upscale(chosen));
	expect(first).toContain('is not completed');
	expect(JSON.parse(second)).toEqual([expect.objectContaining({ status: 'succeed' })]);
	expect(posts()).toBe(2);
});

test('a retry does not pay again', async () => {
	const { ask, posts, addFault } = await bench();
	addFault({ method: 'POST', path: '/v1/kling/images/upscale', kind: 'resetBefore' });
	const [text] = await ask([call], upscale({ ...chosen, options: { timeout: 1 } }), {
		retryOnFail: true,
		maxTries: 3,
		waitBetweenTries: 0,
	});
	expect(text).toContain('unknown whether the upscale job was accepted');
	expect(posts()).toBe(1);
});

test('what is unknown, and what has failed, is not sent again by asking again in the same execution', async () => {
	const failing = { taskId: '700000005', workId: '700000006' };
	const { ask, posts, addFault } = await bench({
		jobMs: 100,
		seeds: [{ ...failing, upscale: 'fails' }],
	});
	const failures = await ask([failing, failing], upscale(chosen));
	for (const text of failures) expect(text).toContain('Task 500000010 failed');
	expect(posts()).toBe(1);

	addFault({ method: 'POST', path: '/v1/kling/images/upscale', kind: 'resetBefore' });
	const losses = await ask([call, call], upscale({ ...chosen, options: { timeout: 1 } }));
	for (const text of losses) expect(text).toContain('It is unknown whether');
	expect(posts()).toBe(2);
});

test('an agent reads a list of tasks and takes an ID from it', async () => {
	const seeds = ['700000001', '700000003'].map((taskId, number) => ({
		taskId,
		createTime: Date.parse('2026-03-01T10:00:00Z') + number,
	}));
	const { ask } = await bench({ seeds });
	const filters = {
		createdAfter: "={{ $fromAI('since', 'tasks made since then', 'string') }}",
		createdBefore: '2026-04-01',
	};
	const [listed, none, wrong] = await ask(
		[{ since: '2026-03-01' }, { since: '2026-03-31' }, { since: 'last week' }],
		getTasks({ output: 'images', filters }),
	);
	const images = JSON.parse(listed) as IDataObject[];
	expect(images.map(({ taskId }) => taskId)).toEqual(['700000003', '700000001']);
	expect(none).toBe('[]');
	expect(wrong).toContain(`'Created After' is not clearly a date: "last week"`);

	const [upscaled] = await ask([{ ...images[0] }], upscale(chosen));
	expect(JSON.parse(upscaled)).toEqual([expect.objectContaining({ status: 'succeed' })]);
});

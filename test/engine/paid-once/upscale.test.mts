import { bench, TASK_ID, upscale, WORK_ID } from '../support/kling.mts';

/** Every case in which a careless node would pay twice, or for nothing. The POSTs are counted by the API's side. */

const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
const retry = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
const fails = [{ taskId: '700000005', workId: '700000006', upscale: 'fails' as const }];

describe('an answer that is lost after sending is never sent again', () => {
	const taken = { after: true };
	test.each([
		['the connection breaks after the job was accepted', { kind: 'resetAfter' as const }],
		['the answer is cut off', { kind: 'truncate' as const }],
		['the answer is a web page', { kind: 'html' as const, ...taken }],
		['the answer is empty', { kind: 'empty' as const, ...taken }],
		['the answer names no task', { kind: 'json' as const, body: { works: [] }, ...taken }],
		['a gateway gives up', { kind: 'html' as const, status: 504, ...taken }],
	])('%s: found in the lists, and the item goes on', async (_name, fault) => {
		const { run, addFault, posts } = await bench();
		addFault({ ...POST, ...fault });
		const { error, items } = await run([{}], upscale(), retry);
		expect(error).toBeUndefined();
		expect(items('Kling')[0].json).toMatchObject({ taskId: '500000010', status: 'succeed' });
		expect(items('Kling')[0].json).not.toHaveProperty('reused');
		expect(posts()).toBe(1);
	});

	test.each([
		['the connection breaks before', { kind: 'resetBefore' as const }],
		['the answer is a web page', { kind: 'html' as const }],
		['the answer is empty', { kind: 'empty' as const }],
		['the answer names no task', { kind: 'json' as const, status: 200, body: { works: [] } }],
		['a gateway gives up', { kind: 'html' as const, status: 504 }],
	])('%s, and the lists do not tell: the outcome is unknown', async (_name, fault) => {
		const { run, addFault, posts } = await bench();
		addFault({ ...POST, ...fault });
		const { error } = await run([{}], upscale(), retry);
		expect(error?.message).toContain('unknown whether the upscale job was accepted');
		expect(error?.description).toContain('could spend credits twice');
		expect(posts()).toBe(1);
	});
});

test('a 429 is waited out and sent again, since it took nothing', async () => {
	const { run, addFault, posts, sandbox } = await bench();
	addFault({ ...POST, kind: 'status', status: 429, headers: { 'retry-after': '1' }, times: 2 });
	const startMs = Date.now();
	const { error, items } = await run([{}], upscale());
	expect(error).toBeUndefined();
	expect(items('Kling')[0].json.status).toBe('succeed');
	expect(posts()).toBe(3);
	const sentMs = sandbox.requests.filter(({ method }) => method === 'POST').map(({ at }) => at);
	expect(sentMs[1] - sentMs[0]).toBeGreaterThanOrEqual(950);
	expect(Date.now() - startMs).toBeGreaterThan(2_000);
});

test('a 429 past the time limit is an error that says what to raise', async () => {
	const { run, addFault } = await bench();
	addFault({ ...POST, kind: 'status', status: 429, times: 100 });
	const { error } = await run([{}], upscale({ options: { timeout: 1 } }));
	expect(error).toMatchObject({
		message: 'Every Kling account is at its job limit',
		httpCode: '429',
	});
	expect(error?.description).toContain('Max Jobs');
});

test('a redirect is not followed, and takes no token along', async () => {
	const { run, addFault, sandbox, posts } = await bench();
	addFault({ ...POST, kind: 'redirect', headers: { location: `${sandbox.cdnUrl}/stolen` } });
	const { error } = await run([{}], upscale(), retry);
	expect(error?.message).toContain('302');
	expect(posts()).toBe(1);
	expect(sandbox.requests.filter(({ server }) => server === 'cdn')).toEqual([]);
});

describe('Retry On Fail picks up what is paid for', () => {
	test('after a download that failed: same task, no second POST', async () => {
		const { run, addFault, posts } = await bench();
		addFault({ server: 'cdn', kind: 'status', status: 403 });
		const { error, items } = await run([{}], upscale({ download: true }), retry);
		expect(error).toBeUndefined();
		expect(items('Kling')[0].json.taskId).toBe('500000010');
		expect(items('Kling')[0].binary).toBeDefined();
		expect(posts()).toBe(1);
	});

	test('with a Reply Reference that differs in every try', async () => {
		const { run, addFault, posts } = await bench();
		addFault({ server: 'cdn', kind: 'status', status: 403 });
		const parameters = upscale({ download: true, options: { replyRef: '={{ Math.random() }}' } });
		const { error, items } = await run([{}], parameters, retry);
		expect(error).toBeUndefined();
		expect(items('Kling')[0].binary).toBeDefined();
		expect(posts()).toBe(1);
	});

	test('after another item failed: every item keeps its own task', async () => {
		const { run, posts } = await bench({ seeds: fails });
		const items = [
			{ taskId: TASK_ID, workId: WORK_ID },
			{ taskId: fails[0].taskId, workId: fails[0].workId },
		];
		const parameters = upscale({ taskId: '={{ $json.taskId }}', workId: '={{ $json.workId }}' });
		const { error } = await run(items, parameters, retry);
		expect(error?.message).toMatch(/^Task \d+ failed: /);
		expect(posts()).toBe(2);
	});

	test('with Continue as well, where n8n retries by the first item’s error', async () => {
		const { run, posts } = await bench({ seeds: fails });
		const { items } = await run(
			[{}],
			upscale({ taskId: fails[0].taskId, workId: fails[0].workId }),
			{ ...retry, onError: 'continueRegularOutput' },
		);
		expect(items('Kling')[0].json.error).toMatch(/^Task \d+ failed: /);
		expect(posts()).toBe(1);
	});

	test('a refused request is not sent again', async () => {
		const { run, addFault, posts } = await bench();
		addFault({ ...POST, kind: 'json', status: 400, body: { error: 'Bad workId' } });
		const { error } = await run([{}], upscale(), retry);
		expect(error?.message).toBe('Bad workId');
		expect(posts()).toBe(1);
	});

	test("Don't Wait shows the task that was sent in the first try", async () => {
		const { run, posts, looks } = await bench();
		const items = [{ id: WORK_ID }, { id: '404404404' }];
		const parameters = upscale({ wait: 'none', workId: '={{ $json.id }}' });
		const { error } = await run(items, parameters, retry);
		expect(error?.context.itemIndex).toBe(1);
		expect(posts()).toBe(2);
		expect(looks()).toBeGreaterThan(0);
	});
});

test('a broken download is tried again by itself, and the result is whole', async () => {
	const { run, addFault, posts } = await bench();
	addFault({ server: 'cdn', kind: 'truncate' });
	const { error, items } = await run([{}], upscale({ download: true }));
	expect(error).toBeUndefined();
	expect(items('Kling')[0].binary?.data.mimeType).toBe('image/png');
	expect(posts()).toBe(1);
});

test('a download that stays broken keeps the task id and the link', async () => {
	const { run, addFault } = await bench();
	addFault({ server: 'cdn', kind: 'html', times: 10 });
	const { items } = await run([{}], upscale({ download: true }), {
		onError: 'continueRegularOutput',
	});
	expect(items('Kling')[0].json).toMatchObject({
		error: expect.stringContaining('The image of task 500000010 could not be downloaded'),
		details: { taskId: '500000010', imageUrl: expect.stringMatching(/^http/) },
	});
});

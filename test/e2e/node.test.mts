import { readFile } from 'node:fs/promises';

import { execute, itemsOf, klingWorkflow, openN8n, type RealN8n } from './support/real-n8n.mts';

/** The node in the real n8n, with the packed tarball installed: what its unit and engine tests cannot see. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

/** The "Retry" button of the credential's window. */
const testCredential = async (credentials: object) =>
	await real.api.request<{ status: string; message: string }>('POST', '/rest/credentials/test', {
		credentials,
	});

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const good = { taskId: '123456789', workId: '987654321' };
const upscale = (options: object = {}, changes: object = {}) => ({
	resource: 'image',
	operation: 'upscale',
	taskId: byId('={{ $json.taskId }}'),
	workId: byId('={{ $json.workId }}'),
	wait: 'poll',
	options: { pollInterval: 1, ...options },
	...changes,
});
const seeds = [
	{ ...good },
	{ taskId: '700000001', status: 'processing' as const },
	{ taskId: '700000003', upscale: 'forbidden' as const },
	{ taskId: '700000005', upscale: 'fails' as const },
];
const images = {
	running: { taskId: '700000001', workId: '700000002' },
	forbidden: { taskId: '700000003', workId: '700000004' },
	fails: { taskId: '700000005', workId: '700000006' },
	unknown: { taskId: '5', workId: '6' },
};

describe('the credential’s test', () => {
	test('is green with the right token, whatever stands behind the address', async () => {
		const { sandbox, credential } = await real.open();
		for (const baseUrl of [sandbox.url, `${sandbox.url}/`, `${sandbox.url}/v1/`]) {
			const data = { apiToken: sandbox.token, baseUrl };
			expect(await testCredential({ ...credential, data })).toMatchObject({
				status: 'OK',
			});
		}
		const [{ path, headers }] = sandbox.requests;
		expect(path).toBe('/v2/account');
		expect(headers.authorization).toBe(`Bearer ${sandbox.token}`);
	});

	test('is red with a wrong token, and says what to do', async () => {
		const { sandbox, credential } = await real.open();
		const data = { apiToken: 'user:9-wrong', baseUrl: sandbox.url };
		const { status, message } = await testCredential({ ...credential, data });
		expect(status).toBe('Error');
		expect(message).toContain('The API token was refused');
	});

	test('is red without a subscription', async () => {
		const { sandbox, credential } = await real.open({ subscription: false });
		const data = { apiToken: sandbox.token, baseUrl: sandbox.url };
		const { status, message } = await testCredential({ ...credential, data });
		expect(status).toBe('Error');
		expect(message).toContain('no active subscription');
	});
});

describe('errors, as n8n’s output panel gets them', () => {
	const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
	test.each([
		['400', 'Task 700000001 is not completed', 'Task → Get', images.running, {}, undefined],
		['401', 'The API token was refused', 'credential', good, { token: 'user:1-other' }, undefined],
		[
			'402',
			'There is no active useapi.net subscription',
			'https://useapi.net',
			good,
			{ subscription: false },
			undefined,
		],
		['404', 'Task 5 not found', 'deleted', images.unknown, {}, undefined],
		[
			'429',
			'Every Kling account is at its job limit',
			'Max Jobs',
			good,
			{},
			{ ...POST, kind: 'status' as const, status: 429, times: 9 },
		],
		[
			'500',
			'The content you uploaded appears to violate the community guidelines. (CM_EXT.POther)',
			'moderation',
			images.forbidden,
			{},
			undefined,
		],
		[
			'task failed',
			'Task 500000010 failed: ',
			'the reason that Kling gives',
			images.fails,
			{},
			undefined,
		],
		[
			'timed out',
			'Task 500000010 did not finish within 1 seconds',
			'It may still finish',
			good,
			{ jobMs: 60_000 },
			undefined,
		],
		[
			'answer lost',
			'It is unknown whether the upscale job was accepted',
			'Check your tasks first',
			good,
			{},
			{ ...POST, kind: 'resetBefore' as const },
		],
	])('%s', async (_case, message, advice, image, options, fault) => {
		const { sandbox, credential } = await real.open({ ...options, seeds });
		if ('token' in options) sandbox.settings.token = 'user:2-changed-since';
		if (fault) sandbox.addFault(fault);
		const posts = () => sandbox.requests.filter(({ method }) => method === 'POST').length;

		const stop = await execute(
			real.api,
			klingWorkflow([image], upscale({ timeout: 1 }), credential),
		);
		expect(stop.status).toBe('error');
		expect(stop.resultData.error?.message).toContain(message);
		expect(stop.resultData.error?.description).toContain(advice);
		expect(stop.resultData.error).toMatchObject({ context: { itemIndex: 0 } });
		expect(JSON.stringify(stop)).not.toContain(sandbox.token);
		if (_case !== '429') expect(posts()).toBe(1);
	});

	test('Reply URL that useapi.net cannot reach', async () => {
		const { sandbox, credential } = await real.open();
		const publicApi = await real.api.createCredential({
			type: credential.type,
			name: 'Public API',
			data: { apiToken: sandbox.token, baseUrl: 'https://api.useapi.example' },
		});
		const replyUrl = `${real.n8n.url}/webhook/kling`;
		const { resultData } = await execute(
			real.api,
			klingWorkflow([good], upscale({}, { wait: 'none', replyUrl }), publicApi),
		);
		expect(resultData.error?.message).toContain("cannot reach the 'Reply URL': localhost");
		expect(resultData.error?.description).toContain('WEBHOOK_URL');
	});

	test('Continue keeps the item in its place; the error output gets it with its input’s fields', async () => {
		const { credential } = await real.open({ seeds });
		const items = [good, images.running, good];
		const inPlace = await execute(
			real.api,
			klingWorkflow(items, upscale(), credential, { onError: 'continueRegularOutput' }),
		);
		expect(itemsOf(inPlace, 'Result').map(({ json }) => json.status ?? json.error)).toEqual([
			'succeed',
			'Task 700000001 is not completed',
			'succeed',
		]);
		const branched = await execute(
			real.api,
			klingWorkflow(items, upscale(), credential, { onError: 'continueErrorOutput' }),
		);
		expect(itemsOf(branched, 'Result')).toHaveLength(2);
		expect(itemsOf(branched, 'Failed').map(({ json }) => json)).toEqual([
			expect.objectContaining({ ...images.running, error: 'Task 700000001 is not completed' }),
		]);
	});
});

test('a failed execution that is retried by hand picks up the task it has paid for', async () => {
	const { sandbox, credential } = await real.open({ seeds });
	sandbox.addFault({ server: 'cdn', kind: 'status', status: 403 });
	const first = await execute(
		real.api,
		klingWorkflow([good], upscale({}, { download: true }), credential),
	);
	expect(first.resultData.error?.message).toContain('could not be downloaded');
	const retried = await real.api.request<{ id?: string }>(
		'POST',
		`/rest/executions/${first.id}/retry`,
		{ loadWorkflow: true },
	);
	const second = await real.api.waitForExecution(String(retried.id ?? Number(first.id) + 1));
	expect(second.resultData.error).toBeUndefined();
	expect(itemsOf(second, 'Result')[0].binary?.data).toBeDefined();
	expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

test('a hundred items on ten slots: all done, in order, each sent once, never more than ten at once', async () => {
	const items = Array.from({ length: 100 }, (_, number) => ({
		taskId: String(710000000 + 2 * number),
		workId: String(710000001 + 2 * number),
		number,
	}));
	const { sandbox, credential } = await real.open({
		seeds: items.map(({ taskId, workId }) => ({ taskId, workId })),
		jobMs: 2_000,
		accounts: [{ email: 'artist@example.com', maxJobs: 10 }],
	});
	const execution = await execute(
		real.api,
		klingWorkflow(items, upscale({ replyRef: '={{ $json.number }}' }), credential),
	);
	expect(execution.resultData.error).toBeUndefined();
	const results = itemsOf(execution, 'Result');
	expect(results.map(({ json }) => json.replyRef)).toEqual(
		items.map(({ number }) => String(number)),
	);
	expect(results.map(({ pairedItem }) => pairedItem)).toEqual(
		items.map(({ number }) => ({ item: number })),
	);
	expect(new Set(results.map(({ json }) => json.taskId)).size).toBe(100);
	expect(sandbox.peakJobs.get('artist@example.com')).toBe(10);
	const state = (await (await fetch(`${sandbox.url}/_sandbox/state`)).json()) as {
		accepted: number;
	};
	expect(state.accepted).toBe(100);
}, 180_000);

test('the token is in no output, no stored execution and no log', async () => {
	const { sandbox, credential } = await real.open({ seeds });
	const execution = await execute(
		real.api,
		klingWorkflow([good], upscale({}, { download: true, output: 'raw' }), credential),
	);
	expect(itemsOf(execution, 'Result')[0].binary?.data.fileName).toMatch(/^kling-\d+-\d+\.png$/);
	const stored = await real.api.request('GET', `/rest/executions/${execution.id}`);
	expect(JSON.stringify(stored)).not.toContain(sandbox.token);
	expect(await readFile(real.n8n.log, 'utf8')).not.toContain(sandbox.token);
	const cdn = sandbox.requests.filter(({ server }) => server === 'cdn');
	expect(cdn).toHaveLength(1);
	expect(JSON.stringify(cdn)).not.toContain(sandbox.token);
});

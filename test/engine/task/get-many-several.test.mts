import type { IDataObject } from 'n8n-workflow';

import { bench, getTasks, until } from '../support/kling.mts';
import { byEmail, newestFirst, series, START_MS, taskIds, within } from './series.mts';
import { knowsErrorDetails } from '../support/n8n/version.mts';

/** Task → Get Many with several items and accounts, and when something is wrong. */

describe('several items and accounts', () => {
	const accounts = ['a', 'b'].map((name) => ({ email: `${name}@example.com`, maxJobs: 5 }));
	const seeds = [
		...series(2, { email: 'a@example.com' }),
		{ taskId: '800000000', createTime: START_MS, email: 'b@example.com' },
	];
	const items = ['a', 'nobody', 'b'].map((name) => ({ email: `${name}@example.com` }));
	const parameters = getTasks({ account: byEmail('={{ $json.email }}'), filters: within() });

	test('every input item has a list of its own, of its account', async () => {
		const { run } = await bench({ accounts, seeds });
		const result = await run([items[0], items[2], items[0]], parameters);
		expect(
			result.items('Kling').map(({ json, pairedItem }) => [json.taskId, json.account, pairedItem]),
		).toEqual([
			['700000010', 'a@example.com', { item: 0 }],
			['700000000', 'a@example.com', { item: 0 }],
			['800000000', 'b@example.com', { item: 1 }],
			['700000010', 'a@example.com', { item: 2 }],
			['700000000', 'a@example.com', { item: 2 }],
		]);
	});

	test('Continue: a wrong account is an error item in its place', async () => {
		const { run } = await bench({ accounts, seeds });
		const result = await run(items, parameters, { onError: 'continueRegularOutput' });
		expect(
			result.items('Kling').map(({ json, pairedItem }) => [json.taskId ?? json.error, pairedItem]),
		).toEqual([
			['700000010', { item: 0 }],
			['700000000', { item: 0 }],
			['Account nobody@example.com not found', { item: 1 }],
			['800000000', { item: 2 }],
		]);
		expect(result.items('Kling')[2].json).toMatchObject({
			message: expect.stringContaining("Check 'Account'"),
			details: { httpCode: '404' },
		});
	});

	test('Continue (using error output): the wrong one leaves by the error branch', async () => {
		const { run } = await bench({ accounts, seeds });
		const result = await run(items, parameters, { onError: 'continueErrorOutput' });
		const results = result.items('Result').filter(({ json }) => json.error === undefined);
		expect(taskIds(results)).toEqual(['700000010', '700000000', '800000000']);
		const failed = result.items(knowsErrorDetails ? 'Failed' : 'Result');
		expect(failed.flatMap(({ json }) => json.error ?? [])).toEqual([
			'Account nobody@example.com not found',
		]);
		if (knowsErrorDetails) expect(failed[0].json.email).toBe('nobody@example.com');
	});

	test('Stop Workflow: the error names its item', async () => {
		const { run } = await bench({ accounts, seeds });
		const { error } = await run(items, parameters);
		expect(error).toMatchObject({
			message: 'Account nobody@example.com not found',
			context: { itemIndex: 1 },
		});
	});

	test('of many lists a few are asked for at a time', async () => {
		const { run, addFault, sandbox } = await bench();
		addFault({ kind: 'delay', delayMs: 300, times: 30 });
		const result = await run(Array(30).fill({}), getTasks({ limit: 1 }));
		expect(result.items('Kling')).toHaveLength(30);
		const [first] = sandbox.requests;
		const atOnce = sandbox.requests.filter(({ at }) => at - first.at < 250);
		expect(atOnce.length).toBeLessThanOrEqual(10);
	});
});

describe('problems', () => {
	const accounts = ['a', 'b'].map((name) => ({ email: `${name}@example.com`, maxJobs: 5 }));

	test('400: with several accounts, Account must be filled in', async () => {
		const { run } = await bench({ accounts });
		const { error } = await run([{}], getTasks());
		expect(error).toMatchObject({
			message: 'email is required when several accounts are configured',
			httpCode: '400',
		});
		expect(error?.description).toContain("'Account' must be filled in");
	});

	test('401: the token is refused, asked once and not shown', async () => {
		const { run, lists, credentials } = await bench();
		credentials.apiToken = 'user:9-wrong-token';
		const { error, run: whole } = await run([{}], getTasks());
		expect(error).toMatchObject({ message: 'The API token was refused', httpCode: '401' });
		expect(JSON.stringify(whole)).not.toContain('wrong-token');
		expect(lists()).toHaveLength(1);
	});

	test('404: the vendor’s text', async () => {
		const { run } = await bench({ accounts: [] });
		const { error } = await run([{}], getTasks());
		expect(error).toMatchObject({ message: 'Configuration not found', httpCode: '404' });
	});

	test('what passes is waited out, between pages too', async () => {
		const seeds = series(60);
		const { run, addFault, lists } = await bench({ seeds });
		const path = '/v1/kling/tasks';
		addFault({ kind: 'status', status: 429, path, headers: { 'retry-after': '1' } });
		addFault({ kind: 'resetAfter', path });
		const { error, items } = await run([{}], getTasks({ limit: 55, filters: within() }));
		expect(error).toBeUndefined();
		expect(taskIds(items('Kling'))).toEqual(newestFirst(seeds).slice(0, 55));
		expect(lists().length).toBeGreaterThanOrEqual(4);
	});

	test('an answer that is no list is an error, not an empty result', async () => {
		const { run, addFault } = await bench();
		addFault({ kind: 'json', status: 200, body: { hello: 'world' } });
		const { error } = await run([{}], getTasks());
		expect(error?.message).toBe('The answer of useapi.net is not a list of tasks');
	});

	test('a cancel stops the pause before another try, and nothing sets out after it', async () => {
		const { start, addFault, lists, sandbox } = await bench();
		const headers = { 'retry-after': '30' };
		addFault({ kind: 'status', status: 429, path: '/v1/kling/tasks', times: 9, headers });
		const { cancel, done } = await start([{}, {}], getTasks(), {
			onError: 'continueRegularOutput',
		});
		await until(() => lists().length === 2);

		const canceledMs = Date.now();
		cancel();
		expect((await done).run.status).toBe('canceled');
		expect(Date.now() - canceledMs).toBeLessThan(1_000);
		expect(sandbox.requests).toHaveLength(2);
	});

	test('a cancel stops between pages', async () => {
		const { start, addFault, lists } = await bench({ seeds: series(400) });
		addFault({ kind: 'delay', delayMs: 200, path: '/v1/kling/tasks', times: 20 });
		const { cancel, done } = await start([{}], getTasks({ returnAll: true }));
		await until(() => lists().length === 2);
		cancel();
		expect((await done).run.status).toBe('canceled');
		expect(lists().length).toBeLessThanOrEqual(3);
	});
});

describe('parameters are checked before anything is sent', () => {
	test.each<[string, IDataObject]>([
		["'Limit' must be a number of at least 1", { limit: 0 }],
		["'Limit' must be a number of at least 1", { limit: '={{ "many" }}' }],
		["'Limit' must be a whole number", { limit: 2.5 }],
		["'Account' must be an email", { account: byEmail('={{ "nobody" }}') }],
		[
			`'Content Type' must be one of image, video, audio, all, but is "text"`,
			{ filters: { contentType: 'text' } },
		],
		[
			`'Created After' is not clearly a date: "03/01/2026"`,
			{ filters: { createdAfter: '03/01/2026' } },
		],
		[`'Created Before' is not clearly a date: "5"`, { filters: { createdBefore: 5 } }],
		[
			"'Created After' must be earlier than 'Created Before'",
			{ filters: { createdAfter: '2026-03-02', createdBefore: '2026-03-01' } },
		],
		[
			"'Created After' must be earlier than 'Created Before'",
			{ filters: { createdAfter: '2026-03-01', createdBefore: '2026-03-01' } },
		],
	])('%s', async (message, changes) => {
		const { run, sandbox } = await bench();
		const { error } = await run([{}], getTasks(changes));
		expect(error).toMatchObject({
			message: expect.stringContaining(message),
			context: { itemIndex: 0 },
		});
		expect(error?.description).toContain('Nothing was sent.');
		expect(sandbox.requests).toHaveLength(0);
	});

	test('empty values from expressions mean that nothing is set', async () => {
		const { run, lists } = await bench();
		const { error } = await run(
			[{ nothing: null }],
			getTasks({
				limit: '={{ "" }}',
				filters: { createdAfter: '={{ $json.nothing }}', createdBefore: '={{ "" }}' },
			}),
		);
		expect(error).toBeUndefined();
		expect(lists()[0]).toEqual({ contentType: 'image', pageSize: '50' });
	});
});

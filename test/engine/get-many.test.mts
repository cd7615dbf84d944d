import type { IDataObject } from 'n8n-workflow';

import type { SandboxOptions, SandboxSeed } from '../../sandbox/options.mts';
import { bench, getTask, getTasks, until, upscale } from './support/kling.mts';
import { knowsErrorDetails } from './support/version.mts';

/** Between the sandbox's pictures, which are from 2025, and the task that `bench` adds, which is from now. */
const START_MS = Date.parse('2026-03-01T10:00:00Z');
const MINUTE_MS = 60_000;

/** `count` tasks a minute apart, newest last. */
const series = (count: number, changes: Partial<SandboxSeed> = {}): SandboxSeed[] =>
	Array.from({ length: count }, (_, number) => ({
		taskId: String(700_000_000 + 10 * number),
		createTime: START_MS + number * MINUTE_MS,
		...changes,
	}));
const newestFirst = (seeds: SandboxSeed[]) => seeds.map(({ taskId }) => taskId).reverse();
/** Only the series: not the pictures, not the task that `bench` adds. */
const within = (filters: IDataObject = {}): IDataObject => ({
	createdAfter: '2026-03-01T10:00:00Z',
	createdBefore: '2026-04-01T00:00:00Z',
	...filters,
});
const byEmail = (value: string) => ({ __rl: true, mode: 'email', value });

const taskIds = (items: Array<{ json: IDataObject }>) => items.map(({ json }) => json.taskId);

describe('the list', () => {
	test('is of image tasks, newest first, fifty unless told otherwise, each linked to its input item', async () => {
		const seeds = series(60);
		const { run, lists } = await bench({ seeds });
		const { error, items } = await run([{}], getTasks());

		expect(error).toBeUndefined();
		const found = items('Kling');
		expect(found).toHaveLength(50);
		// The first one is the task that every test has, made just now.
		expect(taskIds(found).slice(1)).toEqual(newestFirst(seeds).slice(0, 49));
		expect(found[1]).toEqual({
			json: {
				taskId: '700000590',
				status: 'succeed',
				finished: true,
				type: 'mmu_img2img_aiweb',
				imageUrl: expect.stringMatching(/^http/),
				images: [expect.objectContaining({ workId: '700000591' })],
				createdAt: '2026-03-01T10:59:00.000Z',
			},
			pairedItem: { item: 0 },
		});
		expect(lists()).toEqual([{ contentType: 'image', pageSize: '50' }]);
	});

	test.each([
		['in the middle of a page', 7, 1],
		['a few pages on', 120, 3],
		['further than there is', 200, 4],
	])('ends at Limit: %s', async (_where, limit, requests) => {
		const seeds = series(160);
		const { run, lists } = await bench({ seeds });
		const { items } = await run([{}], getTasks({ limit, filters: within() }));
		expect(taskIds(items('Kling'))).toEqual(newestFirst(seeds).slice(0, limit));
		expect(lists().length).toBe(requests);
	});

	test.each<[string, SandboxOptions]>([
		['strict', {}],
		['inclusive', { listTakesInMoment: true }],
		['strict, with short pages', { listPageLimit: 20 }],
		['inclusive, with short pages', { listPageLimit: 20, listTakesInMoment: true }],
	])('Return All: without gap or repeat where the API is %s', async (_kind, options) => {
		// Seven of one moment, so that some lie across the border of two pages.
		const seeds = series(130).map((seed, number) => ({
			...seed,
			createTime: START_MS + Math.floor(number / 7) * MINUTE_MS,
		}));
		const { run } = await bench({ seeds, ...options });
		const { items, hints } = await run([{}], getTasks({ returnAll: true, limit: 1 }));
		const found = taskIds(items('Kling'));
		const own = newestFirst(seeds);
		expect(found.filter((taskId) => own.includes(String(taskId)))).toEqual(own);
		expect(new Set(found).size).toBe(found.length);
		expect(found.length).toBeGreaterThan(own.length + 1);
		expect(hints('Kling')).toEqual([]);
	});

	test('says so where tasks of one moment cannot all be shown', async () => {
		const seeds = series(30, { createTime: START_MS });
		const { run } = await bench({ seeds, listPageLimit: 20 });
		const { items, hints } = await run([{}], getTasks({ returnAll: true }));
		expect(items('Kling').length).toBeGreaterThan(20);
		expect(hints('Kling').map(({ message }) => message)).toEqual([
			expect.stringContaining('shows at most 20 of the tasks that were made at the same moment'),
		]);
	});

	test('may be empty: no items, and no error', async () => {
		const { run } = await bench();
		const filters = { createdBefore: '2001-01-01' };
		const { error, items, run: whole } = await run([{}], getTasks({ filters }));
		expect(error).toBeUndefined();
		expect(whole.status).toBe('success');
		expect(items('Kling')).toEqual([]);
	});
});

describe('Output', () => {
	const unfinished: SandboxSeed[] = [
		{ taskId: '700000001', createTime: START_MS, status: 'processing' },
		{
			taskId: '700000003',
			createTime: START_MS + 1,
			status: 'failed',
			error: 'The image violates the community guidelines',
		},
		{ taskId: '700000005', createTime: START_MS + 2, withoutWorks: true },
		{ taskId: '700000007', createTime: START_MS + 3 },
	];

	test('Simplified: running and failed tasks are ordinary items', async () => {
		const { run } = await bench({ seeds: unfinished, listWholeModels: true });
		const { items } = await run([{}], getTasks({ filters: within() }), {
			onError: 'continueErrorOutput',
		});
		expect(items('Failed')).toEqual([]);
		expect(items('Result').map(({ json }) => [json.taskId, json.status, json.message])).toEqual([
			['700000007', 'succeed', undefined],
			['700000005', 'succeed', undefined],
			['700000003', 'failed', 'The image violates the community guidelines'],
			['700000001', 'processing', undefined],
		]);
	});

	test('Raw: as the API has it, but for the name of the vendor’s error', async () => {
		const { run } = await bench({ seeds: unfinished, listWholeModels: true });
		const { items } = await run([{}], getTasks({ output: 'raw', filters: within() }), {
			onError: 'continueErrorOutput',
		});
		expect(items('Failed')).toEqual([]);
		const [, , failed] = items('Result');
		expect(failed.json).toMatchObject({
			status_name: 'failed',
			vendorError: 'The image violates the community guidelines',
		});

		const bare = await bench({ seeds: unfinished });
		const works = await bare.run([{}], getTasks({ output: 'raw', filters: within() }));
		expect(works.items('Kling').map(({ json }) => Object.keys(json))).toEqual([['works']]);
	});

	test('Images: an item per image that goes straight into Upscale; the others are passed over', async () => {
		const { run, sandbox } = await bench({ seeds: unfinished, listWholeModels: true });
		const { error, items } = await run(
			[{}],
			getTasks({ output: 'images', filters: { createdBefore: '2026-04-01' } }),
		);
		expect(error).toBeUndefined();
		const found = items('Kling');
		const workIds = (await sandbox.tasks()).slice(1).flatMap((task) => task.workIds);
		expect(found.map(({ json }) => json.workId)).toEqual(workIds);
		expect(workIds).toHaveLength(6);
		expect(found[0]).toEqual({
			json: {
				taskId: '700000007',
				workId: '700000008',
				url: expect.stringMatching(/^http/),
				width: expect.any(Number),
				height: expect.any(Number),
				coverUrl: expect.any(String),
				type: 'mmu_img2img_aiweb',
				createdAt: '2026-03-01T10:00:00.003Z',
			},
			pairedItem: { item: 0 },
		});

		const upscaled = await run(
			found.map(({ json }) => json),
			upscale({ taskId: '={{ $json.taskId }}', workId: '={{ $json.workId }}' }),
		);
		expect(upscaled.items('Kling').map(({ json }) => json.status)).toEqual(
			workIds.map(() => 'succeed'),
		);
	});

	test('Images: Limit counts images, also within a task', async () => {
		const { run } = await bench();
		const filters = { createdBefore: '2026-01-01' };
		const all = await run([{}], getTasks({ output: 'images', filters }));
		expect(taskIds(all.items('Kling'))).toHaveLength(5);
		expect(new Set(taskIds(all.items('Kling'))).size).toBe(3);
		for (const limit of [1, 3, 4]) {
			const { items } = await run([{}], getTasks({ output: 'images', limit, filters }));
			expect(items('Kling')).toEqual(all.items('Kling').slice(0, limit));
		}
	});

	test('a job under way is shown with its ID, which Task → Get takes', async () => {
		const { run, lists, sandbox } = await bench({ jobMs: 60_000, listWholeModels: true });
		const submitted = await run([{}], upscale({ wait: 'none' }));
		const { items } = await run([{}], getTasks({ limit: 1 }));
		const [{ json }] = items('Kling');
		expect(json).toMatchObject({
			taskId: submitted.items('Kling')[0].json.taskId,
			status: 'submitted',
			finished: false,
		});
		const shown = await run([{}], getTask({ taskId: json.taskId }));
		expect(shown.items('Kling')[0].json.taskId).toBe(json.taskId);
		expect(lists()).toHaveLength(1);
		expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
	});
});

describe('Filters', () => {
	const seeds = series(10).map((seed, number) => ({
		...seed,
		contentType: number % 2 === 1 ? ('video' as const) : ('image' as const),
	}));
	const idsOf = (...numbers: number[]) => numbers.map((number) => seeds[number].taskId);

	test.each([
		[{}, idsOf(8, 6, 4, 2, 0), 'image'],
		[{ contentType: '' }, idsOf(8, 6, 4, 2, 0), 'image'],
		[{ contentType: 'video' }, idsOf(9, 7, 5, 3, 1), 'video'],
		[{ contentType: 'all' }, newestFirst(seeds), undefined],
		[{ contentType: 'audio' }, [], 'audio'],
	])('Content Type %p', async (filters, expected, asked) => {
		const { run, lists } = await bench({ seeds });
		const { items } = await run([{}], getTasks({ filters: within(filters) }));
		expect(taskIds(items('Kling'))).toEqual(expected);
		expect(lists()[0].contentType).toBe(asked);
	});

	const from4 = START_MS + 4 * MINUTE_MS;
	const before8 = START_MS + 8 * MINUTE_MS;
	test.each([
		['ISO text', '2026-03-01T10:04:00Z', '2026-03-01T10:08:00Z'],
		// The engine's workflows are in n8n's own default zone, America/New_York.
		['the date picker’s text', '2026-03-01T05:04:00', '2026-03-01T05:08:00'],
		['ms', from4, before8],
		['seconds as text', String(from4 / 1000), String(before8 / 1000)],
		[
			'Luxon',
			"={{ DateTime.fromISO('2026-03-01T10:04:00Z') }}",
			"={{ DateTime.fromISO('2026-03-01T11:08:00+01:00') }}",
		],
		['JavaScript', `={{ new Date(${from4}) }}`, `={{ new Date(${before8}) }}`],
	])('dates as %s: from the first on, before the second', async (_kind, after, before) => {
		const { run, lists } = await bench({ seeds });
		const filters = { createdAfter: after, createdBefore: before };
		const { error, items } = await run([{}], getTasks({ filters }));
		expect(error).toBeUndefined();
		expect(taskIds(items('Kling'))).toEqual(idsOf(6, 4));
		expect(lists()).toEqual([
			{ contentType: 'image', pageSize: '50', createdBefore: String(before8) },
		]);
	});

	test('one date alone', async () => {
		const { run } = await bench({ seeds });
		const after = await run([{}], getTasks({ filters: { createdAfter: from4 } }));
		expect(taskIds(after.items('Kling')).slice(1)).toEqual(idsOf(8, 6, 4));
		const before = await run([{}], getTasks({ filters: { createdBefore: from4 } }));
		expect(taskIds(before.items('Kling')).slice(0, 2)).toEqual(idsOf(2, 0));
	});

	test('a list of the last day does not go through the whole history', async () => {
		const { run, lists } = await bench({ seeds: series(500) });
		const filters = { createdAfter: '={{ $now.minus({ days: 1 }) }}' };
		const { items } = await run([{}], getTasks({ returnAll: true, filters }));
		expect(items('Kling')).toHaveLength(1);
		expect(lists()).toHaveLength(1);
	});
});

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
			message: expect.stringContaining('Check Account'),
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

describe('trouble', () => {
	const accounts = ['a', 'b'].map((name) => ({ email: `${name}@example.com`, maxJobs: 5 }));

	test('400: with several accounts, Account must be filled in', async () => {
		const { run } = await bench({ accounts });
		const { error } = await run([{}], getTasks());
		expect(error).toMatchObject({
			message: 'email is required when several accounts are configured',
			httpCode: '400',
		});
		expect(error?.description).toContain('Account must be filled in');
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
		['Limit must be a number of at least 1', { limit: 0 }],
		['Limit must be a number of at least 1', { limit: '={{ "many" }}' }],
		['Limit must be a whole number', { limit: 2.5 }],
		['Account must be an email', { account: byEmail('={{ "nobody" }}') }],
		[
			'Content Type must be image, video, audio, all, but is "text"',
			{ filters: { contentType: 'text' } },
		],
		[
			'Created After is not clearly a date: "03/01/2026"',
			{ filters: { createdAfter: '03/01/2026' } },
		],
		['Created Before is not clearly a date: "5"', { filters: { createdBefore: 5 } }],
		[
			'Created After must be earlier than Created Before',
			{ filters: { createdAfter: '2026-03-02', createdBefore: '2026-03-01' } },
		],
		[
			'Created After must be earlier than Created Before',
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

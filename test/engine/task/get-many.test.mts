import type { SandboxOptions, SandboxSeed } from '../../../sandbox/options.mts';
import { bench, getTask, getTasks, upscale } from '../support/kling.mts';
import { MINUTE_MS, newestFirst, series, START_MS, taskIds, within } from './series.mts';

/** Task → Get Many: what is in the list, and what comes out. */

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
		const { run, lists } = await bench({ onePixel: false, seeds });
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
		const { run } = await bench({ onePixel: false, seeds, ...options });
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
		const { run, sandbox } = await bench({
			onePixel: false,
			seeds: unfinished,
			listWholeModels: true,
		});
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
		const { run } = await bench({ onePixel: false });
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

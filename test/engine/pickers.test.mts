import type { Fault } from '../../sandbox/faults.mts';
import type { SandboxOptions } from '../../sandbox/options.mts';
import { searchList } from './support/n8n/engine.mts';
import { bench, TASK_ID, WORK_ID, upscale } from './support/kling.mts';

const locator = (value: string) => ({ __rl: true, mode: 'list', value });

/** The API's next answer is this. */
const answering = (body: unknown, status = 200): Fault => ({ kind: 'json', status, body });

describe('Account', () => {
	test('lists the connected accounts, filtered by what is typed', async () => {
		const { credentials } = await bench({
			accounts: [
				{ email: 'one@example.com', maxJobs: 5 },
				{ email: 'two@example.com', maxJobs: 5 },
			],
		});
		const { results } = await searchList('searchAccounts', {}, credentials);
		expect(results).toEqual([
			{ name: 'one@example.com', value: 'one@example.com' },
			{ name: 'two@example.com', value: 'two@example.com' },
		]);
		expect((await searchList('searchAccounts', {}, credentials, 'TWO')).results).toHaveLength(1);
	});

	test('what is no email is no account, and nothing at all is an empty list', async () => {
		const { credentials, addFault } = await bench();
		addFault(answering({ total: 1, 'one@example.com': {} }));
		addFault(answering({}));
		expect((await searchList('searchAccounts', {}, credentials)).results).toEqual([
			{ name: 'one@example.com', value: 'one@example.com' },
		]);
		expect((await searchList('searchAccounts', {}, credentials)).results).toEqual([]);
	});

	test('an answer of something else says so, and how to go on without the list', async () => {
		const { credentials, addFault } = await bench();
		addFault(answering({ status: 'fine' }));
		await expect(searchList('searchAccounts', {}, credentials)).rejects.toMatchObject({
			message: 'The answer of useapi.net is not a list of accounts',
			description:
				"Try again in a moment. If this happens again, check the 'Base URL' of the credential. You can continue without the list: set 'Account' to 'By Email'.",
		});
	});
});

test('without any Kling account the vendor’s own words are shown', async () => {
	const { credentials } = await bench({ accounts: [] });
	await expect(searchList('searchAccounts', {}, credentials)).rejects.toMatchObject({
		message: 'No Kling account is connected to useapi.net yet',
		description: expect.stringMatching(
			/^useapi\.net says: ".*Configuration not found.*"\. Connect your Kling account there, then try again\.$/,
		),
	});
});

test('without any Kling account and without words, it is told all the same', async () => {
	const { credentials, addFault } = await bench();
	addFault(answering({}, 404));
	await expect(searchList('searchAccounts', {}, credentials)).rejects.toMatchObject({
		message: 'No Kling account is connected to useapi.net yet',
		description: expect.stringContaining('useapi.net says: "nothing".'),
	});
});

describe('Task', () => {
	test.each<[string, SandboxOptions]>([
		['', {}],
		[', where the API is inclusive', { listTakesInMoment: true }],
		[', where pages are short', { listPageLimit: 20 }],
	])('lists image tasks, newest first, and pages by date%s', async (_kind, options) => {
		// Seven of one moment, so that some lie across the border of two pages.
		const seeds = Array.from({ length: 120 }, (_, number) => ({
			taskId: String(700000000 + 2 * number),
			createTime: Date.parse('2026-03-01T10:00:00Z') + Math.floor(number / 7) * 60_000,
		}));
		const { credentials } = await bench({ seeds, ...options });
		const seen: string[] = [];
		let token: string | undefined;
		let pages = 0;
		do {
			const page = await searchList('searchTasks', {}, credentials, undefined, token);
			seen.push(...page.results.map(({ value }) => String(value)));
			token = page.paginationToken as string | undefined;
		} while (token && ++pages < 10);
		const own = seeds.map(({ taskId }) => taskId);
		expect(seen.filter((taskId) => own.includes(taskId))).toEqual(own.reverse());
		expect(new Set(seen).size).toBe(seen.length);
	});

	test.each(['700000000', 'bRiDgE', '1 Mar 2025'])(
		'tells of a task what people know it by, and finds it by %s',
		async (by) => {
			const createTime = Date.parse('2025-03-01T10:00:00Z');
			const seed = { taskId: '700000000', createTime, prompt: 'A bridge in the fog' };
			const { credentials } = await bench({ seeds: [seed] });
			const { results } = await searchList('searchTasks', {}, credentials, by);
			expect(results).toEqual([
				{ name: 'A bridge in the fog · 1 image · 1 Mar 2025 · from an image', value: '700000000' },
			]);
		},
	);

	test('asks for the tasks of the chosen account', async () => {
		const { credentials, sandbox } = await bench();
		await searchList('searchTasks', { account: locator('artist@example.com') }, credentials);
		expect(sandbox.requests.at(-1)?.query).toMatchObject({
			email: 'artist@example.com',
			contentType: 'image',
		});
		await searchList('searchTasks', { account: locator(' ') }, credentials);
		expect(sandbox.requests.at(-1)?.query).not.toHaveProperty('email');
	});

	test('says what there is to say of a task of which little is known', async () => {
		const { credentials, addFault } = await bench();
		const image = (changes: object) => ({
			contentType: 'image',
			resource: { resource: 'https://cdn.example.com/a.png' },
			...changes,
		});
		addFault(
			answering({
				history: [
					{ task: { id: 1, type: 'mmu_image_upscale_aiweb' }, works: [image({}), image({})] },
					{ task: { id: 2, type: 'img_mmu_aiweb_x' }, works: [] },
					{ works: [image({ taskId: 3 })] },
				],
			}),
		);
		expect((await searchList('searchTasks', {}, credentials)).results).toEqual([
			{ name: 'Task 1 · 2 images · upscaled', value: '1' },
			{ name: 'Task 2 · 0 images · img mmu aiweb x', value: '2' },
			{ name: 'Task 3 · 1 image', value: '3' },
		]);
	});

	test('is an empty list with no way on where there is no task', async () => {
		const { credentials, addFault } = await bench();
		addFault(answering({ history: null }));
		expect(await searchList('searchTasks', {}, credentials)).toEqual({ results: [] });
	});
});

describe('Image', () => {
	test('lists the images of the chosen task with their size', async () => {
		const { credentials } = await bench();
		const { results } = await searchList('searchImages', { taskId: locator(TASK_ID) }, credentials);
		expect(results).toEqual([
			{
				name: expect.stringMatching(/^Image 1 · \d+ × \d+$/) as string,
				value: WORK_ID,
				url: expect.stringMatching(/^http/),
			},
		]);
	});

	test('says which of them were upscaled before, and lists them also where that cannot be told', async () => {
		const kling = await bench();
		const list = async () =>
			(await searchList('searchImages', { taskId: locator(TASK_ID) }, kling.credentials)).results;
		await kling.run([{}], upscale());
		expect((await list())[0].name).toMatch(/^Image 1 · \d+ × \d+ · has a larger version$/);
		kling.addFault({ kind: 'status', status: 500, path: '^/v1/kling/tasks$' });
		expect((await list())[0].name).toMatch(/^Image 1 · \d+ × \d+$/);
	});

	test('shows the images that can be upscaled, with what is known of them', async () => {
		const { credentials, addFault } = await bench();
		const image = (workId: number | undefined, size: object) => ({
			workId,
			contentType: 'image',
			resource: { resource: 'https://cdn.example.com/a.png', ...size },
		});
		const works = [
			image(undefined, { width: 10, height: 20 }),
			image(8, { width: 10, height: 20 }),
			image(9, { width: 10 }),
			image(10, { height: 20 }),
		];
		const url = 'https://cdn.example.com/a.png';
		addFault(answering({ task: { id: 5 }, works }));
		expect(
			(await searchList('searchImages', { taskId: locator(' 5 ') }, credentials)).results,
		).toEqual([
			{ name: 'Image 2 · 10 × 20', value: '8', url },
			{ name: 'Image 3', value: '9', url },
			{ name: 'Image 4', value: '10', url },
		]);
	});

	test('asks the chosen account, or none', async () => {
		const { credentials, sandbox } = await bench();
		const taskId = locator(TASK_ID);
		const account = locator('artist@example.com');
		await searchList('searchImages', { taskId, account }, credentials);
		expect(sandbox.requests[0].query).toEqual({ email: 'artist@example.com' });
		expect(sandbox.requests[1].query).toMatchObject({ email: 'artist@example.com' });
		sandbox.requests.length = 0;
		await searchList('searchImages', { taskId, account: locator('') }, credentials);
		expect(sandbox.requests[0].query).toEqual({});
		expect(sandbox.requests[1].query).not.toHaveProperty('email');
	});

	test.each([undefined, '', 'abc', '12a', 'a12', '={{ $json.taskId }}'])(
		'asks for a task first: %p',
		async (value) => {
			const { credentials, sandbox } = await bench();
			const parameters = value === undefined ? {} : { taskId: locator(value) };
			await expect(searchList('searchImages', parameters, credentials)).rejects.toMatchObject({
				message: 'Choose a task first',
				description:
					"The list shows the images of that task. You can also enter an image ID under 'By ID'.",
			});
			expect(sandbox.requests).toHaveLength(0);
		},
	);

	test.each([
		['a task that is gone', answering({ error: 'Task not found' }, 404), 'Task not found'],
		['no task', answering({}), 'The answer of useapi.net is not a task'],
	])('%s says how to go on without the list', async (_name, fault, message) => {
		const { credentials, addFault } = await bench();
		addFault(fault);
		await expect(
			searchList('searchImages', { taskId: locator('5') }, credentials),
		).rejects.toMatchObject({
			message,
			description: expect.stringMatching(
				/ You can continue without the list: set 'Image' to 'By ID'\.$/,
			),
		});
	});
});

test.each([
	['searchAccounts', "set 'Account' to 'By Email'"],
	['searchTasks', "set 'Task' to 'By ID'"],
])('a list that cannot be had says why and how to go on: %s', async (method, nextStep) => {
	const { credentials } = await bench();
	credentials.apiToken = 'user:9-wrong';
	await expect(searchList(method, {}, credentials)).rejects.toMatchObject({
		message: 'The API token was refused',
		description: expect.stringContaining(nextStep),
	});
});

import type { SandboxOptions } from '../../sandbox/options.mts';
import { searchList } from './support/engine.mts';
import { bench, TASK_ID, WORK_ID } from './support/kling.mts';

const locator = (value: string) => ({ __rl: true, mode: 'list', value });

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
});

test('without any Kling account the vendor’s own words are shown', async () => {
	const { credentials } = await bench({ accounts: [] });
	await expect(searchList('searchAccounts', {}, credentials)).rejects.toMatchObject({
		message: 'No Kling account is connected to useapi.net yet',
		description: expect.stringContaining('Configuration not found'),
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

	test('says when a task was made, its kind, how many images it has, and finds by any of it', async () => {
		const createTime = Date.parse('2026-03-01T10:00:00Z');
		const { credentials } = await bench({ seeds: [{ taskId: '700000000', createTime }] });
		const { results } = await searchList('searchTasks', {}, credentials, '700000000');
		expect(results).toEqual([
			{ name: '2026-03-01 10:00 · img2img · 1 image · 700000000', value: '700000000' },
		]);
	});

	test('asks for the tasks of the chosen account', async () => {
		const { credentials, sandbox } = await bench();
		await searchList('searchTasks', { account: locator('artist@example.com') }, credentials);
		expect(sandbox.requests.at(-1)?.query).toMatchObject({
			email: 'artist@example.com',
			contentType: 'image',
		});
	});
});

describe('Image', () => {
	test('lists the images of the chosen task with their size', async () => {
		const { credentials } = await bench();
		const { results } = await searchList('searchImages', { taskId: locator(TASK_ID) }, credentials);
		expect(results).toEqual([
			{
				name: expect.stringMatching(new RegExp(`^Image 1, \\d+ × \\d+ \\(${WORK_ID}\\)$`)),
				value: WORK_ID,
				url: expect.stringMatching(/^http/),
			},
		]);
	});

	test('asks for a task first', async () => {
		const { credentials, sandbox } = await bench();
		await expect(searchList('searchImages', { taskId: locator('') }, credentials)).rejects.toThrow(
			'Choose a task first',
		);
		expect(sandbox.requests).toHaveLength(0);
	});
});

test('a list that cannot be had says why and how to go on', async () => {
	const { credentials } = await bench();
	credentials.apiToken = 'user:9-wrong';
	await expect(searchList('searchTasks', {}, credentials)).rejects.toMatchObject({
		message: 'The API token was refused',
		description: expect.stringContaining('set Task to By ID'),
	});
});

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { PROJECT } from '../../tools/project.mts';
import { openEditor, type Editor } from './support/editor.mts';
import { klingWorkflow, openN8n, readExample, until, type RealN8n } from './support/real-n8n.mts';

/** What a user meets in the real editor: lists, fields that come and go, waiting, errors, examples. */

let real: RealN8n;
let editor: Editor;
beforeAll(async () => {
	real = await openN8n();
	editor = await openEditor(real, 'editor');
}, 1_200_000);
afterAll(async () => {
	await editor?.close();
	await real?.close();
});

const good = { taskId: '123456789', workId: '987654321' };
const seeds = [
	{ ...good, prompt: 'A bridge', createTime: Date.parse('2025-03-01T12:00:00Z') },
	{
		...{ taskId: '700000001', workId: '700000002', prompt: 'A harbour at dawn' },
		createTime: Date.parse('2025-03-02T12:00:00Z'),
	},
	{ taskId: '700000003', status: 'processing' as const },
];
const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const upscale = (changes: object = {}) => ({
	taskId: byId(good.taskId),
	workId: byId(good.workId),
	...changes,
});

async function openNode(parameters: Record<string, unknown>, options: object = {}) {
	const opened = await real.open({ seeds, ...options });
	await editor.openWorkflow(klingWorkflow([{}], parameters, opened.credential));
	await editor.node('Kling').dblclick();
	await editor.field('resource').waitFor();
	return opened;
}

describe('lists', () => {
	test('task and image are picked, and another task brings its own images', async () => {
		const { sandbox } = await openNode({});
		// So that one of the images has a larger version.
		await fetch(`${sandbox.url}/v1/kling/images/upscale`, {
			method: 'POST',
			headers: {
				authorization: `Bearer ${sandbox.token}`,
				'content-type': 'application/json',
			},
			body: JSON.stringify({ task_id: good.taskId, workId: good.workId }),
		});
		const tasks = await editor.entries('taskId');
		await editor.shot('list-of-tasks');
		const own = (await tasks.allInnerTexts()).filter((name) => /bridge|dawn/.test(name));
		expect(own.slice(-2)).toEqual([
			'A harbour at dawn · 1 image · 2 Mar 2025 · from an image',
			'A bridge · 1 image · 1 Mar 2025 · from an image',
		]);
		await tasks.filter({ hasText: 'at dawn' }).click();
		expect(await (await editor.entries('workId')).allInnerTexts()).toEqual([
			expect.stringMatching(/^Image 1 · \d+ × \d+$/),
		]);
		await editor.page.keyboard.press('Escape');

		await (await editor.entries('taskId'))
			.filter({ hasText: 'A bridge · 1 image · 1 Mar' })
			.click();
		const images = await editor.entries('workId');
		await editor.shot('list-of-images');
		await images.filter({ hasText: 'has a larger version' }).click();
		const chosen = editor.page.locator('[data-test-id="resource-locator-workId"] input').last();
		expect(await chosen.inputValue()).toMatch(/^Image 1 · .* · has a larger version$/);
	});

	test('one that cannot be had says why', async () => {
		const { sandbox } = await openNode({});
		sandbox.settings.token = 'user:2-changed-since';
		await editor.page.locator('[data-test-id="resource-locator-taskId"] input').last().click();
		await editor.page.getByText('The API token was refused').first().waitFor();
		await editor.shot('list-that-fails');
	});
});

describe('fields', () => {
	const FIELDS = ['replyUrl', 'download', 'output'];
	const shown = async () => {
		const counts = await Promise.all(FIELDS.map(async (name) => await editor.field(name).count()));
		return FIELDS.filter((_name, at) => counts[at] > 0);
	};
	const notice = () =>
		editor.page.getByText('useapi.net must be able to reach this n8n from the internet');
	const addable = async (): Promise<string[]> => {
		const button = editor.page.locator('[data-test-id="collection-parameter-add"]');
		await button.click();
		const options = editor.page.locator('[data-test-id="collection-parameter-option"]:visible');
		await options.first().waitFor();
		const names = await options.allInnerTexts();
		await button.click();
		await options.first().waitFor({ state: 'hidden' });
		return names.map((name) => name.trim());
	};
	const ALWAYS = [
		'Max Jobs',
		'Reply Reference',
		'Reuse Earlier Result',
		'Spending Limit',
		'Time Limit (Seconds)',
	];

	test('follow Wait for Result, and so do the options', async () => {
		await openNode(upscale({ download: true, options: { reuse: true } }));
		await editor.field('download').waitFor();
		await editor.shot('fields-poll');
		await openNode(upscale({ download: true }));
		await editor.field('download').waitFor();
		expect(await shown()).toEqual(['download', 'output']);
		expect(await notice().count()).toBe(0);
		expect((await addable()).sort()).toEqual(
			[...ALWAYS, 'Poll Interval (Seconds)', 'Without Watermark'].sort(),
		);

		await editor.choose('wait', /Pause Until Called Back/);
		await notice().waitFor();
		await editor.shot('fields-pause');
		expect(await shown()).toEqual(['download', 'output']);
		expect((await addable()).sort()).toEqual([...ALWAYS, 'Without Watermark'].sort());

		await editor.choose('wait', /Don't Wait/);
		await editor.field('replyUrl').waitFor();
		await editor.shot('fields-return');
		expect(await shown()).toEqual(['replyUrl', 'output']);
		expect(await notice().count()).toBe(0);
		expect((await addable()).sort()).toEqual(ALWAYS);
	});

	test.each([
		['get', { wait: 'poll', options: { pollInterval: 5, timeout: 600 } }, 'taskId'],
		['getAll', { returnAll: false, filters: { contentType: 'image', createdAfter: '' } }, 'limit'],
		['delete', {}, 'taskId'],
	])('of Task → %s', async (operation, changes, field) => {
		await openNode({ resource: 'task', operation, ...changes });
		const isLocator = field === 'taskId';
		const one = isLocator ? `resource-locator-${field}` : `parameter-input-${field}`;
		await editor.page.locator(`[data-test-id="${one}"]`).first().waitFor();
		await editor.shot(`fields-${operation}`);
		expect(await editor.field('replyUrl').count()).toBe(0);
	});
});

test('Pause Until Called Back says what it waits for, and goes on at the call', async () => {
	const { sandbox, credential } = await real.open({ seeds, hold: true, jobMs: 100 });
	const parameters = upscale({ wait: 'callback', download: true });
	await editor.openWorkflow(klingWorkflow([{}], parameters, credential));
	await editor.execute();
	await editor.node('Kling').dblclick();
	await editor.output.getByText('Paused until useapi.net calls back').waitFor();
	await editor.shot('paused', 'paused');
	await editor.page.keyboard.press('Escape');
	await editor.shot('paused-on-the-canvas');
	await until(async () => sandbox.held().length === 1);
	sandbox.release(sandbox.held()[0].taskId);
	await editor.succeeds('Result');
	await editor.shot('called-back');
});

test('the balance of an account is read in the output panel', async () => {
	const accounts = [{ email: 'artist@example.com', maxJobs: 5, credits: 560, topUp: 20 }];
	const { credential } = await real.open({ seeds, accounts });
	const account = { __rl: true, mode: 'email', value: 'artist@example.com' };
	const parameters = { resource: 'account', operation: 'get', account };
	await editor.openWorkflow(klingWorkflow([{}], parameters, credential));
	await editor.execute();
	await editor.succeeds('Result');
	await editor.node('Kling').dblclick();
	await editor.output.getByText('580').first().waitFor();
	await editor.shot('balance');
});

test('an error is read in the output panel: what happened and what to do', async () => {
	const { credential } = await real.open({ seeds });
	const parameters = { taskId: byId('700000003'), workId: byId('700000004') };
	await editor.openWorkflow(klingWorkflow([{}], parameters, credential));
	await editor.execute();
	await editor.page.getByText('Problem in node').first().waitFor();
	await editor.node('Kling').dblclick();
	await editor.output.getByText('Task 700000003 is not completed').first().waitFor();
	await editor.output.getByText('The source task is still running. Wait for it first').waitFor();
	await editor.shot('error');
});

test('a hint is read there after a fallback', async () => {
	const accounts = [{ email: 'artist@example.com', maxJobs: 5, paid: false }];
	const { credential } = await real.open({ seeds, accounts });
	const parameters = upscale({ download: true, options: { withoutWatermark: true } });
	await editor.openWorkflow(klingWorkflow([{}], parameters, credential));
	await editor.execute();
	await editor.succeeds('Result');
	await editor.node('Kling').dblclick();
	await editor.output.getByText('the standard image was downloaded').first().waitFor();
	await editor.shot('hint');
});

const EXAMPLES = readdirSync(join(PROJECT, 'examples')).filter((name) => name.endsWith('.json'));

test.each(EXAMPLES)('%s opens as a user imports it, with every node known', async (file) => {
	const { credential } = await real.open();
	await editor.page.goto(`${real.n8n.url}/workflow/new`);
	await editor.page
		.locator('[data-test-id="workflow-import-input"]')
		.setInputFiles(join(PROJECT, 'examples', file));
	const { nodes } = await readExample(file, credential);
	const cards = nodes.filter(({ type }) => type !== 'n8n-nodes-base.stickyNote');
	for (const { name } of cards) await editor.node(name).waitFor();
	await editor.shotOfExample(file.replace('.json', ''));
	expect(await editor.page.getByText(/Install this node|is not (known|installed)/).count()).toBe(0);
});

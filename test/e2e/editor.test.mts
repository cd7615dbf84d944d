import type { Browser, Locator, Page } from 'playwright-core';

import { launchBrowser, signIn } from '../../scripts/browser.mts';
import { klingWorkflow, openN8n, type RealN8n } from './support/real-n8n.mts';

/** What a user does with the node in the real editor. */

let real: RealN8n;
let browser: Browser;
let page: Page;
beforeAll(async () => {
	real = await openN8n();
	browser = await launchBrowser();
	page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
	page.setDefaultTimeout(20_000);
	await signIn(page, real.n8n.url, real.login);
}, 1_200_000);
afterAll(async () => {
	await browser?.close();
	await real?.close();
});

const seeds = [
	{ taskId: '123456789', workId: '987654321', createTime: Date.parse('2026-03-01T10:00:00Z') },
	{ taskId: '700000001', workId: '700000002', createTime: Date.parse('2026-03-02T10:00:00Z') },
	{ taskId: '700000003', status: 'processing' as const },
];

async function openWorkflow(workflow: ReturnType<typeof klingWorkflow>): Promise<Locator> {
	const { id } = await real.api.importWorkflow(workflow);
	await page.goto(`${real.n8n.url}/workflow/${id}`);
	const node = page.locator('[data-test-id="canvas-node"][data-node-name="Kling"]');
	await node.waitFor();
	return node;
}

const picker = (name: string) => page.locator(`[data-test-id="resource-locator-${name}"]`);

/** Opens a field's list and answers its entries once they are there. */
async function entries(name: string): Promise<Locator> {
	await picker(name).locator('input').last().click();
	const list = page.locator('[data-test-id="rlc-item"]:visible');
	await list.first().waitFor();
	return list;
}

test.each(['kling', 'upscale', 'useapi'])(
	'the node is found by searching for "%s"',
	async (words) => {
		const { credential } = await real.open();
		await openWorkflow(klingWorkflow([{}], {}, credential));
		await page.locator('[data-test-id="node-creator-plus-button"]').first().click();
		await page.locator('[data-test-id="node-creator-search-bar"]').fill(words);
		// The codex must not say category "AI": n8n would show the node among an agent's parts only.
		const found = page.locator(
			'[data-test-id="node-creator-node-item"], [data-test-id="item-iterator-item"]',
		);
		await found.filter({ hasText: 'Kling' }).first().click();
		// n8n shows Kling and Kling Trigger as one entry, with what they can do behind it.
		await page.getByText('Upscale an image').first().waitFor();
	},
);

test('task and image are picked from lists, and another task brings its own images', async () => {
	const { credential } = await real.open({ seeds });
	await (await openWorkflow(klingWorkflow([{}], {}, credential))).dblclick();

	const tasks = await entries('taskId');
	expect((await tasks.allInnerTexts()).slice(0, 2)).toEqual([
		expect.stringContaining('2026-03-02 10:00'),
		expect.stringContaining('2026-03-01 10:00'),
	]);
	await tasks.filter({ hasText: '700000001' }).click();
	expect(await (await entries('workId')).allInnerTexts()).toEqual([
		expect.stringMatching(/^Image 1, \d+ × \d+ \(700000002\)$/),
	]);
	await page.keyboard.press('Escape');

	await (await entries('taskId')).filter({ hasText: '123456789' }).click();
	const images = await entries('workId');
	await images.filter({ hasText: '987654321' }).click();
	const chosen = picker('workId').locator('input').last();
	expect(await chosen.inputValue()).toContain('987654321');
});

test('a list that cannot be had says how to go on without it', async () => {
	const { sandbox, credential } = await real.open();
	sandbox.settings.token = 'user:2-changed-since';
	await (await openWorkflow(klingWorkflow([{}], {}, credential))).dblclick();
	await picker('taskId').locator('input').last().click();
	await page.getByText('The API token was refused').first().waitFor();
});

test('an error is read in the output panel: what happened and what to do', async () => {
	const { credential } = await real.open({ seeds });
	const byId = (value: string) => ({ __rl: true, mode: 'id', value });
	const parameters = { taskId: byId('700000003'), workId: byId('700000004') };
	const node = await openWorkflow(klingWorkflow([{}], parameters, credential));
	await page.locator('[data-test-id="execute-workflow-button"]').first().click();
	await page.getByText('Problem in node').first().waitFor();
	await node.dblclick();
	const panel = page.locator('[data-test-id="output-panel"]');
	await panel.getByText('Task 700000003 is not completed').first().waitFor();
	await panel.getByText('The source task is still running. Wait for it first').waitFor();
});

test('the fields follow the choice of Wait for Result', async () => {
	const { credential } = await real.open();
	await (await openWorkflow(klingWorkflow([{}], {}, credential))).dblclick();
	const field = (name: string) => page.locator(`[data-test-id="parameter-input-${name}"]`);
	await field('download').waitFor();
	expect(await field('replyUrl').count()).toBe(0);
	await field('wait').click();
	await page.getByRole('option', { name: /Return Immediately/ }).click();
	await field('replyUrl').waitFor();
	expect(await field('download').count()).toBe(0);
});

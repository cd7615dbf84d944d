// `npm run screenshot`: the pictures of the README, taken in the real editor by a real browser.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startSandbox } from '../sandbox/server.mts';
import { chromiumPath, launchBrowser, signIn } from './browser.mts';
import { prepareDemo, type Demo } from './demo.mts';
import { NODES, sandboxTaskId } from './example.mts';
import { startN8n, type RunningN8n } from './n8n.mts';
import { PlainError, step } from './npm.mjs';
import { buildAndPack } from './pack.mts';
import { PROJECT, WORK } from './project.mts';

const IMAGES = join(PROJECT, 'docs', 'images');
const SIZE = { width: 1440, height: 820 };
const SHARPNESS = 2;
const RUN_LIMIT_MS = 60_000;
/** The canvas and the panels move into place. */
const SETTLE_MS = 1_200;
const node = (page: Page, name: string) =>
	page.locator(`[data-test-id="canvas-node"][data-node-name="${name}"]`);

async function take(page: Page, name: string): Promise<void> {
	await page.waitForTimeout(SETTLE_MS);
	const path = join(IMAGES, `${name}.png`);
	await page.screenshot({ path });
	console.log(`  ${path}`);
}

/** Runs the workflow and waits until the last node shows its result. */
async function execute(page: Page): Promise<void> {
	await page.locator('[data-test-id="execute-workflow-button"]').first().click();
	await node(page, NODES.save)
		.locator('[data-test-id="canvas-node-status-success"]')
		.waitFor({ timeout: RUN_LIMIT_MS });
}

/** "Workflow executed successfully" lies over the canvas. */
async function closeMessages(page: Page): Promise<void> {
	const closeButtons = page.locator('.el-notification__closeBtn');
	while (await closeButtons.count()) {
		await closeButtons.first().click();
		await page.waitForTimeout(SETTLE_MS);
	}
}

async function takeAll(page: Page, n8n: RunningN8n, demo: Demo): Promise<void> {
	await signIn(page, n8n.url, demo.login);
	await page.goto(`${n8n.url}/workflow/${demo.workflowId}`);
	await node(page, NODES.upscale).waitFor();
	await execute(page);
	await closeMessages(page);
	// n8n's own key for "show the whole workflow".
	await page.keyboard.press('1');
	await take(page, 'canvas');
	await node(page, NODES.upscale).dblclick();
	await page.locator('[data-test-id="node-execute-button"]').waitFor();
	await take(page, 'node');
	await page.getByRole('button', { name: 'View', exact: true }).click();
	await take(page, 'output');
}

async function screenshots(): Promise<void> {
	// Before the long part, in case there is no browser.
	chromiumPath();
	const folder = join(WORK, 'screenshot');
	await mkdir(IMAGES, { recursive: true });
	await mkdir(folder, { recursive: true });
	const tarball = await buildAndPack();
	const sandbox = await startSandbox();
	const n8n = await step('Starting n8n', () => startN8n({ folder, tarball }));
	try {
		const demo = await prepareDemo(n8n, {
			mode: 'sandbox',
			folder,
			credentialData: { apiToken: sandbox.token, baseUrl: sandbox.url },
			taskId: await sandboxTaskId(sandbox),
		});
		const browser = await launchBrowser();
		const page = await browser.newPage({ viewport: SIZE, deviceScaleFactor: SHARPNESS });
		try {
			await takeAll(page, n8n, demo);
		} catch (error) {
			await page.screenshot({ path: join(folder, 'failed.png') });
			throw error;
		} finally {
			await browser.close();
		}
	} finally {
		await n8n.stop();
		await sandbox.close();
	}
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	process.on(signal, () => process.exit(130));
}
try {
	await screenshots();
} catch (error) {
	console.error(
		`\n✗ ${error instanceof PlainError ? error.message : ((error as Error).stack ?? error)}`,
	);
	process.exit(1);
}

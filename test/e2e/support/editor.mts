import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import sharp from 'sharp';

import type { Workflow } from '../../../tools/n8n/restClient.mts';
import { PROJECT, WORK } from '../../../tools/project.mts';
import { launchBrowser, signIn } from './browser.mts';
import type { RealN8n } from './real-n8n.mts';

/**
 * n8n's editor in a real browser. Every step leaves a picture in `.kling/pictures`, to be looked at; `npm run screenshot`
 * takes those of the README from the same steps.
 */

const PICTURES = join(WORK, 'pictures');
const README_PICTURES = join(PROJECT, 'docs', 'images');
const EXAMPLE_PICTURES = join(PROJECT, 'examples', 'images');
const isForReadme = process.env.KLING_PICTURES === 'readme';
const SIZE = { width: 1440, height: 900 };
const SHARPNESS = isForReadme ? 2 : 1;
const PATIENCE_MS = 30_000;
/** "Workflow executed successfully" would lie over what is to be seen. */
const STILL = { animations: 'disabled', style: '.el-notification { display: none }' } as const;
const ONLY_NODES = {
	...STILL,
	style: `${STILL.style} .vue-flow__panel, button { display: none !important }`,
};
const MARGIN = 25;
const SUCCESS = '[data-test-id="canvas-node-status-success"]';

export interface Editor {
	page: Page;
	/**
	 * Takes a picture of this step.
	 *
	 * @param readme the name of the README's picture that this is
	 */
	shot(name: string, readme?: string): Promise<void>;
	/** Takes a picture of the whole workflow; `npm run screenshot` keeps it beside the examples. */
	shotOfExample(name: string): Promise<void>;
	/** A node on the canvas. */
	node(name: string): Locator;
	/** A field of the node that is open. */
	field(name: string): Locator;
	/** The output beside it. */
	output: Locator;
	/** Imports a workflow and shows it. @returns its id */
	openWorkflow(workflow: Workflow): Promise<string>;
	/** Opens the list of a field and answers its entries once they are there. */
	entries(name: string): Promise<Locator>;
	/** Chooses from the list of a field. */
	choose(name: string, option: RegExp): Promise<void>;
	/** Presses "Execute workflow". */
	execute(): Promise<void>;
	/** Waits until a node has its tick. */
	succeeds(name: string): Promise<void>;
	/** What n8n's node panel finds. */
	search(words: string): Promise<Locator>;
	close(): Promise<void>;
}

/** @param suite what the pictures' names begin with */
export async function openEditor(real: RealN8n, suite: string): Promise<Editor> {
	const browser = await launchBrowser();
	const page = await browser.newPage({ viewport: SIZE, deviceScaleFactor: SHARPNESS });
	page.setDefaultTimeout(PATIENCE_MS);
	await mkdir(PICTURES, { recursive: true });
	await signIn(page, real.n8n.url, real.login);
	const byTestId = (id: string) => page.locator(`[data-test-id="${id}"]`);
	const node = (name: string) =>
		page.locator(`[data-test-id="canvas-node"][data-node-name="${name}"]`);
	let taken = 0;

	return {
		page,
		async shot(name, readme) {
			const number = String(++taken).padStart(2, '0');
			const path = join(PICTURES, `${suite}-${number}-${name}.png`);
			await page.screenshot({ ...STILL, path });
			if (!readme || !isForReadme) return;
			await mkdir(README_PICTURES, { recursive: true });
			const inReadme = join(README_PICTURES, `${readme}.png`);
			await page.screenshot({ ...STILL, path: inReadme });
		},
		async shotOfExample(name) {
			await page.keyboard.press('1');
			await page.locator('.vue-flow__pane').click({ position: { x: 5, y: 300 } });
			const folder = isForReadme ? EXAMPLE_PICTURES : PICTURES;
			await mkdir(folder, { recursive: true });
			const boxes = await page.locator('.vue-flow__node').all();
			const areas = await Promise.all(boxes.map(async (box) => (await box.boundingBox())!));
			const left = Math.min(...areas.map(({ x }) => x)) - MARGIN;
			const top = Math.min(...areas.map(({ y }) => y)) - MARGIN;
			const clip = {
				x: left,
				y: top,
				width: Math.max(...areas.map(({ x, width }) => x + width)) - left + 2 * MARGIN,
				// Names stand below their nodes.
				height: Math.max(...areas.map(({ y, height }) => y + height)) - top + 3 * MARGIN,
			};
			const picture = await page.screenshot({ ...ONLY_NODES, clip, scale: 'css' });
			await sharp(picture)
				.png({ palette: true })
				.toFile(join(folder, `${name}.png`));
		},
		node,
		field: (name) => byTestId(`parameter-input-${name}`),
		output: byTestId('output-panel'),
		async openWorkflow(workflow) {
			const { id } = await real.api.importWorkflow(workflow);
			await page.goto(`${real.n8n.url}/workflow/${id}`);
			await byTestId('canvas-node').first().waitFor();
			return id;
		},
		async entries(name) {
			await byTestId(`resource-locator-${name}`).locator('input').last().click();
			const list = page.locator('[data-test-id="rlc-item"]:visible');
			await list.first().waitFor();
			return list;
		},
		async choose(name, option) {
			await byTestId(`parameter-input-${name}`).click();
			await page.getByRole('option', { name: option }).click();
		},
		async execute() {
			await byTestId('execute-workflow-button').first().click();
		},
		async succeeds(name) {
			await node(name).locator(SUCCESS).waitFor();
		},
		async search(words) {
			await byTestId('node-creator-search-bar').fill(words);
			return page.locator(
				'[data-test-id="node-creator-node-item"], [data-test-id="item-iterator-item"]',
			);
		},
		close: async () => await browser.close(),
	};
}

import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';

import { BUNDLED_PICTURES, type SandboxOptions } from '../../../sandbox/options.mts';
import { WORK } from '../../../tools/project.mts';
import { launchBrowser } from '../support/browser.mts';
import {
	execute,
	executionsOf,
	itemsOf,
	klingWorkflow,
	openN8n,
	readExample,
	until,
	type RealN8n,
} from '../support/real-n8n.mts';

/** The examples that need no other service, imported into the real n8n and run, as a user would after choosing a credential. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

const TASK = { taskId: '123456789', workId: '987654321' };

const imagesIn = async (folder: string): Promise<string[]> =>
	(await readdir(folder)).filter((file) => file.endsWith('.png'));

test('Upscale an image and save it', async () => {
	const { credential } = await real.open({ seeds: [TASK] });
	const workflow = await readExample('upscale-an-image-and-save-it.json', credential);
	const save = workflow.nodes.find(({ name }) => name === 'Save')!;
	save.parameters.fileName = String(save.parameters.fileName).replace('.n8n-files', real.n8n.files);
	const execution = await execute(real.api, workflow);
	expect(execution.resultData.error).toBeUndefined();
	expect(itemsOf(execution, 'Save')).toHaveLength(1);
	expect(await imagesIn(real.n8n.files)).toEqual([expect.stringMatching(/^kling-\d+-\d+\.png$/)]);
});

test('Nightly upscale: every night only what is new, and no larger version again', async () => {
	const picturesFolder = join(real.folder, 'nightly-pictures');
	const results = join(real.n8n.files, 'nightly');
	await Promise.all([picturesFolder, results].map(async (folder) => await mkdir(folder)));
	const drop = async (picture: string) =>
		await copyFile(join(BUNDLED_PICTURES, picture), join(picturesFolder, picture));
	const { sandbox, credential } = await real.open({ picturesFolder });
	await drop('lighthouse.jpg');

	const workflow = await readExample('nightly-upscale.json', credential);
	const save = workflow.nodes.find(({ name }) => name === 'Save')!;
	save.parameters.fileName = String(save.parameters.fileName).replace('.n8n-files', results);
	const { id } = await real.api.importWorkflow(workflow);
	const night = async () => {
		const execution = await real.api.waitForExecution(
			await real.api.runWorkflow(id, 'Every Night'),
		);
		expect(execution.resultData.error).toBeUndefined();
		return {
			listed: itemsOf(execution, 'Get Images').length,
			// The first output only: Remove Duplicates has a second one, for what it drops.
			fresh: execution.resultData.runData['New Ones']?.[0].data?.main[0]?.map(
				({ json }) => json.taskId,
			),
			upscaled: itemsOf(execution, 'Upscale').length,
			saved: (await imagesIn(results)).length,
		};
	};
	const taskOf = async (name: string) =>
		(await sandbox.tasks()).find((task) => task.name === name)!.taskId;

	const lighthouse = await taskOf('lighthouse');
	expect(await night()).toEqual({ listed: 1, fresh: [lighthouse], upscaled: 1, saved: 1 });
	// The larger version is an image of the last two days as well.
	expect(await night()).toEqual({ listed: 2, fresh: [], upscaled: 0, saved: 1 });
	await drop('mountain-lake.png');
	const lake = await taskOf('mountain lake');
	expect(await night()).toEqual({ listed: 3, fresh: [lake], upscaled: 1, saved: 2 });
	expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
}, 60_000);

test('When an image is finished: it is saved, and what failed goes the other way', async () => {
	const failing = { taskId: '700000001', workId: '700000002', upscale: 'fails' as const };
	const { credential } = await real.open({ seeds: [TASK, failing] });
	const receive = await readExample('when-an-image-is-finished.json', credential);
	const nodeOf = (name: string) => receive.nodes.find((node) => node.name === name)!;
	nodeOf('Save').parameters.fileName = String(nodeOf('Save').parameters.fileName).replace(
		'.n8n-files',
		real.n8n.files,
	);
	const published = await real.api.importWorkflow(receive);
	await real.api.publishWorkflow(published);
	const replyUrl = `${real.n8n.url}/webhook/${String(nodeOf('Task Finished').webhookId)}/kling`;
	await until(async () => (await fetch(replyUrl, { method: 'POST' })).ok);

	const byId = (value: string) => ({ __rl: true, mode: 'id', value });
	const submitted = await execute(
		real.api,
		klingWorkflow(
			[TASK, failing],
			{
				resource: 'image',
				operation: 'upscale',
				taskId: byId('={{ $json.taskId }}'),
				workId: byId('={{ $json.workId }}'),
				wait: 'none',
				replyUrl,
			},
			credential,
		),
	);
	const [good, bad] = itemsOf(submitted, 'Kling').map(({ json }) => json.taskId);
	await until(async () => (await executionsOf(real.api, published.id)).length === 2);
	const runs = await executionsOf(real.api, published.id);
	expect(runs.map(({ resultData }) => resultData.error)).toEqual([undefined, undefined]);
	const taskIdsOf = (node: string) =>
		runs.flatMap((run) => itemsOf(run, node)).map(({ json }) => json.taskId);
	expect([taskIdsOf('Save'), taskIdsOf('Look Into It')]).toEqual([[good], [bad]]);
	expect(await readdir(real.n8n.files)).toContain(`kling-${good}-${Number(good) + 1}.png`);
}, 60_000);

test('Enhance every new file of a folder: each once, beside what is there already', async () => {
	const { sandbox, credential } = await real.open({ longSidePx: { '2k': 600, '4k': 900 } });
	const folder = join(real.n8n.files, 'to-enhance');
	await mkdir(folder);
	const drop = async (picture: string) =>
		await copyFile(join(BUNDLED_PICTURES, picture), join(folder, picture));
	const workflow = await readExample('enhance-every-new-file-of-a-folder.json', credential);
	for (const { parameters } of workflow.nodes) {
		for (const field of ['fileSelector', 'fileName']) {
			const path = parameters[field];
			if (path) parameters[field] = String(path).replace('.n8n-files', real.n8n.files);
		}
	}
	const { id } = await real.api.importWorkflow(workflow);
	const hour = async () => {
		const started = await real.api.runWorkflow(id, 'Every Hour');
		const execution = await real.api.waitForExecution(started);
		expect(execution.resultData.error).toBeUndefined();
		return itemsOf(execution, 'Enhance').length;
	};
	expect(await hour()).toBe(0);
	await drop('lighthouse.jpg');
	expect([await hour(), await hour()]).toEqual([1, 0]);
	await drop('mountain-lake.png');
	expect([await hour(), await hour()]).toEqual([1, 0]);
	const saved = join(real.n8n.files, 'lighthouse-enhanced.png');
	expect(await sharp(saved).metadata()).toMatchObject({ width: 600, height: 400 });
	expect(await imagesIn(real.n8n.files)).toContain('mountain-lake-enhanced.png');
	expect(sandbox.requests.filter(({ path }) => path.endsWith('/enhance'))).toHaveLength(2);
}, 60_000);

describe('on a form', () => {
	const login = { user: 'artist', password: randomUUID() };
	const loginHeader = { authorization: `Basic ${btoa(`${login.user}:${login.password}`)}` };
	const httpCredentials = { username: login.user, password: login.password };
	const isOpen = async (address: string, headers: Record<string, string> = {}) =>
		(await fetch(address, { headers })).status;
	let browser: Browser;
	let loginCredential: { id: string; name: string };
	beforeAll(async () => {
		browser = await launchBrowser();
		const { id, name } = await real.api.createCredential({
			name: 'Form login',
			type: 'httpBasicAuth',
			data: login,
		});
		loginCredential = { id, name };
	}, 60_000);
	afterAll(async () => await browser?.close());

	/** @returns the address of the published form */
	async function publish(file: string, options: SandboxOptions): Promise<string> {
		const { credential } = await real.open(options);
		const workflow = await readExample(file, credential);
		const form = workflow.nodes.find(({ name }) => name === 'Form')!;
		form.credentials = { httpBasicAuth: loginCredential };
		await real.api.publishWorkflow(await real.api.importWorkflow(workflow));
		const address = `${real.n8n.url}/form/${String(form.webhookId)}`;
		await until(async () => (await isOpen(address, loginHeader)) === 200);
		return address;
	}

	/** Fills in the form and follows it to its last page. */
	async function submit(
		address: string,
		fillIn: (page: Page) => Promise<void>,
		lastPage: string,
	): Promise<Page> {
		const page = await browser.newPage({ httpCredentials });
		await page.goto(address);
		await fillIn(page);
		await page.getByRole('button', { name: 'Submit' }).click();
		await page.getByText(lastPage).waitFor({ timeout: 20_000 });
		return page;
	}

	async function widthOf(page: Page, alt: string): Promise<number> {
		const image = page.getByAltText(alt);
		await image.waitFor();
		const width = async () =>
			await image.evaluate((element) => (element as HTMLImageElement).naturalWidth);
		await until(async () => (await width()) > 0);
		return await width();
	}

	describe('Upscale on a form', () => {
		let address: string;
		beforeAll(async () => {
			address = await publish('upscale-on-a-form.json', { seeds: [TASK] });
		}, 60_000);
		const fillIn = (taskId: string, workId: string) => async (page: Page) => {
			await page.getByLabel('Task ID').fill(taskId);
			await page.getByLabel('Image ID').fill(workId);
		};

		test('opens for nobody without the password', async () => {
			expect(await isOpen(address)).toBe(401);
		});

		test('shows the image', async () => {
			const page = await submit(address, fillIn(TASK.taskId, TASK.workId), 'Open it in full size');
			expect(await widthOf(page, 'The larger image')).toBeGreaterThan(0);
		});

		test('says why not', async () => {
			const page = await submit(address, fillIn(TASK.taskId, 'the blue one'), 'That did not work');
			await page.getByText(`'Image' must be an ID made of digits, but is "the blue one"`).waitFor();
		});
	});

	describe('Enhance a picture from a form', () => {
		let address: string;
		beforeAll(async () => {
			address = await publish('enhance-a-picture-from-a-form.json', {});
		}, 60_000);
		const choose =
			(file: string | { name: string; mimeType: string; buffer: Buffer }) => async (page: Page) =>
				await page.locator('input[type=file]').setInputFiles(file);

		test('opens for nobody without the password', async () => {
			expect(await isOpen(address)).toBe(401);
		});

		test('shows the picture, larger', async () => {
			const picture = join(BUNDLED_PICTURES, 'lighthouse.jpg');
			const page = await submit(address, choose(picture), 'Open it in full size');
			expect(await widthOf(page, 'The enhanced picture')).toBe(2_560);
			await page.screenshot({ path: join(WORK, 'pictures', 'enhance-form.png') });
		});

		test('says why not, and nothing is sent', async () => {
			const file = { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('No photo') };
			const page = await submit(address, choose(file), 'That did not work');
			await page.getByText("The file in 'Picture' is neither PNG nor JPEG").waitFor();
		});
	});
});

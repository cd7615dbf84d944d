import { startSandbox, type Sandbox } from '../../sandbox/server.mts';
import { openEditor, type Editor } from './support/editor.mts';
import { openN8n, type RealN8n } from './support/real-n8n.mts';

/** From an empty n8n to a larger image, as somebody goes who has just installed the package. */

let real: RealN8n;
let editor: Editor;
let sandbox: Sandbox;
beforeAll(async () => {
	real = await openN8n();
	editor = await openEditor(real, 'newcomer');
	sandbox = await startSandbox({ jobMs: 1_500, scale: 4 });
}, 1_200_000);
afterAll(async () => {
	await editor?.close();
	await sandbox?.close();
	await real?.close();
});

const NODE = 'Upscale image';

test('finds the node, connects an account, picks an image, and sees the larger one', async () => {
	const { page, shot, node, field } = editor;
	await page.goto(`${real.n8n.url}/workflow/new`);
	await page.locator('[data-test-id="canvas-add-button"]').click();
	await page.getByText('Trigger manually').first().click();
	await node('When clicking ‘Execute workflow’').waitFor();
	await shot('empty-workflow');

	await page.locator('[data-test-id="canvas-handle-plus"]').first().click();
	const found = (await editor.search('upscale')).filter({ hasText: 'Kling' }).first();
	await found.waitFor();
	await shot('search');
	await found.click();
	await page.getByText(NODE).first().waitFor();
	await shot('actions');
	await page.getByText(NODE).first().click();
	await field('operation').waitFor();
	await shot('node-without-credential');

	// The credential: right, wrong, right again.
	await page.getByText('Connect to useapi.net').click();
	const dialog = page.locator('[data-test-id="editCredential-modal"]');
	const enter = async (name: string, value: string) =>
		await dialog.locator(`[data-test-id="parameter-input-${name}"] input`).fill(value);
	const save = async () => await dialog.locator('[data-test-id="credential-save-button"]').click();
	await enter('apiToken', sandbox.token);
	await enter('baseUrl', sandbox.url);
	await shot('credential');
	await save();
	// n8n closes the dialog by itself when its test is green.
	await dialog.waitFor({ state: 'hidden' });
	await page.locator('[data-test-id="credential-edit-button"]').click();
	await dialog.getByText('Connection tested successfully').waitFor();
	await shot('credential-is-right');
	await enter('apiToken', 'user:9-wrong');
	await save();
	await dialog.getByText('Couldn’t connect with these settings').waitFor();
	await dialog.getByText('More details').click();
	await dialog.getByText('The API token was refused').waitFor();
	await shot('credential-is-wrong');
	await enter('apiToken', sandbox.token);
	await save();
	await dialog.getByText('Connection tested successfully').waitFor();
	await dialog.getByRole('button', { name: 'Close' }).click();
	await dialog.waitFor({ state: 'hidden' });

	// Account, task and image, each from its list.
	const pick = async (name: string, text: string) => {
		const entries = await editor.entries(name);
		await shot(`list-${name}`);
		await entries.filter({ hasText: text }).first().click();
	};
	await pick('account', '@');
	await pick('taskId', 'lighthouse');
	await pick('workId', 'Image 1');
	await field('download').click();
	await field('binaryPropertyName').waitFor();
	await shot('node-filled-in');

	await page.locator('[data-test-id="node-execute-button"]').click();
	await editor.output.getByText(/kling-\d+-\d+\.png/).waitFor();
	await shot('output');
	await editor.output.getByRole('button', { name: 'View', exact: true }).click();
	const image = editor.output.locator('img').last();
	await image.waitFor();
	await shot('larger-image', 'output');
	expect(
		await image.evaluate(async (element) => {
			const picture = element as HTMLImageElement;
			await picture.decode();
			return [picture.naturalWidth, picture.naturalHeight];
		}),
	).toEqual([1920, 1280]);
	expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);

	await editor.output.getByText('JSON', { exact: true }).click();
	await editor.output.getByText('"succeed"').first().waitFor();
	await shot('output-as-json');
}, 180_000);

test.each(['kling', 'upscale', 'useapi', 'enhance', 'image'])(
	'the node is found by searching for "%s"',
	async (words) => {
		await editor.page.goto(`${real.n8n.url}/workflow/new`);
		await editor.page.locator('[data-test-id="canvas-add-button"]').click();
		// The codex must not say category "AI": n8n would show the node among an agent's parts only.
		const found = await editor.search(words);
		await found.filter({ hasText: 'Kling' }).first().waitFor();
		await editor.shot(`search-${words}`);
		await found.filter({ hasText: 'Kling' }).first().click();
		// n8n shows Kling and Kling Trigger as one entry, with what they can do behind it.
		await editor.page.getByText('On task succeeded').waitFor();
		await editor.page.getByText(/^Actions \(\d+\)$/).click();
		await editor.page.getByText('Upscale image').waitFor();
	},
);

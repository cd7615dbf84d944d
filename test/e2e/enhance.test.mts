import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

import { BUNDLED_PICTURES } from '../../sandbox/options.mts';
import type { Sandbox } from '../../sandbox/server.mts';
import { openEditor, type Editor } from './support/editor.mts';
import { execute, itemsOf, klingWorkflow, openN8n, type RealN8n } from './support/real-n8n.mts';

/** Image → Enhance in the real n8n: its fields in the editor, files and links, one and fifty. */

let real: RealN8n;
let editor: Editor;
beforeAll(async () => {
	real = await openN8n();
	editor = await openEditor(real, 'enhance');
}, 1_200_000);
afterAll(async () => {
	await editor?.close();
	await real?.close();
});

const enhance = (changes: object = {}) => ({ resource: 'image', operation: 'enhance', ...changes });
const sent = ({ requests }: Sandbox, path: string) =>
	requests.filter((request) => request.method === 'POST' && request.path.startsWith(path));
const UPLOAD = '/v1/kling/assets';

const binary = (bytes: Buffer, fileName: string) => ({
	binary: { data: { data: bytes.toString('base64'), mimeType: 'image/png', fileName } },
});
const picture = async (width: number) =>
	await sharp({ create: { width, height: 300, channels: 3, background: 'teal' } })
		.png()
		.toBuffer();

/** Items as a node before this one would bring them, with files. */
function workflowOf(
	items: object[],
	parameters: object,
	credential: Parameters<typeof klingWorkflow>[2],
) {
	const workflow = klingWorkflow([], { ...parameters }, credential);
	const code = workflow.nodes.find(({ name }) => name === 'Items')!;
	code.parameters.jsCode = `return ${JSON.stringify(items)};`;
	return workflow;
}

test('a file is chosen in the editor, and its larger version comes out', async () => {
	const { sandbox, credential } = await real.open();
	const photo = await readFile(join(BUNDLED_PICTURES, 'lighthouse.jpg'));
	const items = [{ json: {}, ...binary(photo, 'lighthouse.jpg') }];
	const parameters = enhance({ imageSource: 'url', imageUrl: 'https://', download: true });
	await editor.openWorkflow(workflowOf(items, parameters, credential));
	await editor.node('Kling').dblclick();
	await editor.field('imageUrl').waitFor();
	expect(await editor.field('inputBinaryField').count()).toBe(0);
	await editor.choose('imageSource', /^Binary File/);
	await editor.field('inputBinaryField').waitFor();
	expect(await editor.field('imageUrl').count()).toBe(0);
	await editor.shot('fields');
	await editor.page.locator('[data-test-id="node-execute-button"]').click();
	await editor.output.getByText('kling-500000010-500000011.png').waitFor();
	await editor.shot('result');
	const [upload] = sent(sandbox, UPLOAD);
	expect(upload.headers['content-type']).toBe('image/jpeg');
	expect(upload.body).toMatchObject({ bytes: photo.length });
}, 60_000);

test.each([
	['file', { imageSource: 'binary' }, 50],
	['link', { imageSource: 'url', imageUrl: '={{ $json.link }}' }, 0],
])(
	'fifty items by %s: in order, each paid once',
	async (_name, source, uploads) => {
		const { sandbox, credential } = await real.open({ onePixel: true });
		const credits = sandbox.credits();
		const items = await Promise.all(
			Array.from({ length: 50 }, async (_, number) => ({
				json: { link: `https://shop.example.com/${number}.jpg` },
				...binary(await picture(300 + number), `${number}.png`),
			})),
		);
		const execution = await execute(real.api, workflowOf(items, enhance(source), credential));
		expect(execution.resultData.error).toBeUndefined();
		const results = itemsOf(execution, 'Result');
		expect(results.map(({ pairedItem }) => pairedItem)).toEqual(items.map((_, item) => ({ item })));
		expect(new Set(results.map(({ json }) => json.taskId)).size).toBe(50);
		expect(results.every(({ json }) => json.status === 'succeed')).toBe(true);
		expect(sandbox.peakJobs.get('artist@example.com')).toBe(5);
		expect(sent(sandbox, UPLOAD)).toHaveLength(uploads);
		expect(sandbox.credits()).toBe(credits - 50);
	},
	120_000,
);

test('pauses with files, and goes on when all are finished', async () => {
	const { sandbox, credential } = await real.open({ onePixel: true });
	const items = await Promise.all(
		[300, 301, 302].map(async (width) => ({ json: {}, ...binary(await picture(width), 'a.png') })),
	);
	const parameters = enhance({ wait: 'callback', download: true });
	const execution = await execute(real.api, workflowOf(items, parameters, credential));
	expect(execution.resultData.error).toBeUndefined();
	const results = itemsOf(execution, 'Result');
	expect(results.map(({ json }) => json.status)).toEqual(['succeed', 'succeed', 'succeed']);
	expect(results.every(({ binary: file }) => file?.data.mimeType === 'image/png')).toBe(true);
	expect(sandbox.callbacks.length).toBeGreaterThan(0);
	expect(sent(sandbox, UPLOAD)).toHaveLength(3);
}, 60_000);

test('one file for two accounts, with lost answers and Retry On Fail: each account pays once', async () => {
	const accounts = ['one@example.com', 'two@example.com'].map((email) => ({ email, maxJobs: 5 }));
	const { sandbox, credential } = await real.open({ onePixel: true, accounts });
	sandbox.addFault({ method: 'POST', path: UPLOAD, kind: 'resetAfter' });
	sandbox.addFault({ method: 'POST', path: '/v1/kling/images/enhance', kind: 'resetAfter' });
	const file = binary(await picture(300), 'a.png');
	const emails = [...accounts, ...accounts].map(({ email }) => email);
	const workflow = workflowOf(
		emails.map((email) => ({ json: { email }, ...file })),
		enhance({ account: { __rl: true, mode: 'email', value: '={{ $json.email }}' } }),
		credential,
	);
	const kling = workflow.nodes.find(({ name }) => name === 'Kling')!;
	Object.assign(kling, { retryOnFail: true, maxTries: 3, waitBetweenTries: 100 });
	const before = accounts.map(({ email }) => sandbox.credits(email));
	const execution = await execute(real.api, workflow);
	expect(execution.resultData.error).toBeUndefined();
	const results = itemsOf(execution, 'Result').map(({ json }) => [json.account, json.status]);
	expect(results).toEqual(emails.map((email) => [email, 'succeed']));
	expect(accounts.map(({ email }) => sandbox.credits(email))).toEqual(before.map((all) => all - 1));
}, 60_000);

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

import { BUNDLED_PICTURES } from '../../../sandbox/options.mts';
import type { Sandbox } from '../../../sandbox/server.mts';
import {
	execute,
	itemsOf,
	nodeOf,
	openN8n,
	readExample,
	until,
	type RealN8n,
} from '../support/real-n8n.mts';
import { startS3 } from './s3.mts';
import { pin, standIn } from './stand-in.mts';
import { startTelegram } from './telegram.mts';

/** The examples that work together with other services. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

const ROOMY = [{ email: 'artist@example.com', maxJobs: 10 }];

const READ_CSV = `
const [names, ...lines] = (await this.helpers.getBinaryDataBuffer(0, 'data')).toString().trim().split('\\n');
const [first, second] = names.split(',');
return lines.map((line) => ({ json: { [first]: line.split(',')[0], [second]: line.split(',')[1] } }));`;

const isJob = ({ method, path }: Sandbox['requests'][number]) =>
	method === 'POST' && path.startsWith('/v1/kling/images/');
const jobsOf = ({ requests }: Sandbox) => requests.filter(isJob).length;
const lighthouse = async () => await readFile(join(BUNDLED_PICTURES, 'lighthouse.jpg'));

async function linkOf(sandbox: Sandbox): Promise<string> {
	const { workIds } = (await sandbox.tasks()).find(({ name }) => name === 'lighthouse')!;
	return `${sandbox.cdnUrl}/pictures/${workIds[0]}.jpg`;
}

describe('Stop before the credits run out', () => {
	const email = 'artist@example.com';
	async function run(credits: number, limit?: number) {
		const { sandbox, credential } = await real.open({
			accounts: [{ email, maxJobs: 5, credits }],
		});
		const [several] = (await sandbox.tasks()).filter(({ workIds }) => workIds.length === 3);
		const workflow = await readExample('stop-before-the-credits-run-out.json', credential);
		nodeOf(workflow, 'Balance').parameters.account = { __rl: true, mode: 'email', value: email };
		const byId = { __rl: true, mode: 'id', value: several.taskId };
		nodeOf(workflow, 'Get Images').parameters.taskId = byId;
		const options = nodeOf(workflow, 'Upscale').parameters.options as { spendingLimit: number };
		if (limit) options.spendingLimit = limit;
		return { execution: await execute(real.api, workflow), jobs: jobsOf(sandbox) };
	}

	test('enough: at most as many jobs as the limit says', async () => {
		const { execution, jobs } = await run(50, 2);
		expect(execution.resultData.error).toBeUndefined();
		expect(itemsOf(execution, 'Larger Images')).toHaveLength(2);
		const [{ json }] = itemsOf(execution, 'Not Upscaled');
		expect(json.error).toContain('Spending Limit');
		expect(jobs).toBe(2);
	});

	test('not enough: it says so, and nothing is spent', async () => {
		const { execution, jobs } = await run(49.5);
		expect(execution.resultData.error?.message).toBe(
			`Only 49.5 credits are left at Kling (${email}). Nothing was upscaled.`,
		);
		expect(jobs).toBe(0);
	});
});

test('Enhance photos from Telegram: the photo comes back larger, or the reason why not', async () => {
	const me = 123456789;
	const [photo, drawing] = [await lighthouse(), Buffer.from('GIF89a is not taken')];
	const telegram = await startTelegram({ photo, drawing });
	try {
		const { sandbox, credential } = await real.open();
		const bot = await real.api.createCredential({
			name: 'Bot',
			type: 'telegramApi',
			data: { accessToken: telegram.token, baseUrl: telegram.url },
		});
		const workflow = await readExample('enhance-photos-from-telegram.json', credential, {
			'n8n-nodes-base.telegram': bot,
		});
		await real.api.publishWorkflow(await real.api.importWorkflow(workflow));
		await until(async () => telegram.isConnected());
		const answerTo = async (content: object) => {
			const before = telegram.sent.length;
			await until(async () => (await telegram.message(me, content)) === 200);
			await until(async () => telegram.sent.length > before);
			return telegram.sent.at(-1)!;
		};
		const sizes = ['thumb', 'small', 'photo'].map((file_id) => ({ file_id }));

		const { chat, file, text } = await answerTo({ photo: sizes });
		expect(text).toBeUndefined();
		expect([chat, file!.name]).toEqual([String(me), expect.stringMatching(/^kling-.*\.png$/)]);
		const [given, got] = [await sharp(photo).metadata(), await sharp(file!.content).metadata()];
		expect([got.format, got.width > given.width]).toEqual(['png', true]);

		const document = (file_id: string) => ({ document: { file_id, mime_type: 'image/gif' } });
		expect((await answerTo(document('drawing'))).text).toMatch(
			/^That did not work: .*neither PNG nor JPEG/,
		);
		expect((await answerTo(document('huge'))).text).toBe(
			'That did not work: Bad Request: file is too big',
		);
		expect((await answerTo({ text: 'Hello' })).text).toMatch(/^Send me a photo/);

		const before = telegram.sent.length;
		expect(await telegram.message(5, { photo: sizes })).toBe(200);
		await answerTo({ text: 'Hello again' });
		expect(telegram.sent).toHaveLength(before + 1);
		expect(jobsOf(sandbox)).toBe(1);
	} finally {
		await telegram.close();
	}
}, 60_000);

test('Nightly batch from S3: what has no result yet, and a summary; a failed one again the next night', async () => {
	const manifest = 'file,resolution\nphotos/sea.jpg,4k\nphotos/old.jpg,\nphotos/gone.png,2k\n';
	const bucket = new Map([
		['manifest.csv', Buffer.from(manifest)],
		['photos/sea.jpg', await lighthouse()],
		['photos/old.jpg', await lighthouse()],
		['photos/old-large.png', Buffer.from('of an earlier night')],
	]);
	const store = await startS3(bucket);
	try {
		const { sandbox, credential } = await real.open();
		const s3 = await real.api.createCredential({
			name: 'Store',
			type: 's3',
			data: {
				endpoint: store.url,
				region: 'us-east-1',
				accessKeyId: 'key',
				secretAccessKey: 'secret',
				forcePathStyle: true,
				ignoreSSLIssues: false,
			},
		});
		const workflow = await readExample('nightly-batch-from-s3.json', credential, {
			'n8n-nodes-base.s3': s3,
		});
		// It needs a package that n8n does not bring along where its peers are not installed.
		Object.assign(nodeOf(workflow, 'Lines'), {
			type: 'n8n-nodes-base.code',
			typeVersion: 2,
			parameters: { jsCode: READ_CSV },
		});
		standIn(workflow, 'Slack', { text: nodeOf(workflow, 'Slack').parameters.text });
		const { id } = await real.api.importWorkflow(workflow);
		const night = async () => {
			const executionId = await real.api.runWorkflow(id, 'Every Night');
			const execution = await real.api.waitForExecution(executionId);
			expect(execution.resultData.error).toBeUndefined();
			return String(itemsOf(execution, 'Slack')[0]?.json.text).split('\n');
		};

		const [title, ...lines] = await night();
		expect(title).toBe('Pictures of last night:');
		expect(lines).toEqual(['photos/sea.jpg: done', expect.stringMatching(/^photos\/gone.png: .+/)]);
		const { format, width } = await sharp(bucket.get('photos/sea-large.png')).metadata();
		expect([format, width]).toEqual(['png', 5120]);
		expect(String(bucket.get('photos/old-large.png'))).toBe('of an earlier night');
		expect(jobsOf(sandbox)).toBe(1);

		bucket.set('photos/gone.png', await lighthouse());
		expect(await night()).toEqual([title, 'photos/gone.png: done']);
		expect(await night()).toEqual(['undefined']);
		expect(jobsOf(sandbox)).toBe(2);
	} finally {
		await store.close();
	}
}, 90_000);

test('Product pictures in Google Sheets: each row gets its link or the reason, and only what is to do is sent', async () => {
	const { sandbox, credential } = await real.open({ accounts: ROOMY });
	const image = await linkOf(sandbox);
	const row = (row_number: number, more: object) => ({ row_number, 'larger image': '', ...more });
	const workflow = await readExample('product-pictures-in-google-sheets.json', credential);
	pin(workflow, 'Rows', [
		row(2, { image: image, status: 'done' }),
		row(3, { image: image, status: 'started' }),
		row(4, { image: '', status: '' }),
		...[5, 6, 7, 8, 9].map((at) => row(at, { image: `${image}?${at}`, status: '' })),
		row(10, { image: `${sandbox.cdnUrl}/nothing.jpg`, status: '' }),
		row(11, { image: `${image}?11`, status: '' }),
	]);
	for (const name of ['Mark as Started', 'Write Result']) {
		const columns = nodeOf(workflow, name).parameters.columns as { value: object };
		standIn(workflow, name, { ...columns.value });
	}
	const execution = await execute(real.api, workflow);
	expect(execution.resultData.error).toBeUndefined();
	const written = (node: string) =>
		execution.resultData.runData[node].flatMap(({ data }) =>
			data!.main.flatMap((items) => items!.map(({ json }) => json)),
		);
	const marked = [5, 6, 7, 8, 9, 10, 11].map((at) => ({ row_number: `${at}`, status: 'started' }));
	expect(written('Mark as Started')).toEqual(marked);
	const results = written('Write Result');
	expect(results.map(({ row_number }) => row_number)).toEqual(
		marked.map(({ row_number }) => row_number),
	);
	expect(results.map(({ status }) => status === 'done')).toEqual(
		marked.map(({ row_number }) => row_number !== '10'),
	);
	expect(results[5]).toMatchObject({ 'larger image': '', status: expect.stringMatching(/.+/) });
	expect((await fetch(String(results[0]['larger image']))).status).toBe(200);
	expect(execution.resultData.runData['Mark as Started']).toHaveLength(2);
	expect(jobsOf(sandbox)).toBe(7);
}, 60_000);

test('New pictures in Google Drive: each once, and only pictures', async () => {
	const { sandbox, credential } = await real.open();
	const workflow = await readExample('new-pictures-in-google-drive.json', credential);
	const files = [
		{ id: 'a', name: 'sea.jpeg', mimeType: 'image/jpeg' },
		{ id: 'b', name: 'a text', mimeType: 'text/plain' },
		{ id: 'c', name: 'broken.png', mimeType: 'image/png' },
	];
	const { onError } = nodeOf(workflow, 'Download');
	Object.assign(nodeOf(workflow, 'Download'), {
		onError,
		type: 'n8n-nodes-base.httpRequest',
		typeVersion: 4.2,
		parameters: {
			url: `={{ $json.id === 'c' ? '${sandbox.cdnUrl}/nothing.png' : '${await linkOf(sandbox)}' }}`,
			options: { response: { response: { responseFormat: 'file' } } },
		},
	});
	standIn(workflow, 'Upload', { name: nodeOf(workflow, 'Upload').parameters.name });
	pin(workflow, 'New File', []);
	const { id } = await real.api.importWorkflow(workflow);
	const look = async (found: object[]) => {
		pin(workflow, 'New File', found);
		await real.api.updateWorkflow(id, { pinData: workflow.pinData });
		const executionId = await real.api.runWorkflow(id, 'New File');
		const execution = await real.api.waitForExecution(executionId);
		expect(execution.resultData.error).toBeUndefined();
		return {
			uploaded: itemsOf(execution, 'Upload').map(({ json }) => json.name),
			failed: itemsOf(execution, 'Not Enhanced').length,
		};
	};
	expect(await look(files)).toEqual({ uploaded: ['sea.png'], failed: 1 });
	const later = { id: 'd', name: 'sea.jpeg', mimeType: 'image/jpeg' };
	expect(await look([...files, later])).toEqual({ uploaded: ['sea.png'], failed: 0 });
	expect(jobsOf(sandbox)).toBe(2);
}, 60_000);

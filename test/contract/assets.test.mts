import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import type { Sandbox } from '../../sandbox/server.mts';
import documented from './documented/asset.200.json';
import unsupported from './documented/asset.400.json';
import {
	call,
	differences,
	EMAIL,
	LIGHTHOUSE,
	startDocumented,
	upload,
} from './support/documented.mts';

/** POST /assets, as the vendor's page "Upload asset to Kling" has it. */

const OTHER = 'second@example.com';

let sandbox: Sandbox;
afterEach(async () => await sandbox.close());

const image = async (format: 'png' | 'jpeg', width: number, height: number) =>
	await sharp({ create: { width, height, channels: 3, background: 'teal' } })
		.toFormat(format)
		.toBuffer();

test('an image comes back under a link of its own, without a token', async () => {
	sandbox = await startDocumented();
	const { status, body } = await upload(sandbox);
	expect(status).toBe(200);
	expect(differences(body, documented, ['url', 'fileName'])).toEqual([]);
	expect(body.fileName).toMatch(/^[0-9a-f]+\.jpg$/);
	expect(body.url).toBe(`${sandbox.cdnUrl}/uploads/${body.fileName}`);
	const file = await (await fetch(body.url)).arrayBuffer();
	expect(Buffer.from(file).equals(readFileSync(LIGHTHOUSE))).toBe(true);
	const png = await upload(sandbox, { body: await image('png', 300, 300), type: 'image/png' });
	expect(png.body.fileName).toMatch(/\.png$/);

	expect((await upload(sandbox)).body.url).not.toBe(body.url);
	expect((await call(sandbox, '/_sandbox/state')).body).toMatchObject({ posts: 0, uploads: 3 });
	const [first, , again] = sandbox.requests.filter(({ server }) => server === 'api');
	expect(first.body).toEqual({ bytes: file.byteLength, sha256: expect.any(String) });
	expect(again.body).toEqual(first.body);
});

test('another Content-Type is refused in the words of the page', async () => {
	sandbox = await startDocumented();
	for (const type of ['image/webp', 'application/json', 'multipart/form-data; boundary=x']) {
		const error = unsupported.error.replace('{content-type}', type);
		const { status, body } = await upload(sandbox, { type });
		expect([status, body]).toEqual([400, { error }]);
	}
});

test('the file itself is looked at: its type, size, and both sides', async () => {
	sandbox = await startDocumented();
	const png = 'image/png';
	const wrong = [
		{ type: png },
		{ body: Buffer.from('no image') },
		{ body: Buffer.alloc(0) },
		{ body: await image('png', 299, 900), type: png },
		{ body: await image('jpeg', 900, 299) },
		{ body: Buffer.concat([await image('png', 300, 300), Buffer.alloc(10_485_760)]), type: png },
	];
	for (const file of wrong) {
		const { status, body } = await upload(sandbox, file);
		expect([status, body]).toEqual([400, { error: expect.any(String) }]);
	}
});

test('several accounts: email is required', async () => {
	sandbox = await startDocumented({
		accounts: [EMAIL, OTHER].map((email) => ({ email, maxJobs: 1 })),
	});
	expect((await upload(sandbox)).status).toBe(400);
	expect((await upload(sandbox, { email: 'nobody@example.com' })).status).toBe(404);
	expect((await upload(sandbox, { email: OTHER })).status).toBe(200);
});

test('faults meet it as they meet any call', async () => {
	sandbox = await startDocumented();
	sandbox.addFault({ kind: 'resetAfter', method: 'POST', path: '/v1/kling/assets' });
	await expect(upload(sandbox)).rejects.toThrow();
	sandbox.addFault({ kind: 'status', status: 503, method: 'POST', path: '/v1/kling/assets' });
	expect((await upload(sandbox)).status).toBe(503);
	expect((await upload(sandbox)).status).toBe(200);
});

import sharp from 'sharp';
import { BUNDLED_PICTURES, DEFAULTS } from '../../sandbox/options.mts';
import type { Sandbox, SandboxOptions } from '../../sandbox/server.mts';
import model from './documented/model.json';
import tooLong from './documented/reply-url.400.json';
import moderation from './documented/upscale.500.json';
import {
	call,
	EMAIL,
	enhance,
	finished,
	misfits,
	startDocumented,
	startReceiver,
	TASK,
	until,
	upload,
	upscale,
} from './support/documented.mts';

/** POST /images/enhance: what the vendor's page tells, and for the rest what holds of any job. */

const OTHER = 'second@example.com';
const SMALL = { '2k': 600, '4k': 900 };

let sandbox: Sandbox;
let receiver: Awaited<ReturnType<typeof startReceiver>> | undefined;
afterEach(async () => {
	await sandbox.close();
	await receiver?.close();
	receiver = undefined;
});

/** With small results, where the size is not the point. */
async function start(options: SandboxOptions = {}): Promise<string> {
	sandbox = await startDocumented({ longSidePx: SMALL, ...options });
	return (await upload(sandbox, { email: EMAIL })).body.url;
}

async function fileOf(id: unknown) {
	const { width, height, resource } = (await finished(sandbox, id)).works[0].resource;
	const bytes = Buffer.from(await (await fetch(resource)).arrayBuffer());
	expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width, height });
	return { width, height, bytes };
}

test('a job like any other: submitted, then a larger, sharper image of the same shape', async () => {
	const image = await start({ longSidePx: DEFAULTS.longSidePx });
	const { status, body } = await enhance(sandbox, { image });
	expect([status, body.status_name, body.works]).toEqual([200, 'submitted', []]);
	expect(misfits(body, model)).toEqual([]);
	expect(body.task.taskInfo.inputs).toMatchObject([{ url: image, fromWorkId: null }]);
	const running = (await call(sandbox, '/v1/kling/scheduler')).body;
	expect(running).toMatchObject([{ id: body.task.id, email: EMAIL }]);
	const { works } = await finished(sandbox, body.task.id);
	expect(misfits({ ...body, works }, model)).toEqual([]);
	expect(works).toMatchObject([{ contentType: 'image', taskId: body.task.id }]);

	const { width, height, bytes } = await fileOf(body.task.id);
	expect([width, height]).toEqual([2560, 1707]);
	const contrast = async (file: Buffer | string) =>
		(await sharp(file).resize(480, 320).greyscale().stats()).channels[0].stdev;
	expect(await contrast(bytes)).toBeGreaterThan(
		await contrast(`${BUNDLED_PICTURES}/lighthouse.jpg`),
	);
});

test('resolution: 2k by default, 4k is larger and costs twice as much', async () => {
	const image = await start({ accounts: [{ email: EMAIL, maxJobs: 5, credits: 10 }] });
	const widths = [];
	for (const resolution of [undefined, '2k', '4k']) {
		const { body } = await enhance(sandbox, { image, resolution });
		widths.push((await fileOf(body.task.id)).width);
	}
	expect(widths).toEqual([600, 600, 900]);
	expect(sandbox.credits()).toBe(6);
	expect((await enhance(sandbox, { image, resolution: '8k' })).status).toBe(400);
});

test('a larger image keeps its size', async () => {
	const image = await start({ longSidePx: { '2k': 100, '4k': 100 } });
	const { body } = await enhance(sandbox, { image });
	expect(await fileOf(body.task.id)).toMatchObject({ width: 480, height: 320 });
});

test('multipart/form-data, and an image that Kling has made', async () => {
	await start();
	const { works } = (await call(sandbox, `/v1/kling/tasks/${TASK}`)).body;
	const form = new FormData();
	const fields = {
		email: EMAIL,
		image: works[0].resource.resource,
		resolution: '4k',
		maxJobs: '2',
	};
	Object.entries(fields).forEach(([name, value]) => form.append(name, value));
	const answer = await call(sandbox, '/v1/kling/images/enhance', { method: 'POST', body: form });
	expect(answer.status).toBe(200);
	const first = await finished(sandbox, answer.body.task.id);
	const source = { task_id: first.task.id, workId: first.works[0].workId };
	expect((await upscale(sandbox, source)).status).toBe(200);
});

test('a link of another server on this computer; what cannot be had is refused, and costs nothing', async () => {
	await start();
	const other = await startDocumented();
	const { url } = (await upload(other)).body;
	expect((await enhance(sandbox, { image: url })).status).toBe(200);
	const before = sandbox.credits();
	await other.close();
	for (const image of [
		url,
		'https://example.com/image.jpg',
		`${sandbox.cdnUrl}/uploads/none.jpg`,
		`${sandbox.url}/_sandbox/state`,
	]) {
		const { status, body } = await enhance(sandbox, { image });
		expect([status, body.error]).toEqual([500, expect.stringContaining('cannot be fetched')]);
	}
	for (const image of [undefined, 5, 'lighthouse.jpg', 'ftp://127.0.0.1/a.jpg']) {
		expect((await enhance(sandbox, { image })).status).toBe(400);
	}
	expect(sandbox.credits()).toBe(before);
});

test('replyUrl and replyRef, in scheduler and callbacks, with the limits of the sibling APIs', async () => {
	const image = await start();
	const { url, received } = (receiver = await startReceiver());
	const reply = { replyUrl: url, replyRef: 'mine' };
	const { body } = await enhance(sandbox, { image, ...reply });
	expect((await call(sandbox, '/v1/kling/scheduler')).body).toMatchObject([reply]);
	await until(() => received.length === 2);
	expect(received[1].body).toMatchObject({
		task: { id: body.task.id },
		status_name: 'succeed',
		replyRef: 'mine',
	});
	const long = await enhance(sandbox, { image, replyUrl: 'x'.repeat(1025) });
	expect([long.status, long.body]).toEqual([400, tooLong]);
});

test('several accounts: email is required, and an upload is of use to its own account only', async () => {
	const accounts = [EMAIL, OTHER].map((email) => ({ email, maxJobs: 1 }));
	const image = await start({ accounts });
	expect((await enhance(sandbox, { image })).status).toBe(400);
	expect((await enhance(sandbox, { image, email: OTHER })).status).toBe(500);
	expect((await enhance(sandbox, { image, email: EMAIL })).status).toBe(200);
	expect(sandbox.credits(OTHER)).toBe(sandbox.credits(EMAIL) + 1);
});

test('it takes a job slot, as an upscale does', async () => {
	const image = await start({ accounts: [{ email: EMAIL, maxJobs: 1 }], jobMs: 60_000 });
	expect((await upscale(sandbox)).status).toBe(200);
	expect((await enhance(sandbox, { image })).status).toBe(429);
	expect((await enhance(sandbox, { image, maxJobs: 2 })).status).toBe(200);
	expect((await upscale(sandbox)).status).toBe(429);
});

test('on demand it is refused by moderation, fails, or a fault meets it', async () => {
	const image = await start({ enhance: 'forbidden' });
	const refused = await enhance(sandbox, { image });
	expect([refused.status, refused.body]).toEqual([500, moderation]);
	sandbox.settings.enhance = 'fails';
	const { body } = await enhance(sandbox, { image });
	expect(await finished(sandbox, body.task.id)).toMatchObject({
		status_name: 'failed',
		works: [],
		error: expect.stringContaining('enhance failed'),
	});
	sandbox.settings.enhance = undefined;
	sandbox.addFault({ kind: 'resetAfter', path: '/v1/kling/images/enhance' });
	await expect(enhance(sandbox, { image })).rejects.toThrow();
	expect((await call(sandbox, '/_sandbox/state')).body).toMatchObject({ posts: 3, accepted: 2 });
});

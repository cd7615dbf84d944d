import sharp from 'sharp';
import type { Sandbox } from '../../sandbox/server.mts';
import model from './documented/model.json';
import submitted from './documented/upscale.200.json';
import work from './documented/work.json';
import type { Json } from './support/documented.mts';
import * as support from './support/documented.mts';
import {
	differences,
	finished,
	getTask,
	misfits,
	startDocumented,
	until,
	upscale,
} from './support/documented.mts';

/** A task from its POST to its file. */

/** The document's finished work is a video: what an image has otherwise. */
const WORK_MAY_DIFFER = [
	'workId',
	'taskId',
	'type',
	'contentType',
	...['resource', 'height', 'width', 'duration'].map((field) => `resource.${field}`),
	...['resource', 'height', 'width'].map((field) => `cover.${field}`),
	'createTime',
	'taskInfo',
	'selfComment',
];

let sandbox: Sandbox;
let receiver: Awaited<ReturnType<typeof support.startReceiver>>;
beforeEach(async () => {
	receiver = await support.startReceiver();
});
afterEach(async () => {
	await sandbox.close();
	await receiver.close();
});

test('submitted, processing, succeed: the model at every step', async () => {
	sandbox = await startDocumented({ jobMs: 400 });
	const { body } = await upscale(sandbox);
	const steps: Json[] = [body];
	await until(async () => {
		const now = await getTask(sandbox, body.task.id);
		if (now.status_name !== steps.at(-1).status_name) steps.push(now);
		return now.status_final;
	});
	const seen = steps.map(({ status, status_name, status_final }) => [
		status,
		status_name,
		status_final,
	]);
	expect(seen).toEqual([
		[5, 'submitted', false],
		[10, 'processing', false],
		[99, 'succeed', true],
	]);
	for (const step of steps) {
		expect(misfits(step, model)).toEqual([]);
		for (const level of [step.task, ...step.works]) {
			expect(level).toMatchObject({
				status: step.status,
				status_name: step.status_name,
				status_final: step.status_final,
			});
		}
	}
	const last = steps[2];
	expect(Object.keys(last).sort()).toEqual(Object.keys(submitted).sort());
	expect(last.task.updateTime - last.task.createTime).toBeGreaterThanOrEqual(395);
	expect(last.works).toHaveLength(1);
	expect(differences(last.works[0], work, WORK_MAY_DIFFER)).toEqual([]);
	expect(last.works[0]).toMatchObject({ contentType: 'image', taskId: body.task.id });
});

/** Mean difference of two images of one size, in steps of 0 to 255. */
function meanDifference(a: Buffer, b: Buffer) {
	expect(a.length).toBe(b.length);
	return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0) / a.length;
}

test('the file: a PNG, four times as large, really resampled, on another origin, without a token', async () => {
	sandbox = await startDocumented();
	const { body } = await upscale(sandbox);
	const { works } = await finished(sandbox, body.task.id);
	const { resource, width, height } = works[0].resource;
	expect(new URL(resource).origin).toBe(sandbox.cdnUrl);
	expect(new URL(resource).origin).not.toBe(sandbox.url);

	const response = await fetch(resource);
	expect(response.headers.get('content-type')).toBe('binary/octet-stream');
	const png = Buffer.from(await response.arrayBuffer());
	const sourceUrl = body.task.taskInfo.inputs[0].url;
	const source = Buffer.from(await (await fetch(sourceUrl)).arrayBuffer());
	const before = await sharp(source).metadata();
	const after = await sharp(png).metadata();
	expect(after).toMatchObject({ format: 'png', width, height });
	expect([width, height]).toEqual([before.width * 4, before.height * 4]);

	const size = { width, height, fit: 'fill' } as const;
	const raw = await sharp(png).removeAlpha().raw().toBuffer();
	const blownUp = await sharp(source)
		.resize({ ...size, kernel: 'nearest' })
		.raw()
		.toBuffer();
	expect(meanDifference(raw, blownUp)).toBeGreaterThan(0.5);
	const small = await sharp(png).resize(before.width, before.height).removeAlpha().raw().toBuffer();
	expect(meanDifference(small, await sharp(source).raw().toBuffer())).toBeLessThan(3);
});

test('a result file of any size: the image first, then zeros, and still an image', async () => {
	const resultBytes = 3_000_001;
	sandbox = await startDocumented({ resultBytes });
	const { body } = await upscale(sandbox);
	const { resource, width, height } = (await finished(sandbox, body.task.id)).works[0].resource;
	const response = await fetch(resource);
	expect(response.headers.get('content-length')).toBe(String(resultBytes));
	const file = Buffer.from(await response.arrayBuffer());
	expect(file).toHaveLength(resultBytes);
	expect(file.readUInt8(resultBytes - 1)).toBe(0);
	expect(await sharp(file).metadata()).toMatchObject({ format: 'png', width, height });

	sandbox.addFault({ kind: 'truncate', server: 'cdn' });
	const cut = await fetch(resource);
	expect([cut.status, cut.headers.get('content-length')]).toEqual([200, String(resultBytes)]);
	await expect(cut.arrayBuffer()).rejects.toThrow();
	sandbox.settings.resultBytes = 1;
	const whole = Buffer.from(await (await fetch(resource)).arrayBuffer());
	expect(whole.length).toBeGreaterThan(1);
	expect(file.subarray(0, whole.length)).toEqual(whole);
});

test('an upscaled image can be upscaled again', async () => {
	sandbox = await startDocumented({ scale: 2 });
	const first = await finished(sandbox, (await upscale(sandbox)).body.task.id);
	const source = { task_id: String(first.task.id), workId: String(first.works[0].workId) };
	const second = await finished(sandbox, (await upscale(sandbox, source)).body.task.id);
	expect(second.works[0].resource.width).toBe(first.works[0].resource.width * 2);
});

test('callbacks: the progress and the result, as GET has them, with the reference', async () => {
	sandbox = await startDocumented();
	const replyUrl = `${receiver.url}?item=1&of=2`;
	const { body } = await upscale(sandbox, { ...support.SOURCE, replyUrl, replyRef: 'mine' });
	await until(() => receiver.received.length === 2);
	const [progress, result] = receiver.received;
	expect(progress).toMatchObject({ method: 'POST', contentType: 'application/json' });
	expect(progress.body).toMatchObject({ status_name: 'processing', status_final: false });
	const { replyRef, ...last } = result.body;
	expect(replyRef).toBe('mine');
	expect(last).toEqual(await getTask(sandbox, body.task.id));
	expect(last.status_name).toBe('succeed');
	await until(() => sandbox.callbacks.every(({ answer }) => answer === 200));
});

test('an answer to a callback is waited for as long as the settings say', async () => {
	const slow = await support.startReceiver({ delayMs: 150 });
	sandbox = await startDocumented({ jobMs: 40 });
	const answered = async () => {
		const { body } = await upscale(sandbox, { ...support.SOURCE, replyUrl: slow.url });
		await finished(sandbox, body.task.id);
		const own = ({ taskId }: { taskId: string }) => taskId === String(body.task.id);
		return await until(() => {
			const final = sandbox.callbacks.filter(own).at(-1);
			const isOver = final?.answer !== undefined || final?.error !== undefined;
			return isOver && final?.statusName === 'succeed' ? final : undefined;
		});
	};
	const patient = await answered();
	expect(patient).toMatchObject({ answer: 200 });
	expect(patient.tookMs).toBeGreaterThanOrEqual(145);
	sandbox.settings.callbackTimeoutMs = 50;
	expect((await answered()).error).toContain('aborted');
	await slow.close();
});

test('held: a task runs on after its time, until it is let go', async () => {
	sandbox = await startDocumented({ jobMs: 40, hold: true });
	const send = async (replyRef: string) => {
		const replyUrl = receiver.url;
		return (await upscale(sandbox, { ...support.SOURCE, replyUrl, replyRef })).body.task.id;
	};
	const [first, second] = [await send('a'), await send('b')];
	await until(() => sandbox.held().length === 2);
	expect(sandbox.held()).toEqual([
		{ taskId: String(first), replyUrl: receiver.url, replyRef: 'a' },
		{ taskId: String(second), replyUrl: receiver.url, replyRef: 'b' },
	]);
	expect(await getTask(sandbox, first)).toMatchObject({ status_name: 'processing' });

	sandbox.release(String(first));
	await finished(sandbox, first);
	await until(() => receiver.received.some(({ body }) => body.status_final));
	expect(sandbox.held()).toMatchObject([{ taskId: String(second) }]);
	expect(() => sandbox.release(String(first))).toThrow('is not held');

	sandbox.settings.hold = false;
	await finished(sandbox, await send('c'));
	expect(await getTask(sandbox, second)).toMatchObject({ status_name: 'processing' });
	sandbox.release(String(second));
	expect(await finished(sandbox, second)).toMatchObject({ status_name: 'succeed' });
});

test('a callback that nobody takes harms nothing', async () => {
	sandbox = await startDocumented();
	await receiver.close();
	const { body } = await upscale(sandbox, { ...support.SOURCE, replyUrl: receiver.url });
	expect((await finished(sandbox, body.task.id)).status_name).toBe('succeed');
	await until(() => sandbox.callbacks.filter(({ error }) => error).length === 2);
});

test('ids above 2^53 are written exactly', async () => {
	sandbox = await startDocumented({ firstTaskId: '9007199254740993' });
	const { text } = await upscale(sandbox);
	expect(text).toContain('"id":9007199254740993,');
	const answer = await support.call(sandbox, '/v1/kling/tasks/9007199254740993');
	expect(answer.text).toContain('"id":9007199254740993,');
});

test('close in the middle of a job leaves nothing running', async () => {
	sandbox = await startDocumented({ jobMs: 300 });
	await upscale(sandbox, { ...support.SOURCE, replyUrl: 'http://127.0.0.1:9/' });
	await sandbox.close();
	await expect(fetch(sandbox.url)).rejects.toThrow();
	await expect(fetch(sandbox.cdnUrl)).rejects.toThrow();
});

test('etaTime, where it is told, is when the task should end, and 0 once it has', async () => {
	sandbox = await startDocumented({ jobMs: 400, tellsEta: true });
	const { task, etaTime } = (await upscale(sandbox)).body;
	expect(etaTime).toBe(task.createTime + 400);
	expect((await finished(sandbox, task.id)).etaTime).toBe(0);
	sandbox.settings.tellsEta = false;
	expect(await getTask(sandbox, task.id)).not.toHaveProperty('etaTime');
});

test('the times of a task can be those of the read, missing, or twice as long', async () => {
	sandbox = await startDocumented({ jobMs: 100 });
	const { id } = (await upscale(sandbox)).body.task;
	const { createTime, updateTime } = (await finished(sandbox, id)).task;
	const timesWhen = async (taskTimes: Sandbox['settings']['taskTimes']) => {
		sandbox.settings.taskTimes = taskTimes;
		return (await getTask(sandbox, id)).task;
	};
	const nowMs = Date.now();
	expect((await timesWhen('moving')).updateTime).toBeGreaterThanOrEqual(nowMs);
	expect(await timesWhen('missing')).not.toHaveProperty('updateTime');
	const doubled = createTime + 2 * (updateTime - createTime);
	expect(await timesWhen('doubled')).toMatchObject({ createTime, updateTime: doubled });
});

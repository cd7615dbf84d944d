import type { SandboxOptions } from '../../../sandbox/options.mts';
import {
	FAILED,
	open,
	REASON,
	reported,
	RUNNING,
	says,
	seeds,
	VIDEO,
	WHAT_CAME_OF_IT,
} from './called.mts';
import { readBinary } from '../support/n8n/engine.mts';
import { bench, TASK_ID, WORK_ID } from '../support/kling.mts';
import { openTrigger } from '../support/trigger.mts';

/** Kling Trigger: what a true callback starts. */

describe('a true callback', () => {
	test('starts the workflow with what Upscale would put out', async () => {
		const stand = await open();
		const body = await reported(stand, TASK_ID);
		const { answer, started, run } = await stand.trigger.call(
			body.replace('{', '{"replyRef":"order-1",'),
		);
		expect(answer).toMatchObject({ status: 200, body: { received: true } });
		expect(started).toHaveLength(1);
		expect(run?.error).toBeUndefined();
		const [{ json, binary }] = run!.items('Result');
		expect(json).toEqual({
			taskId: TASK_ID,
			status: 'succeed',
			finished: true,
			type: 'mmu_img2img_aiweb',
			imageUrl: expect.stringMatching(/^http/),
			images: [expect.objectContaining({ workId: WORK_ID })],
			replyRef: 'order-1',
			createdAt: expect.any(String),
			updatedAt: expect.any(String),
		});
		expect(binary).toBeUndefined();
		expect(stand.looks()).toBe(1);
	});

	test('is answered before anything is asked', async () => {
		const { trigger, addFault, sandbox } = await open();
		addFault({ kind: 'delay', delayMs: 400 });
		const { answer, started } = await trigger.call(says(TASK_ID));
		expect(started).toHaveLength(1);
		expect(answer!.atMs).toBeLessThanOrEqual(sandbox.requests[0].at);
	});

	test('of a failed job starts it too, as an ordinary item that says why', async () => {
		const { trigger } = await open();
		const { run } = await trigger.call(says(FAILED, 'failed'));
		expect(run!.error).toBeUndefined();
		const [{ json }] = run!.items('Result');
		expect(json).toMatchObject({ status: 'failed', finished: true, message: REASON, images: [] });
		expect(json).not.toHaveProperty('error');
	});

	test('of a video starts it as well: no images, everything in Raw', async () => {
		const { trigger } = await open({ download: true });
		const { started } = await trigger.call(says(VIDEO, 'succeed'));
		expect(started).toMatchObject([{ json: { taskId: VIDEO, finished: true, images: [] } }]);
		expect(started![0].binary).toBeUndefined();

		const raw = await open({ output: 'raw' });
		const { started: all } = await raw.trigger.call(says(VIDEO, 'succeed'));
		expect(all![0].json).toMatchObject({ works: [{ contentType: 'video' }] });
	});

	test('keeps ids past 2^53 exact', async () => {
		const taskId = '9007199254740993';
		const stand = await open({}, { seeds: [{ taskId }] });
		const body = await reported(stand, taskId);
		expect(body).toContain(`"id":${taskId}`);
		const { started } = await stand.trigger.call(body);
		expect(started).toMatchObject([{ json: { taskId } }]);
		expect(stand.sandbox.requests.map(({ path }) => path)).toEqual([`/v1/kling/tasks/${taskId}`]);
	});
});

describe('Events', () => {
	const claims = [undefined, 'submitted', 'processing', 'succeed', 'failed'];
	const cases = Object.keys(WHAT_CAME_OF_IT).flatMap((taskId) =>
		['succeed', 'failed', 'progress'].map((event): [string, string] => [taskId, event]),
	);

	test.each(cases)('task %s with only %s chosen: the API decides', async (taskId, event) => {
		const is = WHAT_CAME_OF_IT[taskId];
		const wanted = event === (is === 'processing' ? 'progress' : is);
		const { trigger } = await open({ events: [event] });
		const { started, answer } = await trigger.call(says(taskId));
		expect(answer?.status).toBe(200);
		expect(started?.map(({ json }) => json.status)).toEqual(wanted ? [is] : undefined);
	});

	test.each(claims)('a caller who says "%s" does not make it so', async (claim) => {
		const onlyFailed = await open({ events: ['failed'] });
		expect((await onlyFailed.trigger.call(says(TASK_ID, claim))).started).toBeUndefined();
		const onlySucceeded = await open({ events: ['succeed'] });
		expect((await onlySucceeded.trigger.call(says(FAILED, claim))).started).toBeUndefined();
	});

	test('as they are when the node is new: finished jobs, good or bad', async () => {
		const { credentials } = await bench({ seeds });
		const trigger = openTrigger({}, credentials);
		expect((await trigger.call(says(TASK_ID))).started).toHaveLength(1);
		expect((await trigger.call(says(FAILED))).started).toHaveLength(1);
		expect((await trigger.call(says(RUNNING))).started).toBeUndefined();
	});

	test('what is not wanted by its own words is not asked about', async () => {
		const { trigger, looks } = await open({ events: ['succeed', 'failed'] });
		await trigger.call(says(RUNNING, 'processing'));
		await trigger.call(says(TASK_ID, 'submitted'));
		const progress = await open({ events: ['progress'] });
		await progress.trigger.call(says(TASK_ID, 'succeed'));
		const none = await open({ events: [] });
		await none.trigger.call(says(TASK_ID));
		expect([looks(), progress.looks(), none.looks()]).toEqual([0, 0, 0]);
	});
});

describe('Reply Reference', () => {
	test.each([
		['at the top', { replyRef: 'order-1' }],
		['in request', { request: { replyRef: 'order-1' } }],
		['in response', { response: { replyRef: 'order-1' } }],
	])('%s lets a call through, and comes out', async (_where, more) => {
		const { trigger } = await open({ replyRef: ' order-1 ' });
		const { started } = await trigger.call(says(TASK_ID, 'succeed', more));
		expect(started).toMatchObject([{ json: { replyRef: 'order-1' } }]);
	});

	test.each([
		['another', { replyRef: 'order-2' }],
		['one that only begins like it', { replyRef: 'order-10' }],
		['none', {}],
		['no text', { replyRef: { $ne: null } }],
	])('%s: nothing is asked, nothing starts', async (_what, more) => {
		const { trigger, sandbox } = await open({ replyRef: 'order-1' });
		const { started, answer } = await trigger.call(says(TASK_ID, 'succeed', more));
		expect(answer?.status).toBe(200);
		expect(started).toBeUndefined();
		expect(sandbox.requests).toHaveLength(0);
	});

	test('longer than any that useapi.net takes, it is cut', async () => {
		const { trigger } = await open();
		const { started } = await trigger.call(says(TASK_ID, 'succeed', { replyRef: 'x'.repeat(1e6) }));
		expect(String(started![0].json.replyRef)).toHaveLength(1024);
	});
});

describe('Account', () => {
	const accounts = ['one@example.com', 'two@example.com'].map((email) => ({ email, maxJobs: 5 }));
	const ours = { taskId: '800000001', email: accounts[0].email };
	const theirs = { taskId: '800000002', email: accounts[1].email };
	const options: SandboxOptions = { accounts, seeds: [ours, theirs] };
	const account = { __rl: true, mode: 'list', value: accounts[0].email };

	test('only its jobs start the workflow', async () => {
		const { trigger, sandbox } = await open({ account }, options);
		const { started } = await trigger.call(says(ours.taskId, 'succeed'));
		expect(started).toMatchObject([{ json: { taskId: ours.taskId, account: ours.email } }]);
		expect(sandbox.requests[0].query).toEqual({ email: ours.email });

		const other = await trigger.call(says(theirs.taskId, 'succeed'));
		expect(other.started).toBeUndefined();
		expect(other.log).toEqual([
			`info: "Trigger" started nothing for task ${theirs.taskId}: Task ${theirs.taskId} not found`,
		]);
	});

	test('left out where it is needed, nothing starts, and the log says why', async () => {
		const { trigger } = await open({}, options);
		const { started, log } = await trigger.call(says(ours.taskId, 'succeed'));
		expect(started).toBeUndefined();
		expect(log).toEqual([expect.stringMatching(/^warn: .*email is required/)]);
	});
});

describe('Download Image', () => {
	test('puts the file into the chosen field', async () => {
		const { trigger } = await open(
			{ download: true, binaryPropertyName: 'picture' },
			{ onePixel: false },
		);
		const { run } = await trigger.call(says(TASK_ID, 'succeed'));
		const [{ binary, json }] = run!.items('Result');
		expect(binary!.picture.fileName).toBe(`kling-${TASK_ID}-${WORK_ID}.jpg`);
		expect((await readBinary(binary!.picture)).length).toBeGreaterThan(1_000);
		expect(json).not.toHaveProperty('downloadError');
	});

	test.each(['simplified', 'raw'])(
		'a file that is gone does not lose the result (%s)',
		async (output) => {
			const { trigger, addFault } = await open({ download: true, output });
			addFault({ kind: 'status', status: 404, server: 'cdn' });
			const { run } = await trigger.call(says(TASK_ID, 'succeed'));
			const [{ binary, json }] = run!.items('Result');
			expect(run!.error).toBeUndefined();
			expect(binary).toBeUndefined();
			expect(json.downloadError).toBe(
				`The image of task ${TASK_ID} could not be downloaded: the server answered with HTTP 404`,
			);
			expect(json[output === 'raw' ? 'works' : 'images']).toHaveLength(1);
		},
	);
});

import { readBinary } from '../support/n8n/engine.mts';
import { bench, getTask, TASK_ID, upscale, WORK_ID } from '../support/kling.mts';

const running = { taskId: '700000001', status: 'processing' as const };
const failed = {
	taskId: '700000002',
	status: 'failed' as const,
	error: 'The image violates the community guidelines',
	message: 'Service busy',
};
const empty = { taskId: '700000003', withoutWorks: true };
const seeds = [running, failed, empty];

describe("Don't Wait", () => {
	test('shows a finished task with its images', async () => {
		const { run, looks } = await bench();
		const { items } = await run([{}], getTask());

		expect(items('Kling')).toEqual([
			{
				json: expect.objectContaining({
					taskId: TASK_ID,
					status: 'succeed',
					finished: true,
					images: [expect.objectContaining({ workId: WORK_ID })],
				}),
				pairedItem: { item: 0 },
			},
		]);
		expect(looks()).toBe(1);
	});

	test('of many items a few ask at a time, and all get their answer', async () => {
		const { run, addFault, sandbox } = await bench();
		addFault({ kind: 'delay', delayMs: 300, times: 30 });
		const { items } = await run(Array(30).fill({}), getTask());
		expect(items('Kling')).toHaveLength(30);
		const [first] = sandbox.requests;
		const atOnce = sandbox.requests.filter(({ at }) => at - first.at < 250);
		expect(atOnce.length).toBeLessThanOrEqual(10);
	});

	test('downloads without watermark, also when nothing is waited for', async () => {
		const { run, sandbox } = await bench({ onePixel: false });
		const { error, items } = await run(
			[{}],
			getTask({ wait: 'none', download: true, options: { withoutWatermark: true } }),
		);
		expect(error).toBeUndefined();
		expect(items('Kling')[0].binary?.data.fileName).toBe(`kling-${TASK_ID}-${WORK_ID}.png`);
		const fetched = sandbox.requests.filter(({ server }) => server === 'cdn');
		expect(fetched.map(({ path }) => path)).toEqual([expect.stringMatching(/^\/clean\//)]);
	});

	test('of several images the first has the field, the others have numbers', async () => {
		const { run, sandbox } = await bench({ onePixel: false });
		const { taskId, workIds } = (await sandbox.tasks()).find((task) => task.workIds.length > 1)!;
		const { items } = await run([{}], getTask({ taskId, download: true }));
		const [{ binary }] = items('Kling');
		expect(Object.entries(binary!).map(([field, { fileName }]) => [field, fileName])).toEqual(
			workIds.map((workId, position) => [
				position === 0 ? 'data' : `data_${position + 1}`,
				expect.stringMatching(`^kling-${taskId}-${workId}\\.`),
			]),
		);
	});

	test('shows a running task as it is', async () => {
		const { run } = await bench({ seeds });
		const { items } = await run([{}], getTask({ taskId: running.taskId }));
		expect(items('Kling')[0].json).toMatchObject({ status: 'processing', finished: false });
	});

	test('an answer that is no task is an error, not an empty item', async () => {
		const { run, addFault } = await bench();
		addFault({ kind: 'json', status: 200, body: { hello: 'world' } });
		const { error } = await run([{}], getTask());
		expect(error?.message).toBe('The answer of useapi.net is not a task');
	});

	test.each(['simplified', 'raw'])('a failed task is an ordinary item (%s)', async (output) => {
		const { run } = await bench({ seeds });
		const { error, items } = await run([{}], getTask({ taskId: failed.taskId, output }), {
			onError: 'continueErrorOutput',
		});

		expect(error).toBeUndefined();
		expect(items('Failed')).toEqual([]);
		const [{ json }] = items('Result');
		expect(json).not.toHaveProperty('error');
		expect(json).toMatchObject(
			output === 'raw'
				? { status_name: 'failed', vendorError: failed.error }
				: { status: 'failed', finished: true, message: failed.error },
		);
	});
});

describe('Images', () => {
	test('gives an item per image, and goes straight into Upscale', async () => {
		const { run, sandbox } = await bench({ onePixel: false });
		const { taskId, workIds } = (await sandbox.tasks()).find((task) => task.workIds.length > 1)!;

		const { items } = await run([{}], getTask({ taskId, output: 'images' }));
		expect(items('Kling').map(({ json }) => json.workId)).toEqual(workIds);
		for (const { json, pairedItem } of items('Kling')) {
			expect(json).toEqual({
				taskId,
				workId: expect.any(String),
				url: expect.any(String),
				width: expect.any(Number),
				height: expect.any(Number),
				coverUrl: expect.any(String),
				type: expect.any(String),
				createdAt: expect.any(String),
			});
			expect(pairedItem).toEqual({ item: 0 });
		}

		const upscaled = await run(
			items('Kling').map(({ json }) => json),
			upscale({ taskId: '={{ $json.taskId }}', workId: '={{ $json.workId }}' }),
		);
		expect(upscaled.items('Kling').map(({ json }) => json.status)).toEqual(
			workIds.map(() => 'succeed'),
		);
	});

	test.each([
		[running.taskId, `Task ${running.taskId} has no images yet (status: processing)`],
		[failed.taskId, `Task ${failed.taskId} failed: ${failed.error}`],
		[empty.taskId, `Task ${empty.taskId} finished without an image`],
	])('a task without images is an error (%s)', async (taskId, message) => {
		const { run } = await bench({ seeds });
		const { error } = await run([{}], getTask({ taskId, output: 'images' }));
		expect(error).toMatchObject({ message, context: { itemIndex: 0 } });
		expect(error?.description).toBeTruthy();
	});
});

describe('Wait Until Finished', () => {
	test('waits for a task that another node started', async () => {
		const { run, sandbox, looks } = await bench({ jobMs: 1_500 });
		const submitted = await run([{}], upscale({ wait: 'none' }));
		const [{ json }] = submitted.items('Kling');
		expect(json.finished).toBe(false);

		const { items } = await run(
			[{}],
			getTask({ taskId: json.taskId, wait: 'poll', options: { pollInterval: 1 }, download: true }),
		);
		expect(items('Kling')[0].json).toMatchObject({ taskId: json.taskId, status: 'succeed' });
		expect((await readBinary(items('Kling')[0].binary!.data)).length).toBeGreaterThan(1_000);
		expect(looks()).toBeGreaterThanOrEqual(2);
		expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
	});

	test('a failed task is an error of the item', async () => {
		const { run } = await bench({ seeds });
		const { error } = await run([{}], getTask({ taskId: failed.taskId, wait: 'poll' }));
		expect(error?.message).toBe(`Task ${failed.taskId} failed: ${failed.error}`);
	});

	test('one that failed without a word says so', async () => {
		const { run, addFault } = await bench();
		const body = { task: { id: TASK_ID }, status_name: 'failed', status_final: true };
		addFault({ kind: 'json', status: 200, body });
		const { error } = await run([{}], getTask({ wait: 'poll' }));
		expect(error?.message).toBe(`Task ${TASK_ID} failed: Kling gave no reason`);
	});

	test('the time limit names the task and how to go on', async () => {
		const { run } = await bench({ seeds });
		const { error } = await run(
			[{}],
			getTask({ taskId: running.taskId, wait: 'poll', options: { timeout: 1 } }),
		);
		expect(error?.message).toBe(
			`Task ${running.taskId} did not finish within 1 seconds (last status: processing)`,
		);
		expect(error?.description).toContain('Task → Get');
	});
});

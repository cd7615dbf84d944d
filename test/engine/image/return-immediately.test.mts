import { bench, TASK_ID, upscale, WORK_ID } from '../support/kling.mts';

/** What comes out when the node does not wait. What is sent along is in upscale.test. */

const POST = { method: 'POST', path: '/v1/kling/images/upscale' };

test('the new task as it is now', async () => {
	const { run, looks } = await bench();
	const { items } = await run([{}], upscale({ wait: 'none', options: { replyRef: 'order 1' } }));
	expect(items('Kling')[0].json).toMatchObject({
		taskId: '500000010',
		status: 'submitted',
		finished: false,
		replyRef: 'order 1',
	});
	expect(looks()).toBe(0);
});

test('Raw is raw', async () => {
	const { run } = await bench();
	const { items } = await run([{}], upscale({ wait: 'none', output: 'raw' }));
	expect(items('Kling')[0].json).toMatchObject({
		task: { id: 500000010 },
		status_final: false,
		works: [],
	});
});

test('no file, even if Download Image was on before it was hidden, and the task is finished at once', async () => {
	const { run, addFault, sandbox } = await bench();
	addFault({
		...POST,
		kind: 'json',
		body: {
			task: { id: 5 },
			status_name: 'succeed',
			status_final: true,
			works: [{ workId: 6, resource: { resource: `${sandbox.cdnUrl}/results/${TASK_ID}.jpg` } }],
		},
	});
	const { error, items } = await run(
		[{}],
		upscale({ wait: 'none', download: true, workId: WORK_ID }),
	);
	expect(error).toBeUndefined();
	expect(items('Kling')[0].json).toMatchObject({ taskId: '5', finished: true });
	expect(items('Kling')[0].binary).toBeUndefined();
	expect(sandbox.requests.filter(({ server }) => server === 'cdn')).toEqual([]);
});

import { waitingExecution } from '../support/n8n/waiting-execution.mts';
import { allFinished, good, goods, modelOf, pausing, seeds } from '../support/suspending.mts';
import { bench, fromItem, upscale } from '../support/kling.mts';
import { klingWorkflow } from '../support/n8n/workflows.mts';

/** The same image several times in one batch: one job, and every item has its result. */

const [first, second] = goods;

test.each(['poll', 'none'])('%s: sent once, and nothing is lost', async (wait) => {
	const { run, posts } = await bench({ seeds });
	const { error, items, hints } = await run([first, second, first], upscale({ ...fromItem, wait }));
	expect(error).toBeUndefined();
	const [one, other, same] = items('Kling').map(({ json }) => json);
	expect(same.taskId).toBe(one.taskId);
	expect(other.taskId).not.toBe(one.taskId);
	if (wait === 'poll') expect(same).toEqual(one);
	expect(items('Kling').map(({ pairedItem }) => pairedItem)).toEqual([
		{ item: 0 },
		{ item: 1 },
		{ item: 2 },
	]);
	expect(posts()).toBe(2);
	expect(hints('Kling')).toEqual([]);
});

test('each has a file of its own', async () => {
	const { run, posts } = await bench();
	const { items } = await run([{}, {}], upscale({ download: true }));
	expect(items('Kling').map(({ binary }) => binary?.data.mimeType)).toEqual([
		'image/png',
		'image/png',
	]);
	expect(posts()).toBe(1);
});

test.each([
	['Reply Reference', { options: { replyRef: '={{ "item " + $itemIndex }}' } }],
	['Reply URL', { replyUrl: '={{ "http://127.0.0.1:9/" + $itemIndex }}' }],
])('that they differ in %s is told, once', async (_name, changes) => {
	const { run, posts, sandbox } = await bench();
	const { items, hints } = await run([{}, {}, {}], upscale({ wait: 'none', ...changes }));
	expect(new Set(items('Kling').map(({ json }) => json.taskId)).size).toBe(1);
	expect(posts()).toBe(1);
	expect(hints('Kling')).toEqual([
		expect.objectContaining({
			message: expect.stringContaining('they share one job and its result'),
		}),
	]);
	expect(sandbox.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

test('an unknown outcome is that of all of them, after one look for all', async () => {
	const kling = await bench();
	const post = { method: 'POST', path: '/v1/kling/images/upscale' };
	kling.addFault({ ...post, kind: 'resetBefore' });
	const settings = { onError: 'continueRegularOutput' } as const;
	const { items } = await kling.run([{}, {}], upscale(), settings);
	for (const { json } of items('Kling')) expect(json.error).toContain('It is unknown whether');
	expect(kling.posts()).toBe(1);
});

test('with Pause Until Called Back one call brings the result of all', async () => {
	const kling = await bench({ jobMs: 400, seeds, callbacks: 'none' });
	const items = [good, first, good];
	const run = await kling.run(items, pausing({ download: true }));
	expect(kling.posts()).toBe(2);
	await allFinished(kling, ['700000001']);
	const workflow = klingWorkflow(items, pausing({ download: true }));
	const waiting = waitingExecution(workflow, kling.credentials, run);
	const { run: resumed } = await waiting.call(await modelOf(kling, '500000010'));
	const results = resumed!.items('Result');
	expect(results.map(({ json }) => json.status)).toEqual(['succeed', 'succeed', 'succeed']);
	expect(results[2].json.taskId).toBe(results[0].json.taskId);
	expect(results.every(({ binary }) => binary?.data.mimeType === 'image/png')).toBe(true);
});

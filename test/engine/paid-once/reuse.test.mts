import { pass } from '../support/n8n/clock.mts';
import { bench, fromItem, images, TASK_ID, upscale, WORK_ID } from '../support/kling.mts';

/** Reuse Earlier Result: an upscale of the same image that another execution, or kling.ai itself, has made. */

const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
const SCHEDULER = { method: 'GET', path: '/v1/kling/scheduler' };
const LIST = { method: 'GET', path: '^/v1/kling/tasks$' };
const reuse = { options: { reuse: true } };
const chosen = {
	taskId: "={{ $fromAI('taskId', 'the task that made the image', 'string') }}",
	workId: "={{ $fromAI('workId', 'the image in that task', 'string') }}",
};
const call = { taskId: TASK_ID, workId: WORK_ID };

describe('another execution', () => {
	test('has the result already: it is taken, and the item says so', async () => {
		const { run, posts } = await bench({ jobMs: 100 });
		const { items: before } = await run([{}], upscale());
		const { error, items } = await run([{}], upscale(reuse));
		expect(error).toBeUndefined();
		expect(items('Kling')[0].json).toEqual({ ...before('Kling')[0].json, reused: true });
		expect(posts()).toBe(1);
	});

	test.each(['poll', 'callback', 'none'])('has sent it and it still runs: %s', async (wait) => {
		const { run, posts, sandbox } = await bench({ jobMs: 2_000 });
		await run([{}], upscale({ wait: 'none' }));
		const options = { reuse: true, pollInterval: undefined };
		const { error, items, run: whole } = await run([{}], upscale({ wait, options }));
		expect(error).toBeUndefined();
		// Nobody would call this execution about it, so it does not pause.
		expect(whole.waitTill).toBeUndefined();
		const status = wait === 'none' ? expect.stringMatching(/submitted|processing/) : 'succeed';
		expect(items('Kling')[0].json).toMatchObject({ taskId: '500000010', status, reused: true });
		expect(posts()).toBe(1);
		expect(sandbox.peakJobs.get('artist@example.com')).toBe(1);
	});

	test('has sent it, and Kling has ended it as failed: it is sent', async () => {
		const failing = { taskId: '700000005', workId: '700000006' };
		const { run, posts } = await bench({ jobMs: 50, seeds: [{ ...failing, upscale: 'fails' }] });
		for (const options of [{}, { reuse: true }]) {
			const { error } = await run([{}], upscale({ ...failing, options }));
			expect(error?.message).toMatch(/^Task \d+ failed/);
		}
		expect(posts()).toBe(2);
	});

	test('has upscaled other images: those of this batch are sent, and the lists are read once', async () => {
		const { items: many, seeds } = images(4);
		const { run, posts, lists, sandbox } = await bench({ jobMs: 50, seeds });
		await run(many.slice(0, 2), upscale(fromItem));
		const before = { posts: posts(), lists: lists().length, requests: sandbox.requests.length };
		const { items } = await run(many, upscale({ ...fromItem, ...reuse }));
		expect(items('Kling').map(({ json }) => json.reused ?? false)).toEqual([
			true,
			true,
			false,
			false,
		]);
		expect(posts() - before.posts).toBe(2);
		expect(lists().length - before.lists).toBe(1);
		const order = sandbox.requests.slice(before.requests).map(({ path }) => path);
		const first = order.slice(0, order.indexOf(POST.path));
		// Later the list of running jobs serves to wait.
		expect(first.filter((path) => path === SCHEDULER.path)).toHaveLength(1);
		expect(first).toContain('/v1/kling/tasks');
	});
});

test('without the option it is sent, and nothing is looked up', async () => {
	const { run, posts, lists } = await bench({ jobMs: 50 });
	await run([{}], upscale());
	const { items } = await run([{}], upscale());
	expect(items('Kling')[0].json).not.toHaveProperty('reused');
	expect(posts()).toBe(2);
	expect(lists()).toEqual([]);
});

test('another account’s job is not taken', async () => {
	const accounts = ['one', 'two'].map((name) => ({ email: `${name}@example.com`, maxJobs: 5 }));
	const { run, posts } = await bench({ jobMs: 50, accounts });
	const account = (name: string) => ({ __rl: true, mode: 'email', value: `${name}@example.com` });
	await run([{}], upscale({ account: account('one') }));
	const { items } = await run([{}], upscale({ account: account('two'), ...reuse }));
	expect(items('Kling')[0].json).not.toHaveProperty('reused');
	const { items: again } = await run([{}], upscale({ account: account('two'), ...reuse }));
	expect(again('Kling')[0].json).toMatchObject({ reused: true });
	expect(posts()).toBe(2);
});

test.each([
	['the running jobs', SCHEDULER],
	['the tasks', LIST],
])('where the list of %s cannot be read nothing is sent', async (_name, where) => {
	const { run, addFault, posts } = await bench();
	addFault({ ...where, kind: 'status', status: 503, times: 99 });
	const { error } = await run([{}], upscale(reuse));
	expect(error?.message).toMatch(/^Could not check for an earlier task of this image: /);
	expect(error?.description).toContain('Nothing was sent');
	expect(posts()).toBe(0);
});

test('jobs that do not tell what they are of are hinted at', async () => {
	const { run, addFault, posts } = await bench();
	const untold = {
		works: [
			{ taskId: 500000990, type: 'mmu_image_upscale_aiweb', createTime: Date.now() + 60_000 },
		],
	};
	addFault({ ...LIST, kind: 'json', body: { history: [untold] } });
	addFault({
		method: 'GET',
		path: '/v1/kling/tasks/500000990',
		kind: 'json',
		body: { task: { id: 500000990, type: 'mmu_image_upscale_aiweb' }, status_name: 'processing' },
	});
	const { error, hints } = await run([{}], upscale(reuse));
	expect(error).toBeUndefined();
	expect(hints('Kling').map(({ message }) => message)).toEqual([
		expect.stringContaining("'Reuse Earlier Result' could not check every earlier task"),
	]);
	expect(posts()).toBe(1);
});

describe('as an AI tool it is always on', () => {
	test('asked again in the next chat message, nothing is paid again', async () => {
		const { ask, posts } = await bench({ jobMs: 100 });
		const [first] = await ask([call], upscale(chosen));
		const [second] = await ask([call], upscale(chosen));
		const [before] = JSON.parse(first) as object[];
		expect(JSON.parse(second)).toEqual([{ ...before, reused: true }]);
		expect(posts()).toBe(1);
	});

	test('after a time-out the next chat message goes on waiting', async () => {
		const { ask, posts } = await bench({ jobMs: 2_500 });
		const impatient = upscale({ ...chosen, options: { timeout: 1 } });
		const [first, second] = [
			...(await ask([call], impatient)),
			...(await ask([call], upscale(chosen))),
		];
		expect(first).toContain('did not finish within 1 seconds');
		expect(JSON.parse(second)).toEqual([
			expect.objectContaining({ status: 'succeed', reused: true }),
		]);
		expect(posts()).toBe(1);
	});

	test('an answer that was lost is found by the next chat message', async () => {
		const { ask, posts, addFault } = await bench({ jobMs: 300, listLagMs: 1_500 });
		addFault({ ...POST, kind: 'resetAfter' });
		const impatient = upscale({ ...chosen, options: { timeout: 1 } });

		const texts = await ask([call], impatient);
		await pass(2_000);
		const [first, second] = [...texts, ...(await ask([call], upscale(chosen)))];
		expect(first).toContain('It is unknown whether');
		expect(JSON.parse(second)).toEqual([expect.objectContaining({ reused: true })]);
		expect(posts()).toBe(1);
	});

	test('the same call twice in one execution is no reuse', async () => {
		const { ask, posts } = await bench();
		const texts = await ask([call, call], upscale(chosen));
		const [one, two] = texts.map((text) => (JSON.parse(text) as object[])[0]);
		expect(two).toEqual(one);
		expect(two).not.toHaveProperty('reused');
		expect(posts()).toBe(1);
	});
});

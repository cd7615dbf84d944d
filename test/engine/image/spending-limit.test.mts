import type { IDataObject } from 'n8n-workflow';

import { runWorkflow } from '../support/n8n/engine.mts';
import { bench, fromItem, images, upscale } from '../support/kling.mts';
import { loopWorkflow } from '../support/n8n/workflows.mts';

/** A node that is told how many jobs it may send sends no more, whatever asks it to. */

const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
const REACHED = "The 'Spending Limit' of this node is reached: it has sent";
const limited = (spendingLimit: unknown, changes: IDataObject = {}) =>
	upscale({ ...fromItem, ...changes, options: { spendingLimit } });
const continues = { onError: 'continueRegularOutput' } as const;
/** Each item's task, or the error. */
const told = (items: Array<{ json: IDataObject }>) =>
	items.map(({ json }) => json.error ?? json.taskId);

test.each(['poll', 'callback', 'none'])('items beyond it are told so, with %s', async (wait) => {
	const { items: inputs, seeds } = images(5);
	const { run, posts } = await bench({ seeds, jobMs: 1 });
	const { items } = await run(inputs, limited(3, { wait }), continues);
	expect(told(items('Kling')).slice(0, 3)).toEqual(['500000010', '500000020', '500000030']);
	expect(told(items('Kling')).slice(3)).toEqual(
		[`${REACHED} 3 jobs in this execution`].concat(`${REACHED} 3 jobs in this execution`),
	);
	expect(items('Kling')[4].json).toMatchObject({
		message: expect.stringContaining('Nothing was spent for this item.') as string,
		details: { sent: 3 },
	});
	expect(posts()).toBe(3);
});

test('what was refused does not count, however late that shows', async () => {
	const { items: inputs, seeds } = images(6);
	const { run, addFault, posts } = await bench({ seeds });
	addFault({ ...POST, kind: 'status', status: 400, times: 2 });
	const { items } = await run(inputs, limited(3), continues);
	expect(items('Kling').filter(({ json }) => json.status === 'succeed')).toHaveLength(3);
	expect(posts()).toBe(2 + 3);
});

test('what may have been accepted counts', async () => {
	const { items: inputs, seeds } = images(2);
	const { run, addFault, posts } = await bench({ seeds });
	addFault({ ...POST, kind: 'resetBefore' });
	const { items } = await run(inputs, limited(1), continues);
	expect(told(items('Kling'))).toEqual([
		expect.stringContaining('It is unknown whether'),
		`${REACHED} 1 job in this execution`,
	]);
	expect(posts()).toBe(1);
});

test('equal items share a job, so they count once', async () => {
	const [input] = images(1).items;
	const { run, posts } = await bench({ seeds: images(1).seeds });
	const { error, items } = await run([input, input, input], limited(1));
	expect(error).toBeUndefined();
	expect(told(items('Kling'))).toEqual(['500000010', '500000010', '500000010']);
	expect(posts()).toBe(1);
});

test('it holds over all runs of a loop', async () => {
	const { seeds } = images(6);
	const { credentials, posts } = await bench({ seeds });
	const ids = {
		taskId: '={{ 600000000 + 10 * $runIndex }}',
		workId: '={{ 600000001 + 10 * $runIndex }}',
	};
	const parameters = upscale({ ...ids, wait: 'none', options: { spendingLimit: 2 } });
	const workflow = loopWorkflow([{}], parameters, { rounds: 4, of: 'results' });
	const { error } = await runWorkflow(workflow, credentials);
	expect(error?.message).toBe(`${REACHED} 2 jobs in this execution`);
	expect(posts()).toBe(2);
});

test('an agent has a limit of ten, is told when it is reached, and may be given another', async () => {
	const { items: calls, seeds } = images(12);
	// As many slots as there are calls, so that no POST is refused with 429.
	const accounts = [{ email: 'a@example.com', maxJobs: 50 }];
	const { ask, posts } = await bench({ seeds, accounts });
	const chosen = {
		taskId: "={{ $fromAI('taskId', 'the task', 'string') }}",
		workId: "={{ $fromAI('workId', 'the image', 'string') }}",
		wait: 'none',
	};
	const answers = await ask(calls, upscale(chosen));
	expect(posts()).toBe(10);
	for (const answer of answers.slice(10)) {
		expect(answer).toContain(`${REACHED} 10 jobs in this execution`);
		expect(answer).toContain('tell the user');
	}
	const atOnce = await bench({ seeds, accounts });
	await atOnce.ask(calls, upscale({ ...chosen, options: { spendingLimit: 4 } }), {}, true);
	expect(atOnce.posts()).toBe(4);
});

test.each([
	[0, "'Spending Limit' must be a number of at least 1"],
	[1.5, "'Spending Limit' must be a whole number"],
])('a limit of %p is told before anything is sent', async (limit, message) => {
	const { items: inputs, seeds } = images(1);
	const { run, sandbox } = await bench({ seeds });
	const { error } = await run(inputs, limited(limit));
	expect(error?.message).toContain(message);
	expect(sandbox.requests).toEqual([]);
});

test.each([true, false])(
	'credits that are left come out where the API tells them: %p',
	async (tells) => {
		const { items: inputs, seeds } = images(1);
		const { run, sandbox } = await bench({
			seeds,
			accounts: [{ email: 'a@example.com', maxJobs: 1, credits: 5 }],
		});
		sandbox.settings.tellsPoints = tells;
		const { items } = await run(inputs, upscale(fromItem));
		expect(items('Kling')[0].json.creditsLeft).toBe(tells ? 4 : undefined);
	},
);

import type { ApiResult } from '../../../../../nodes/Kling/transport/types.ts';
import {
	answered,
	FakeExecution,
	FakeKling,
	lost,
	messageOf,
	realTime,
	START_MS,
	through,
	virtualTime,
} from '../../../../support/fakes.mts';
import {
	jobOf,
	request,
	submitterOf,
	executionWith,
	finished,
} from '../../../support/submitting.mts';

/** Several jobs of one call: who shares one, and who waits for a job slot. */

beforeEach(virtualTime);
afterEach(realTime);

describe('items that name the same image', () => {
	async function equalItems(replies: Array<string | undefined>, kling = new FakeKling()) {
		const execution = new FakeExecution(kling);
		const { context, items, submitter } = submitterOf(kling, execution.context());
		const submissions = await through(
			Promise.all(
				replies.map(async (replyRef, itemIndex) => {
					const job = jobOf({ request: { ...request, ...(replyRef && { replyRef }) } });
					return await submitter.submit(job, itemIndex);
				}),
			),
		);
		return { kling, context, items, submissions };
	}

	test('share one job, and only the first one is new', async () => {
		const { kling, items, context, submissions } = await equalItems([
			undefined,
			undefined,
			undefined,
		]);
		expect(kling.count('POST')).toBe(1);
		expect(submissions.map(({ ref }) => ref.taskId)).toEqual(['501', '501', '501']);
		expect(submissions.map(({ isNew }) => isNew)).toEqual([true, false, false]);
		expect([...items.accepted.keys()]).toEqual([0, 1, 2]);
		expect(context.hints.size).toBe(0);
	});

	test('and differ in their references: a hint says which one counts', async () => {
		const { kling, context } = await equalItems(['a', 'b', 'b']);
		expect(kling.posts).toEqual([{ ...request, replyRef: 'a' }]);
		expect([...context.hints]).toEqual([expect.stringContaining('Some items name the same image')]);
	});

	test('a reference that differs in every try of one item is no matter for a hint', async () => {
		const { submit } = executionWith(new FakeKling());
		const withRef = (replyRef: string) => jobOf({ request: { ...request, replyRef } });
		await through(submit({}, withRef('10:00:01')));
		const { context, submission } = await through(submit({}, withRef('10:00:02')));
		expect([submission.ref.taskId, context.hints.size]).toEqual(['501', 0]);
	});

	test('nor is the resume URL, which n8n signs anew', async () => {
		const { submit } = executionWith(new FakeKling());
		const calledAt = (replyUrl: string) =>
			jobOf({ request: { ...request, replyUrl }, callsBack: true });
		await through(submit({}, calledAt('http://127.0.0.1/1')));
		const { context } = await through(submit({ runIndex: 1 }, calledAt('http://127.0.0.1/2')));
		expect(context.hints.size).toBe(0);
	});

	test('are refused together', async () => {
		const kling = new FakeKling(answered(400, { error: 'No' }));
		const { submitter } = submitterOf(kling, new FakeExecution(kling).context());
		const both = [0, 1].map(async (item) => await messageOf(submitter.submit(jobOf(), item)));
		expect(await Promise.all(both)).toEqual(['No', 'No']);
		expect(kling.count('POST')).toBe(1);
	});

	test.each([
		['another image', { workId: '3' }],
		['another task', { task_id: '9' }],
		['another account', { email: 'a@example.com' }],
	])('%s is another job', async (_name, changes) => {
		const kling = new FakeKling();
		const { submit } = executionWith(kling);
		const own = { ...request, email: 'b@example.com' };
		await through(submit({}, jobOf({ request: own })));
		const other = await through(submit({}, jobOf({ request: { ...own, ...changes } })));
		expect([other.submission.isNew, kling.count('POST')]).toEqual([true, 2]);
	});

	test.each([
		[undefined, 'a@example.com'],
		['a@example.com', undefined],
		['a@example.com', 'A@example.com'],
	])('the account %s and then %s is the same job', async (...emails) => {
		const kling = new FakeKling();
		const { submit } = executionWith(kling);
		for (const email of emails) {
			await through(submit({}, jobOf({ request: { ...request, ...(email && { email }) } })));
		}
		expect(kling.count('POST')).toBe(1);
	});
});

test('the lists are read once for all items of an account', async () => {
	const kling = new FakeKling();
	kling.add({ taskId: '1', type: 'image', workId: '', madeMs: START_MS - 60_000 });
	const { submitter } = submitterOf(kling, new FakeExecution(kling).context());
	const items = Array.from({ length: 10 }, async (_, item) => {
		const job = jobOf({ request: { ...request, workId: String(item) }, reuse: true });
		return await submitter.submit(job, item);
	});
	await through(Promise.all(items));
	expect([kling.count('GET scheduler'), kling.count('GET tasks')]).toEqual([1, 1]);
});

describe('job slots', () => {
	/** Sends jobs one after another, the account having so many slots; gives how many POSTs there were. */
	const sendTo = (kling: FakeKling) => {
		const { submitter } = submitterOf(kling, new FakeExecution(kling).context());
		return async (workId: string, timeoutMs = 600_000) =>
			await submitter.submit(jobOf({ request: { ...request, workId }, timeoutMs }), Number(workId));
	};
	/** How soon the next job is sent, in seconds, when the account refuses it first. */
	async function secondsUntilSent(kling: FakeKling, submission: Promise<unknown>) {
		const fromMs = Date.now();
		await through(submission);
		return { seconds: Math.round((Date.now() - fromMs) / 1_000), posts: kling.count('POST') };
	}

	test.each<[string, ApiResult]>([
		['refused', answered(400, {})],
		['lost', lost],
		['one without a task', answered(200, {})],
	])('%s POSTs hold none', async (_name, answer) => {
		const kling = new FakeKling();
		const send = sendTo(kling);
		const first = await through(send('11'));
		// The account is full with one.
		kling.answers.push(answered(429, {}), answered(429, {}));
		const [second, third] = [send('12', 60_000), send('13', 60_000)];
		second.catch(() => {});
		await jest.advanceTimersByTimeAsync(1_000);
		expect(kling.count('POST')).toBe(3);
		kling.answers.push(answer);
		first.settle(finished('succeed'));
		expect(await secondsUntilSent(kling, third)).toEqual({ seconds: 0, posts: 5 });
		await messageOf(second);
	});

	test('a job gives its slot back, and an equal item gives none back', async () => {
		const kling = new FakeKling();
		const send = sendTo(kling);
		const first = await through(send('11'));
		const equal = await through(send('11'));
		await through(send('12'));
		// The account is full with two.
		kling.answers.push(answered(429, {}), answered(429, {}));
		const waiting = [send('13'), send('14')];
		await jest.advanceTimersByTimeAsync(1_000);
		expect(kling.count('POST')).toBe(4);
		equal.settle(finished('succeed'));
		await jest.advanceTimersByTimeAsync(1_000);
		expect(kling.count('POST')).toBe(4);
		first.settle(finished('succeed'));
		await jest.advanceTimersByTimeAsync(1_000);
		expect(kling.count('POST')).toBe(5);
		await through(Promise.all(waiting));
	});

	test('accounts do not wait for each other', async () => {
		const kling = new FakeKling(answered(429, {}));
		const { submitter } = submitterOf(kling, new FakeExecution(kling).context());
		const waiting = submitter.submit(jobOf(), 0);
		await jest.advanceTimersByTimeAsync(1_000);
		const other = jobOf({ request: { ...request, workId: '3', email: 'a@example.com' } });
		expect((await secondsUntilSent(kling, submitter.submit(other, 1))).seconds).toBe(0);
		await through(waiting);
	});
});

import type { IDataObject } from 'n8n-workflow';

import { retryByHand, retryKilled } from '../support/n8n/retry-by-hand.mts';
import type { EngineRun } from '../support/n8n/engine.mts';
import {
	bench,
	fromItem,
	images,
	TASK_ID,
	upscale,
	WORK_ID,
	type Bench,
} from '../support/kling.mts';
import { klingWorkflow } from '../support/n8n/workflows.mts';

/** A person presses Retry on a failed execution: what is paid for is picked up, what failed is sent anew. */

const good = { taskId: TASK_ID, workId: WORK_ID };
const failing = { taskId: '700000005', workId: '700000006' };
const { items: others, seeds: more } = images(1);
const seeds = [{ ...failing, upscale: 'fails' as const }, ...more];
const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
const SCHEDULER = { method: 'GET', path: '/v1/kling/scheduler' };
const parameters = (wait: string) =>
	upscale({ ...fromItem, wait, options: { pollInterval: undefined } });

/** Fails, is retried, and is counted before and after. */
async function failAndRetry(
	kling: Bench,
	items: IDataObject[],
	wait: string,
	meanwhile: () => Promise<unknown> = async () => {},
) {
	const first = await kling.run(items, parameters(wait));
	expect(first.error).toBeDefined();
	const before = kling.posts();
	await meanwhile();
	const workflow = klingWorkflow(items, parameters(wait));
	const sent = kling.posts();
	const second = await retryByHand(workflow, kling.credentials, first);
	return { first, second, before, after: kling.posts() - sent };
}

describe.each(['poll', 'callback'])('%s', (wait) => {
	/** So that with Pause Until Called Back everything is over when the node looks. */
	async function slowToAnswer() {
		const kling = await bench({ jobMs: 100, seeds, callbacks: 'none' });
		kling.addFault({ ...POST, kind: 'delay', delayMs: 400, after: true, times: 9 });
		return kling;
	}

	test('a task that failed is sent anew', async () => {
		const { first, second, before, after } = await failAndRetry(
			await slowToAnswer(),
			[failing],
			wait,
		);
		expect([before, after]).toEqual([1, 1]);
		expect(first.error?.message).toMatch(/^Task 500000010 failed/);
		expect(second.error?.message).toMatch(/^Task 50000\d+ failed/);
		expect(second.error?.message).not.toBe(first.error?.message);
	});

	test('one that succeeded beside it is picked up', async () => {
		const kling = await slowToAnswer();
		const { first, second, before, after } = await failAndRetry(kling, [good, failing], wait);
		expect([before, after]).toEqual([2, 1]);
		expect(second.error?.message).toMatch(/^Task \d+ failed/);
		const paidFor = ({ error }: EngineRun) => /\(item 0: \d+\)/.exec(error!.description!)?.[0];
		expect(paidFor(second)).toBeDefined();
		expect(paidFor(second)).toBe(paidFor(first));
	});

	test('what is unknown, and cannot be looked up, stays so and is not sent again', async () => {
		const kling = await bench({ seeds, callbacks: 'none' });
		kling.addFault({ ...POST, kind: 'resetBefore' });
		const { first, second, before, after } = await failAndRetry(kling, [good], wait);
		expect([before, after]).toEqual([1, 0]);
		expect(second.error?.message).toBe(first.error?.message);
	});

	test('what is unknown is found now, taken over and polled', async () => {
		const kling = await bench({ jobMs: 90_000, seeds, callbacks: 'none' });
		kling.addFault({ ...POST, kind: 'resetAfter' });
		kling.addFault({ ...SCHEDULER, kind: 'json', status: 402, body: {}, times: 99 });
		const { second, after } = await failAndRetry(kling, [good], wait, async () => {
			kling.sandbox.clearFaults();
		});
		expect(second.error).toBeUndefined();
		expect(second.run.waitTill).toBeUndefined();
		expect(second.items('Kling')[0].json).toMatchObject({
			taskId: '500000010',
			status: 'succeed',
		});
		expect(after).toBe(0);
	});

	test('what is unknown, and what the lists do not show, is sent', async () => {
		const kling = await bench({ jobMs: 100, seeds, callbacks: 'none' });
		await kling.run(others, parameters('none'));
		kling.addFault({ ...POST, kind: 'resetBefore' });
		const { first, second, after } = await failAndRetry(kling, [good], wait);
		expect(first.error?.message).toContain('most likely it was not');
		expect(second.error).toBeUndefined();
		expect(after).toBe(1);
	});

	test.each([
		['a 500', { kind: 'json' as const, status: 500, body: { error: 'Not this one' } }],
		['a redirect', { kind: 'redirect' as const }],
		['a 400', { kind: 'json' as const, status: 400, body: { error: 'Not now' } }],
	])('after %s the lists are read, and it is sent', async (_name, fault) => {
		const kling = await bench({ jobMs: 100, seeds, callbacks: 'none' });
		kling.addFault({ ...POST, ...fault });
		const { second, after } = await failAndRetry(kling, [good], wait);
		expect(second.error).toBeUndefined();
		expect(after).toBe(1);
		const order = kling.sandbox.requests.map(({ method, path }) => `${method} ${path}`);
		const post = `POST ${POST.path}`;
		const between = order.slice(order.indexOf(post) + 1, order.lastIndexOf(post));
		expect(between).toEqual(['GET /v1/kling/scheduler', 'GET /v1/kling/tasks']);
	});

	test('after a 500 a job of the image that the lists show is taken instead', async () => {
		const kling = await bench({ jobMs: 100, seeds, callbacks: 'none' });
		kling.addFault({ ...POST, kind: 'json', status: 500, body: { error: 'Not this one' } });
		const { second, after } = await failAndRetry(kling, [good], wait, async () => {
			await kling.run([good], parameters('none'));
		});
		expect(second.items('Kling')[0].json).toMatchObject({
			taskId: '500000010',
			status: 'succeed',
		});
		expect(after).toBe(0);
	});
});

describe('an execution that was killed, so that nothing was noted', () => {
	async function killed(kling: Bench, wait: string, items: IDataObject[]) {
		const run = await kling.run(items, parameters(wait));
		return await retryKilled(klingWorkflow(items, parameters(wait)), kling.credentials, run);
	}

	test.each(['poll', 'callback'])('its job is found, polled, and not sent: %s', async (wait) => {
		const kling = await bench({ jobMs: 3_000, seeds, callbacks: 'none' });
		const { error, items, run } = await killed(kling, wait, [good]);
		expect(error).toBeUndefined();
		expect(run.waitTill).toBeUndefined();
		expect(items('Kling')[0].json).toMatchObject({ taskId: '500000010', status: 'succeed' });
		expect(kling.posts()).toBe(1);
	});

	test('where nobody can look, nothing is sent', async () => {
		const kling = await bench({ jobMs: 100, seeds, callbacks: 'none' });
		kling.addFault({ ...SCHEDULER, kind: 'status', status: 503, times: 99 });
		const { error } = await killed(kling, 'poll', [good]);
		expect(error?.message).toContain('Could not check for an earlier task of this image');
		expect(kling.posts()).toBe(1);
	});
});

test('a task that is picked up is looked at at once', async () => {
	const kling = await bench();
	kling.addFault({ server: 'cdn', kind: 'status', status: 403 });
	// A pause of this length comes before the first look at a task that has just been sent.
	const slowly = { ...parameters('poll'), download: true, options: { pollInterval: 3 } };
	const first = await kling.run([good], slowly);
	expect(first.error?.message).toContain('could not be downloaded');
	const pressedMs = Date.now();
	const second = await retryByHand(klingWorkflow([good], slowly), kling.credentials, first);
	expect(second.items('Kling')[0].binary).toBeDefined();
	expect(kling.posts()).toBe(1);
	const looks = kling.sandbox.requests.filter(({ path }) => path.startsWith('/v1/kling/tasks/'));
	// The one that tells that it need not be sent again tells the result as well.
	expect(looks).toHaveLength(2);
	expect(looks[1].at - pressedMs).toBeLessThan(3_000);
});

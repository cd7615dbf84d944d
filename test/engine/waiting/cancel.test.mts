import type { IDataObject } from 'n8n-workflow';

import type { SandboxOptions } from '../../../sandbox/options.mts';
import { pass } from '../support/n8n/clock.mts';
import { bench, fromItem, getTask, images, until, upscale } from '../support/kling.mts';

const MS_PER_SECOND = 1_000;

const { items: three, seeds } = images(3);
const slow: SandboxOptions = { jobMs: 60_000, seeds };
const oneSlot: SandboxOptions = {
	...slow,
	accounts: [{ email: 'artist@example.com', maxJobs: 1 }],
};

test.each<[string, SandboxOptions, IDataObject, (posts: number, asked: number) => boolean]>([
	['while polling', slow, upscale(fromItem), (_posts, asked) => asked > 0],
	[
		'before the first look',
		slow,
		upscale({ ...fromItem, options: { pollInterval: 30 } }),
		(posts) => posts === 3,
	],
	['while waiting for a free job slot', oneSlot, upscale(fromItem), (posts) => posts > 2],
])('a cancel stops within a second %s', async (_when, options, parameters, isThere) => {
	const { start, posts, sandbox } = await bench(options);
	const asked = () => sandbox.requests.filter(({ method }) => method === 'GET').length;
	// Going on after errors must not turn a cancel into error items.
	const settings = { onError: 'continueRegularOutput' } as const;
	const { cancel, done } = await start(three, parameters, settings);
	await until(() => isThere(posts(), asked()));

	const canceledMs = Date.now();
	cancel();
	const { run } = await done;
	expect(Date.now() - canceledMs).toBeLessThan(MS_PER_SECOND);
	expect(run.status).toBe('canceled');

	await pass(1.5 * MS_PER_SECOND);
	// What was on its way when the cancel came may still arrive; nothing sets out after it.
	const after = sandbox.requests.filter(({ at }) => at > canceledMs + MS_PER_SECOND / 2);
	expect(after).toEqual([]);
});

test.each([
	['one task', [{}]],
	['the list of running jobs', [{}, {}, {}]],
])('a cancel stops a request for %s that gets no answer', async (_what, items) => {
	const { start, addFault, sandbox } = await bench();
	addFault({ kind: 'delay', delayMs: 60_000, method: 'GET', times: 9 });
	const { cancel, done } = await start(items, getTask({ wait: 'poll' }));
	await until(() => sandbox.requests.length > 0);

	const canceledMs = Date.now();
	cancel();
	expect((await done).run.status).toBe('canceled');
	expect(Date.now() - canceledMs).toBeLessThan(MS_PER_SECOND);
});

import type { IDataObject } from 'n8n-workflow';

import type { SandboxOptions } from '../../sandbox/options.mts';
import { bench, getTask, until, upscale } from './support/kling.mts';

const MS_PER_SECOND = 1_000;

const slow: SandboxOptions = { jobMs: 60_000 };
const oneSlot: SandboxOptions = {
	...slow,
	accounts: [{ email: 'artist@example.com', maxJobs: 1 }],
};

test.each<[string, SandboxOptions, IDataObject, (posts: number, looks: number) => boolean]>([
	['while polling', slow, upscale(), (_posts, looks) => looks > 0],
	[
		'before the first look',
		slow,
		upscale({ options: { pollInterval: 30 } }),
		(posts) => posts === 3,
	],
	['while waiting for a free job slot', oneSlot, upscale(), (posts) => posts > 2],
])('a cancel stops within a second %s', async (_when, options, parameters, isThere) => {
	const { start, posts, looks, sandbox } = await bench(options);
	// Going on after errors must not turn a cancel into error items.
	const settings = { onError: 'continueRegularOutput' } as const;
	const { cancel, done } = await start([{}, {}, {}], parameters, settings);
	await until(() => isThere(posts(), looks()));

	const canceledMs = Date.now();
	cancel();
	const { run } = await done;
	expect(Date.now() - canceledMs).toBeLessThan(MS_PER_SECOND);
	expect(run.status).toBe('canceled');

	await new Promise((resolve) => setTimeout(resolve, 1.5 * MS_PER_SECOND));
	// What was on its way when the cancel came may still arrive; nothing sets out after it.
	const after = sandbox.requests.filter(({ at }) => at > canceledMs + MS_PER_SECOND / 2);
	expect(after).toEqual([]);
});

test('a cancel stops a request that gets no answer', async () => {
	const { start, addFault, looks } = await bench();
	addFault({ kind: 'delay', delayMs: 60_000, method: 'GET' });
	const { cancel, done } = await start([{}], getTask());
	await until(() => looks() > 0);

	const canceledMs = Date.now();
	cancel();
	expect((await done).run.status).toBe('canceled');
	expect(Date.now() - canceledMs).toBeLessThan(MS_PER_SECOND);
});

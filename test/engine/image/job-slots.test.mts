import { bench, fromItem, images, upscale } from '../support/kling.mts';

/** Only a job that was accepted takes a slot of its account. */

const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
/** Long before a full account would be asked again by itself. */
const SOON_MS = 4_000;

test.each([
	['refused', { kind: 'json' as const, status: 500, body: { error: 'Not this one' } }],
	['lost', { kind: 'resetBefore' as const }],
])('a POST that was %s holds none: the next job is sent at once', async (_name, fault) => {
	const { items, seeds } = images(3);
	const accounts = [{ email: 'artist@example.com', maxJobs: 1 }];
	const kling = await bench({ jobMs: 1_000, seeds, accounts });
	const run = kling.run(items, upscale(fromItem), { onError: 'continueRegularOutput' });
	// One is taken, the others find the account full: from there on its slots are counted.
	for (let quiet = 0; quiet < 3; quiet += kling.posts() === items.length ? 1 : 0) {
		await new Promise((resolve) => setImmediate(resolve));
	}
	kling.addFault({ ...POST, ...fault });
	const { items: outputs } = await run;
	expect(outputs('Kling').filter(({ json }) => json.status === 'succeed')).toHaveLength(2);
	expect(outputs('Kling').filter(({ json }) => json.error)).toHaveLength(1);
	const posts = kling.sandbox.requests.filter(({ method }) => method === 'POST');
	const [spoiled, next] = posts.slice(items.length);
	expect(posts).toHaveLength(items.length + 2);
	expect(next.at - spoiled.at).toBeLessThan(SOON_MS);
	expect(kling.sandbox.peakJobs.get('artist@example.com')).toBe(1);
});

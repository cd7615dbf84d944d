import type { Fault } from '../../../sandbox/faults.mts';
import { bench, fromItem, images, upscale } from '../support/kling.mts';

/** A batch watched through the list of running jobs, on n8n's own engine: with a true list, and with ones that are not. */

const COUNT = 6;
const { items, seeds } = images(COUNT);
const ids = items.map((_, number) => ({ id: 500000010 + 10 * number }));
const LIST = { method: 'GET', path: '/v1/kling/scheduler' };

async function runBatch(fault?: Partial<Fault>, jobMs = 5_000) {
	const accounts = [{ email: 'artist@example.com', maxJobs: COUNT }];
	const kling = await bench({ jobMs, accounts, seeds });
	if (fault) kling.addFault({ ...LIST, times: 1_000, ...fault } as Fault);
	const began = Date.now();
	const { items: outputs, error } = await kling.run(
		items,
		upscale({ ...fromItem, options: { pollInterval: '' } }),
	);
	expect(error).toBeUndefined();
	expect(outputs('Result').map(({ json }) => json.status)).toEqual(Array(COUNT).fill('succeed'));
	const lists = kling.sandbox.requests.filter(({ path }) => path === LIST.path).length;
	return { lists, looks: kling.looks(), posts: kling.posts(), ms: Date.now() - began };
}

test('with a true list: a few lists, and one look for each task', async () => {
	const { lists, looks, posts } = await runBatch();
	expect(posts).toBe(COUNT);
	expect(looks).toBe(COUNT);
	expect(lists).toBeLessThanOrEqual(5);
});

test.each<[string, Partial<Fault>]>([
	['fails', { kind: 'status', status: 503 }],
	['is empty', { kind: 'json', body: [] }],
	['is no list', { kind: 'json', body: { error: 'none' } }],
	['is a web page', { kind: 'html' }],
])(
	'with a list that %s each task is looked at by itself, and nothing is late',
	async (_name, fault) => {
		const { looks, ms } = await runBatch(fault);
		expect(looks).toBeGreaterThan(COUNT);
		expect(ms).toBeLessThan(10_000);
	},
);

test('with a list that lags behind they are seen a little later', async () => {
	const { ms } = await runBatch({ kind: 'json', body: ids, times: 3 });
	expect(ms).toBeLessThan(15_000);
});

test('with a list that never forgets a job they are seen within one slow round', async () => {
	const { ms } = await runBatch({ kind: 'json', body: ids }, 1_000);
	expect(ms).toBeGreaterThan(15_000);
	expect(ms).toBeLessThan(26_000);
});

import type { INode } from 'n8n-workflow';

import { bench, enhance } from '../../support/kling.mts';
import { pass } from '../../support/n8n/clock.mts';
import { retryByHand } from '../../support/n8n/retry-by-hand.mts';
import { klingWorkflow } from '../../support/n8n/workflows.mts';
import { POST, retry, found, files, makeFiles, counts } from './enhancing.mts';

/** Uploads spend nothing: they are made again, and their job is sent once. */

const UPLOAD = { method: 'POST', path: '/v1/kling/assets' };

beforeAll(makeFiles);

describe('an upload', () => {
	test.each([
		['whose answer is lost', { kind: 'resetAfter' as const }],
		['that broke off', { kind: 'resetBefore' as const }],
		['that met a 503', { kind: 'status' as const, status: 503 }],
	])(
		'%s is made again, and its job sent once, with the link that came back',
		async (_name, fault) => {
			const kling = await bench();
			kling.addFault({ ...UPLOAD, ...fault });
			const { error, items } = await kling.run(files.slice(0, 1), enhance());
			expect(error).toBeUndefined();
			expect(items('Kling')[0].json).toMatchObject(found);
			expect(counts(kling)).toEqual([2, 1]);
		},
	);

	test.each<[string, object, number, RegExp]>([
		[
			'refused',
			{ kind: 'json', status: 400, body: { error: 'No such type' } },
			1,
			/: No such type$/,
		],
		['without end', { kind: 'resetAfter' }, 4, /ECONNRESET/],
	])(
		'%s spends nothing, is no unknown outcome, and is tried anew',
		async (_name, fault, times, words) => {
			const kling = await bench();
			kling.addFault({ ...UPLOAD, ...(fault as { kind: 'json' }), times: 99 });
			const { error } = await kling.run(files.slice(0, 1), enhance(), retry);
			expect(error?.message).toMatch(/^The file could not be uploaded: /);
			expect(error?.message).toMatch(words);
			expect(error?.description).toMatch(/^No job was sent, so nothing was spent on this item\./);
			expect(error?.description).not.toContain('unknown');
			expect(counts(kling)).toEqual([3 * times, 0]);
			kling.sandbox.clearFaults();
			const workflow = klingWorkflow(files.slice(0, 1), enhance());
			const second = await retryByHand(
				workflow,
				kling.credentials,
				await kling.run(files.slice(0, 1), enhance()),
			);
			expect(second.error).toBeUndefined();
		},
	);

	test('that fails is an error of its own item', async () => {
		const kling = await bench();
		kling.addFault({ ...UPLOAD, kind: 'json', status: 401, body: {} });
		const settings: Partial<INode> = { onError: 'continueRegularOutput' };
		const { items } = await kling.run(files, enhance(), settings);
		const outputs = items('Kling').map(({ json }) => json.error ?? json.status);
		expect(outputs.sort()).toEqual([
			'The file could not be uploaded: The API token was refused',
			'succeed',
		]);
		expect(counts(kling)).toEqual([2, 1]);
	});

	test('is not made again for a 429', async () => {
		const kling = await bench();
		kling.addFault({ ...POST, kind: 'status', status: 429, times: 3 });
		const { error } = await kling.run(files.slice(0, 1), enhance());
		expect(error).toBeUndefined();
		expect(counts(kling)).toEqual([1, 4]);
		expect(new Set(kling.enhances().map(({ image }) => image)).size).toBe(1);
	});

	test('that hangs is cut by a cancel, and its job is not sent', async () => {
		const kling = await bench();
		kling.addFault({ ...UPLOAD, kind: 'delay', delayMs: 60_000 });
		const { cancel, done } = await kling.start(files.slice(0, 1), enhance());
		// The clock does not know that files are read and summed up.
		while (kling.uploads().length === 0) await new Promise((next) => setImmediate(next));
		const canceledMs = Date.now();
		cancel();
		expect((await done).run.status).toBe('canceled');
		expect(Date.now() - canceledMs).toBeLessThan(1_000);
		await pass(120_000);
		expect(counts(kling)).toEqual([1, 0]);
	});
});

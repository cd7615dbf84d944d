import type { IDataObject } from 'n8n-workflow';

import { bench, enhance, until, type Bench } from '../../support/kling.mts';
import { pass } from '../../support/n8n/clock.mts';
import { runWorkflow } from '../../support/n8n/engine.mts';
import { retryByHand, retryKilled } from '../../support/n8n/retry-by-hand.mts';
import { knowsErrorDetails } from '../../support/n8n/version.mts';
import { waitingExecution } from '../../support/n8n/waiting-execution.mts';
import { klingWorkflow, loopWorkflow } from '../../support/n8n/workflows.mts';
import { LINK, retry, found, files, makeFiles, sources, counts } from './enhancing.mts';

/** The node runs again: in a loop, after a pause, or because an execution is retried. */

beforeAll(makeFiles);

describe.each(sources)('%s in several runs of the node', (_name, items, source) => {
	const uploads = source.imageUrl ? 0 : 1;
	const runLoop = async (kling: Bench, of: 'results' | 'errors', parameters = {}) => {
		const all = enhance({ ...source, ...parameters });
		const workflow = loopWorkflow(items(), all, { rounds: 2, of });
		return await runWorkflow(workflow, kling.credentials);
	};

	(knowsErrorDetails ? test : test.skip)('is paid once when its errors lead back', async () => {
		const kling = await bench({ jobMs: 2_500 });
		// Only with an error the item leaves by that output, with its file.
		const { items: out } = await runLoop(kling, 'errors', { options: { timeout: 1 } });
		expect(out('Kling', 1)[0].json.error).toContain('did not finish within 1 seconds');
		expect(kling.enhances()).toHaveLength(1);
	});

	test('is paid once when it is retried after its task was paid for', async () => {
		const kling = await bench();
		kling.addFault({ server: 'cdn', kind: 'status', status: 403 });
		const { error, items: out } = await kling.run(
			items(),
			enhance({ ...source, download: true }),
			retry,
		);
		expect(error).toBeUndefined();
		expect(out('Kling')[0].binary).toBeDefined();
		expect(counts(kling)).toEqual([uploads, 1]);
	});
});

describe('a suspended execution', () => {
	const pausing = (source: IDataObject) =>
		enhance({ ...source, wait: 'callback', options: { pollInterval: undefined } });

	test.each(sources)('goes on with %s when it is called', async (_name, items, source) => {
		const kling = await bench({ hold: true, callbacks: 'none' });
		const suspended = await kling.run(items(), pausing(source));
		const workflow = klingWorkflow(items(), pausing(source));
		const waiting = waitingExecution(workflow, kling.credentials, suspended);
		await until(() => kling.sandbox.held().length > 0);
		kling.sandbox.release('500000010');
		const { run } = await waiting.call('{"task":{"id":500000010},"status_final":true}');
		expect(run?.items('Kling')[0].json).toMatchObject(found);
		expect(kling.enhances()).toHaveLength(1);
	});

	test.each(sources)('is retried by hand: %s is polled, not sent', async (_name, items, source) => {
		const kling = await bench({ jobMs: 90_000, callbacks: 'none' });
		const suspended = await kling.run(items(), pausing(source));
		const { uploads } = kling;
		const before = uploads().length;
		const workflow = klingWorkflow(items(), pausing(source));
		const second = await retryByHand(workflow, kling.credentials, suspended, (data) => {
			data.waitTill = undefined;
		});
		expect(second.items('Kling')[0].json).toMatchObject(found);
		expect(counts(kling)).toEqual([before, 1]);
	});

	test.each(sources)(
		'is retried by hand after %s has failed: sent with its link',
		async (_name, items, source) => {
			const kling = await bench({ jobMs: 90_000, callbacks: 'none', enhance: 'fails' });
			const suspended = await kling.run(items(), pausing(source));
			const before = counts(kling)[0];
			await pass(120_000);
			kling.sandbox.settings.enhance = undefined;
			const workflow = klingWorkflow(items(), pausing(source));
			const second = await retryByHand(workflow, kling.credentials, suspended, (data) => {
				data.waitTill = undefined;
			});
			expect(second.items('Kling')[0].json).toMatchObject({
				taskId: '500000020',
				status: 'succeed',
			});
			// The file is gone: the input items are the outputs of then.
			expect(counts(kling)).toEqual([before, 2]);
			const [first, again] = kling.enhances();
			expect(again.image).toBe(first.image);
		},
	);
});

describe('an execution that was killed, so that nothing was noted, and is retried by hand', () => {
	async function killed(kling: Bench, items: IDataObject[], parameters: IDataObject) {
		const run = await kling.run(items, parameters);
		return await retryKilled(klingWorkflow(items, parameters), kling.credentials, run);
	}

	test('a link is looked up, and its job taken', async () => {
		const kling = await bench({ jobMs: 3_000 });
		const { error, items } = await killed(kling, [{}], enhance({ imageUrl: LINK }));
		expect(error).toBeUndefined();
		expect(items('Kling')[0].json).toMatchObject(found);
		expect(kling.enhances()).toHaveLength(1);
	});

	test('what was made of the link more than a day ago may be of something else', async () => {
		const kling = await bench();
		const parameters = enhance({ imageUrl: LINK });
		const run = await kling.run([{}], parameters);
		await pass(25 * 3_600_000);
		const workflow = klingWorkflow([{}], parameters);
		const second = await retryKilled(workflow, kling.credentials, run);
		expect(second.items('Kling')[0].json.taskId).toBe('500000020');
	});

	test('a file has no link to look for, so it is sent', async () => {
		const kling = await bench();
		const { error } = await killed(kling, files.slice(0, 1), enhance());
		expect(error).toBeUndefined();
		expect(kling.enhances()).toHaveLength(2);
	});
});

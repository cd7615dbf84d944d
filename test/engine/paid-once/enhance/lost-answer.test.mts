import type { IDataObject } from 'n8n-workflow';

import { bench, enhance } from '../../support/kling.mts';
import { retryByHand } from '../../support/n8n/retry-by-hand.mts';
import { klingWorkflow } from '../../support/n8n/workflows.mts';
import {
	LINK,
	retry,
	found,
	files,
	POST,
	makeFiles,
	sources,
	counts,
	sendAnother,
} from './enhancing.mts';

/** Answers that are lost: an image is enhanced once, and what was paid for is found. */

const SCHEDULER = { method: 'GET', path: '/v1/kling/scheduler' };
const LIST = { method: 'GET', path: '^/v1/kling/tasks$' };

beforeAll(makeFiles);

describe.each(sources)('%s whose answer is lost', (_name, items, source) => {
	const uploads = source.imageUrl ? 0 : 1;

	test('is found by its link, also by an automatic try, and never sent again', async () => {
		const kling = await bench();
		kling.addFault({ ...POST, kind: 'resetAfter' });
		// No look within this time limit shows it.
		kling.addFault({ ...SCHEDULER, kind: 'json', body: [] });
		kling.addFault({ ...LIST, kind: 'json', body: { history: [] } });
		const parameters = enhance({ ...source, options: { timeout: 1 } });
		const { error, items: out } = await kling.run(items(), parameters, retry);
		expect(error).toBeUndefined();
		expect(out('Kling')[0].json).toMatchObject(found);
		expect(out('Kling')[0].json).not.toHaveProperty('reused');
		expect(counts(kling)).toEqual([uploads, 1]);
	});

	test.each(['callback', 'none'])('is found with %s as well', async (wait) => {
		const kling = await bench({ jobMs: 90_000, callbacks: 'none' });
		kling.addFault({ ...POST, kind: 'resetAfter' });
		const parameters = enhance({ ...source, wait, options: { pollInterval: undefined } });
		const { run, items: out } = await kling.run(items(), parameters);
		expect(out('Kling')[0].json).toMatchObject({ taskId: '500000010', finished: false });
		expect(run.waitTill !== undefined).toBe(wait === 'callback');
		expect(counts(kling)).toEqual([uploads, 1]);
	});

	test('is told when it is nowhere, and not sent again in this execution', async () => {
		const kling = await bench();
		await sendAnother(kling);
		kling.addFault({ ...POST, kind: 'resetBefore' });
		const { error } = await kling.run(items(), enhance(source), retry);
		expect(error?.message).toMatch(/whether the enhance job was accepted .*most likely it was not/);
		expect(counts(kling)).toEqual([uploads, 1]);
	});

	test('is not called absent while another execution enhances: the API may tell links of its own', async () => {
		const kling = await bench();
		await kling.run(files.slice(1), enhance({ wait: 'none' }));
		kling.addFault({ ...POST, kind: 'resetBefore' });
		const { error } = await kling.run(items(), enhance(source));
		expect(error?.message).toMatch(/^It is unknown whether the enhance job was accepted \(\w+\)$/);
		expect(error?.description).toContain('Check your tasks first');
	});

	test('is found by a retry by hand, by the link of the first try', async () => {
		const kling = await bench();
		await sendAnother(kling);
		kling.addFault({ ...POST, kind: 'resetAfter' });
		kling.addFault({ ...SCHEDULER, kind: 'json', status: 402, body: {}, times: 99 });
		const first = await kling.run(items(), enhance(source));
		expect(first.error?.message).toContain('It is unknown whether');
		kling.sandbox.clearFaults();
		const workflow = klingWorkflow(items(), enhance(source));
		const second = await retryByHand(workflow, kling.credentials, first);
		expect(second.items('Kling')[0].json).toMatchObject({ taskId: '500000020', status: 'succeed' });
		expect(counts(kling)).toEqual([uploads, 1]);
	});

	test('is sent by a retry by hand when the lists show that it is not there', async () => {
		const kling = await bench();
		await sendAnother(kling);
		kling.addFault({ ...POST, kind: 'resetBefore' });
		const first = await kling.run(items(), enhance(source));
		const workflow = klingWorkflow(items(), enhance(source));
		const second = await retryByHand(workflow, kling.credentials, first);
		expect(second.error).toBeUndefined();
		expect(counts(kling)).toEqual([2 * uploads, 2]);
	});
});

test('two resolutions of one link whose answers are both lost are told apart', async () => {
	const kling = await bench({ jobMs: 100 });
	kling.addFault({ ...POST, kind: 'resetAfter', times: 2 });
	const items = [{ size: '2k' }, { size: '4k' }];
	const parameters = enhance({ imageUrl: LINK, resolution: '={{ $json.size }}', output: 'raw' });
	const { items: out } = await kling.run(items, parameters);
	const resolutions = out('Kling').map(({ json }) => {
		const { task } = json as { task: { taskInfo: { arguments: IDataObject[] } } };
		return task.taskInfo.arguments.find(({ name }) => name === 'resolution')?.value;
	});
	expect(resolutions).toEqual(['2k', '4k']);
	expect(counts(kling)).toEqual([0, 2]);
});

import type { IDataObject, INode } from 'n8n-workflow';

import { retryByHand, retryKilled } from '../support/n8n/retry-by-hand.mts';
import { pass } from '../support/n8n/clock.mts';
import { runWorkflow } from '../support/n8n/engine.mts';
import { bench, enhance, pictures, until, upscale, type Bench } from '../support/kling.mts';
import { waitingExecution } from '../support/n8n/waiting-execution.mts';
import { knowsErrorDetails } from '../support/n8n/version.mts';
import { klingWorkflow, loopWorkflow } from '../support/n8n/workflows.mts';

/** Every order of events in which an image could be enhanced twice, or what is paid for be lost. */

const POST = { method: 'POST', path: '/v1/kling/images/enhance' };
const UPLOAD = { method: 'POST', path: '/v1/kling/assets' };
const SCHEDULER = { method: 'GET', path: '/v1/kling/scheduler' };
const LIST = { method: 'GET', path: '^/v1/kling/tasks$' };
const LINK = 'https://shop.example.com/shoe.jpg';
const retry = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
const found = { taskId: '500000010', status: 'succeed' };

let file: IDataObject;
let other: IDataObject;
beforeAll(async () => {
	[file, other] = await pictures(2);
});

/** By file and by link. */
const sources: Array<[string, () => IDataObject[], IDataObject]> = [
	['a file', () => [file], {}],
	['a link', () => [{}], { imageUrl: LINK }],
];

const counts = ({ uploads, enhances }: Bench) => [uploads().length, enhances().length];

/** A job of another image, so that the lists show that they tell what jobs are of. */
async function sendAnother(kling: Bench): Promise<void> {
	await kling.run([{}], upscale({ wait: 'none' }));
	kling.sandbox.requests.length = 0;
}

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
		await kling.run([other], enhance({ wait: 'none' }));
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
			const { error, items } = await kling.run([file], enhance());
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
			const { error } = await kling.run([file], enhance(), retry);
			expect(error?.message).toMatch(/^The file could not be uploaded: /);
			expect(error?.message).toMatch(words);
			expect(error?.description).toMatch(/^No job was sent, so nothing was spent on this item\./);
			expect(error?.description).not.toContain('unknown');
			expect(counts(kling)).toEqual([3 * times, 0]);
			kling.sandbox.clearFaults();
			const workflow = klingWorkflow([file], enhance());
			const second = await retryByHand(
				workflow,
				kling.credentials,
				await kling.run([file], enhance()),
			);
			expect(second.error).toBeUndefined();
		},
	);

	test('that fails is an error of its own item', async () => {
		const kling = await bench();
		kling.addFault({ ...UPLOAD, kind: 'json', status: 401, body: {} });
		const settings: Partial<INode> = { onError: 'continueRegularOutput' };
		const { items } = await kling.run([file, other], enhance(), settings);
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
		const { error } = await kling.run([file], enhance());
		expect(error).toBeUndefined();
		expect(counts(kling)).toEqual([1, 4]);
		expect(new Set(kling.enhances().map(({ image }) => image)).size).toBe(1);
	});

	test('that hangs is cut by a cancel, and its job is not sent', async () => {
		const kling = await bench();
		kling.addFault({ ...UPLOAD, kind: 'delay', delayMs: 60_000 });
		const { cancel, done } = await kling.start([file], enhance());
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
		const { error } = await killed(kling, [file], enhance());
		expect(error).toBeUndefined();
		expect(kling.enhances()).toHaveLength(2);
	});
});

describe('as an AI tool', () => {
	const chosen = { imageUrl: "={{ $fromAI('link', 'the image', 'string') }}" };
	const call = { link: LINK };
	const answer = (text: string) => (JSON.parse(text) as IDataObject[])[0];

	test('it takes a link, whatever Image Source says, and is paid once in an execution', async () => {
		const kling = await bench();
		const parameters = { ...enhance(chosen), imageSource: 'binary' };
		const texts = await kling.ask([call, call], parameters);
		expect(texts.map((text) => answer(text).taskId)).toEqual(['500000010', '500000010']);
		expect(answer(texts[0]).status).toBe('succeed');
		expect(kling.enhances()).toEqual([{ image: LINK, resolution: '2k' }]);
		const [later] = await kling.ask([call], parameters);
		expect(answer(later).taskId).toBe('500000020');
	});

	test.each<[object, RegExp]>([
		[
			{ link: 'the blue one' },
			/'Image URL' is not a web address: "the blue one"\. Use a link that opens/,
		],
		[{ link: '' }, /'Image URL' is not a web address/],
	])('a wrong link is told: %j', async (wrong, words) => {
		const kling = await bench();
		const [text] = await kling.ask([wrong as IDataObject], enhance(chosen));
		expect(text).toMatch(words);
		expect(kling.enhances()).toEqual([]);
	});

	test('what does not finish in time must not be asked for again', async () => {
		const kling = await bench({ jobMs: 90_000 });
		const [text] = await kling.ask([call], enhance({ ...chosen, options: { timeout: 1 } }));
		expect(text).toContain('Task 500000010 did not finish within 1 seconds');
		expect(text).toContain('Do not ask for it again, since that could spend credits twice');
	});

	test('a refusal is told with a step that an agent can take', async () => {
		const kling = await bench({ enhance: 'forbidden' });
		const [text] = await kling.ask([call], enhance(chosen));
		expect(text).toContain('Choose another link or another image');
	});
});

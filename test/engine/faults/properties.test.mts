import fc from 'fast-check';
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import { anyModel, anyText } from '../../unit/support/arbitraries.mts';
import { bench, fromItem, getTask, images, TASK_ID, upscale } from '../support/kling.mts';
import { waitingExecution } from '../support/n8n/waiting-execution.mts';
import { klingWorkflow } from '../support/n8n/workflows.mts';

/**
 * The same as `test/unit/properties` on n8n's engine: whatever comes in, an execution ends, with items or with
 * sentences. A rejection that nobody handles ends the test.
 */

/** What the node says, not what JavaScript says when something was forgotten. */
const CRASH = /\n\s+at |TypeError|RangeError|is not a function|Cannot read|not iterable/;

function check(items: INodeExecutionData[]) {
	for (const { json } of items) {
		if (!('error' in json)) continue;
		expect(typeof json.error === 'string' && json.error !== '').toBe(true);
		expect(typeof json.message === 'string' && json.message !== '').toBe(true);
	}
}

test.each(['simplified', 'raw', 'images'])(
	'whatever the API answers, Task → Get ends with items or with a sentence: %s',
	async (output) => {
		const { run, addFault, looks } = await bench();
		const answer = fc.record({
			// What may pass would be asked for again, after pauses.
			status: fc.constantFrom(200, 200, 200, 201, 302, 400, 401, 402, 403, 404, 418),
			body: fc.oneof(
				{ weight: 3, arbitrary: anyModel.map((model) => JSON.stringify(model)) },
				anyText.filter((text) => text.trim() !== ''),
			),
		});
		await fc.assert(
			fc.asyncProperty(answer, async ({ status, body }) => {
				// An answer that is lost is asked for again, and then there is a good one.
				addFault({ method: 'GET', path: '/v1/kling/tasks/', kind: 'json', status, body });
				const before = looks();
				const { error, items } = await run([{}], getTask({ output }), {
					onError: 'continueRegularOutput',
				});
				expect(error).toBeUndefined();
				expect(looks() - before).toBeLessThanOrEqual(2);
				check(items('Kling'));
				const [first] = items('Kling');
				// The vendor's own words stay whole, whatever they are; so do the fields of a task in Raw, which need not be texts.
				if (status === 200 && first && 'error' in first.json) {
					expect(`${String(first.json.error)}${String(first.json.message)}`).not.toMatch(CRASH);
				}
			}),
			{ numRuns: 60 },
		);
	},
	60_000,
);

test('whatever the API answers while a job is waited for, the job is paid for once and told of', async () => {
	const jobs = 30;
	const { items, seeds } = images(jobs);
	const { run, addFault, posts, sandbox } = await bench({
		seeds,
		accounts: [{ email: 'artist@example.com', maxJobs: jobs }],
	});
	// The list of running jobs first, then the tasks.
	addFault({ method: 'GET', path: '/v1/kling/scheduler', kind: 'status', status: 503, times: 99 });
	for (const body of fc.sample(anyModel, 2 * jobs)) {
		addFault({ method: 'GET', path: '/v1/kling/tasks/', kind: 'json', status: 200, body });
	}
	const parameters = upscale({ ...fromItem, options: { timeout: 20 } });
	const { error, items: itemsOf } = await run(items, parameters, {
		onError: 'continueRegularOutput',
	});
	expect(error).toBeUndefined();
	expect(itemsOf('Kling')).toHaveLength(jobs);
	check(itemsOf('Kling'));
	expect(posts()).toBe(jobs);
	expect((await sandbox.tasks()).filter(({ taskId }) => taskId.startsWith('5000'))).toHaveLength(
		jobs,
	);
	for (const { json } of itemsOf('Kling')) {
		// Apart from what a made-up task said of itself.
		if (json.error && !/failed: /.test(String(json.error))) {
			expect(json.error).toMatch(/^Task \d+ (finished without an image|did not finish)/);
		}
	}
}, 60_000);

test('whatever a caller sends, a task that runs is not finished by it', async () => {
	const kling = await bench({ jobMs: 3_600_000, callbacks: 'none' });
	const parameters = upscale({ wait: 'callback', options: {} });
	const waiting = waitingExecution(
		klingWorkflow([{}], parameters),
		kling.credentials,
		await kling.run([{}], parameters),
	);
	const body = fc.oneof(
		anyModel.map((model) => JSON.stringify(model)),
		anyText,
	);
	await fc.assert(
		fc.asyncProperty(body, async (text) => {
			const { status, run } = await waiting.call(text);
			expect(run).toBeUndefined();
			expect(status).toBe(200);
		}),
		{ numRuns: 100 },
	);
}, 60_000);

test('whatever expressions give, a job is sent right, or not at all', async () => {
	const { run, posts, sandbox } = await bench();
	const value = fc.oneof(
		{ weight: 1, arbitrary: fc.jsonValue() },
		{ weight: 1, arbitrary: anyText },
		{ weight: 4, arbitrary: fc.constantFrom(TASK_ID, '5', 7, ' 12 ', null, '') },
	);
	const item = fc.record({ task: value, work: value, jobs: value, ref: value, email: value });
	const items = fc.sample(item, 200) as IDataObject[];
	const { error, items: itemsOf } = await run(
		items,
		upscale({
			taskId: '={{ $json.task }}',
			workId: '={{ $json.work }}',
			account: { __rl: true, mode: 'email', value: '={{ $json.email }}' },
			wait: 'none',
			options: { maxJobs: '={{ $json.jobs }}', replyRef: '={{ $json.ref }}' },
		}),
		{ onError: 'continueRegularOutput' },
	);
	expect(error).toBeUndefined();
	const out = itemsOf('Kling');
	expect(out.map(({ pairedItem }) => pairedItem)).toEqual(items.map((_, at) => ({ item: at })));
	check(out);
	const unsent = out.filter(({ json }) => String(json.message).includes('Nothing was sent.'));
	// One and the same job is sent once.
	const sent = items.filter((_, at) => !unsent.includes(out[at]));
	const jobs = sent.map(({ task, work, email }) =>
		[task, work, email]
			.map((part) =>
				String(part ?? '')
					.trim()
					.toLowerCase(),
			)
			.join(),
	);
	expect(posts()).toBe(new Set(jobs).size);
	for (const { body } of sandbox.requests) {
		const { task_id, workId, maxJobs = 1 } = body as Record<string, unknown>;
		expect([task_id, workId].every((id) => /^\d+$/.test(String(id)))).toBe(true);
		expect(Number.isInteger(maxJobs)).toBe(true);
	}
	for (const { json } of unsent) expect(`${json.error}${json.message}`).not.toMatch(CRASH);
}, 60_000);

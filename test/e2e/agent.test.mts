import { setTimeout as pause } from 'node:timers/promises';

import type { SandboxOptions } from '../../sandbox/options.mts';
import {
	byTask,
	inTurn,
	OLD_AGENT_VERSION,
	openScene,
	parse,
	postsOf,
	shown,
	upscale,
	type Scene,
} from './support/agent.mts';
import type { Script } from './support/chat-model.mts';
import { execute, itemsOf, KLING, openN8n, type RealN8n } from './support/real-n8n.mts';

/** The node as a tool of n8n's own AI Agent, with a stand-in for the chat model: what reaches the model, and what it costs. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

const open: Scene[] = [];
afterEach(async () => {
	await Promise.all(open.splice(0).map(async ({ model }) => await model.close()));
});

const good = { taskId: '123456789', workId: '987654321' };
const running = { taskId: '700000001', workId: '700000002' };
const forbidden = { taskId: '700000003', workId: '700000004' };
const unknown = { taskId: '5', workId: '6' };
const seeds = [
	good,
	{ taskId: '700000001', status: 'processing' as const },
	{ taskId: '700000003', upscale: 'forbidden' as const },
];

async function stage(
	script: Script,
	parameters: object,
	{
		sandbox: options = {},
		...more
	}: { sandbox?: SandboxOptions } & Parameters<typeof openScene>[4] = {},
) {
	const { sandbox, credential } = await real.open({ seeds, ...options });
	const scene = await openScene(real, credential, script, parameters, more);
	open.push(scene);
	return { sandbox, ...scene };
}

test('the model’s values arrive, and its answer holds the link', async () => {
	const { sandbox, model, workflow } = await stage(inTurn([good]), upscale());
	const execution = await execute(real.api, workflow);
	expect(execution.status).toBe('success');

	const { description, parameters } = model.tool();
	expect(description).toContain('Upscale image');
	expect(parameters.properties).toEqual({
		taskId: expect.objectContaining({
			type: 'string',
			description: 'The task that made the image',
		}),
		workId: expect.objectContaining({ type: 'string', description: 'The image in that task' }),
	});
	expect(postsOf(sandbox).map(({ body }) => body)).toEqual([
		{ task_id: good.taskId, workId: good.workId },
	]);
	const [{ imageUrl }] = parse(model.read()[0]);
	expect((await fetch(String(imageUrl))).status).toBe(200);
	expect(itemsOf(execution, 'Agent')[0].json.output).toContain(imageUrl);
});

describe('a failure is text; the agent goes on and chooses another image', () => {
	test.each([
		['moderation', forbidden, 'violate the community guidelines', 'Choose another image'],
		['a task that is not there', unknown, 'Task 5 not found', 'Check the IDs'],
		[
			'a task that still runs',
			running,
			'Task 700000001 is not completed',
			'call this again with the same values',
		],
		[
			'no ID at all',
			{ taskId: 'the blue one', workId: '1' },
			`'Task' must be an ID made of digits, but is "the blue one"`,
			'Take the ID from',
		],
	])('%s', async (_case, wrong, message, advice) => {
		const { sandbox, model, workflow } = await stage(inTurn([wrong], [good]), upscale());
		const execution = await execute(real.api, workflow);
		expect(execution.resultData.error).toBeUndefined();
		expect(execution.status).toBe('success');

		const [refused, done] = model.read();
		expect(parse(refused)).toEqual([{ error: expect.stringContaining(message) }]);
		expect(refused).toContain(advice);
		expect(refused.length).toBeLessThan(500);
		const [{ imageUrl }] = parse(done);
		expect(itemsOf(execution, 'Agent')[0].json.output).toContain(imageUrl);
		expect(postsOf(sandbox).at(-1)?.body).toEqual({ task_id: good.taskId, workId: good.workId });
	});
});

describe('the same job asked for twice in one run is paid once', () => {
	const idsIn = (answers: string[]) => answers.map((answer) => parse(answer)[0].taskId);

	test('one after another', async () => {
		const { sandbox, model, workflow } = await stage(inTurn([good], [good]), upscale());
		expect((await execute(real.api, workflow)).status).toBe('success');
		expect(idsIn(model.read())).toEqual(['500000010', '500000010']);
		expect(postsOf(sandbox)).toHaveLength(1);
	});

	// An agent of version 2 calls its tools itself, all at once.
	test.each([undefined, OLD_AGENT_VERSION])('at once, agent %s', async (agentVersion) => {
		const { sandbox, model, workflow } = await stage(inTurn([good, good, good]), upscale(), {
			agentVersion,
		});
		expect((await execute(real.api, workflow)).status).toBe('success');
		expect(idsIn(model.read())).toEqual(['500000010', '500000010', '500000010']);
		expect(postsOf(sandbox)).toHaveLength(1);
	});

	test('after the time limit: the next call goes on waiting', async () => {
		const { sandbox, model, workflow } = await stage(
			inTurn([good], [good], [good]),
			upscale({ options: { pollInterval: 1, timeout: 1 } }),
			{ sandbox: { jobMs: 1_500 } },
		);
		expect((await execute(real.api, workflow)).status).toBe('success');
		const answers = model.read();
		expect(answers[0]).toContain('Call this again with the same values to go on waiting');
		expect(parse(answers[2])[0]).toMatchObject({ taskId: '500000010', status: 'succeed' });
		expect(postsOf(sandbox)).toHaveLength(1);
	});
});

test.each([undefined, OLD_AGENT_VERSION])(
	'cancel while the tool waits ends it all, agent %s',
	async (agentVersion) => {
		const { sandbox, model, workflow } = await stage(inTurn([good]), upscale(), {
			sandbox: { jobMs: 300_000 },
			agentVersion,
		});
		const { id } = await real.api.importWorkflow(workflow);
		const executionId = await real.api.runWorkflow(id, 'Start');
		const looks = () => sandbox.requests.filter(({ path }) => path.startsWith('/v1/kling/tasks/'));
		while (looks().length === 0) await pause(50);

		const askedAt = Date.now();
		await real.api.request('POST', `/rest/executions/${executionId}/stop`);
		const { status } = await real.api.waitForExecution(executionId, 10_000);
		expect(status).toBe('canceled');
		expect(Date.now() - askedAt).toBeLessThan(5_000);

		// A look every second, if it went on; and the model would be told of the failed tool.
		const before = sandbox.requests.length;
		await pause(3_000);
		expect(sandbox.requests).toHaveLength(before);
		expect(model.requests).toHaveLength(1);
	},
);

test('Get tells a task’s state, and with Wait Until Finished its result', async () => {
	const get = { resource: 'task', operation: 'get', taskId: byTask };
	const once = await stage(inTurn([{ taskId: running.taskId }], [{ taskId: '5' }]), get);
	expect((await execute(real.api, once.workflow)).status).toBe('success');
	const [state, missing] = once.model.read();
	expect(parse(state)).toEqual([
		expect.objectContaining({ taskId: running.taskId, status: 'processing', finished: false }),
	]);
	expect(missing).toContain('Task 5 not found');
	expect(once.model.tool().description).toContain('Get task');

	const images = await stage(inTurn([{ taskId: good.taskId }]), {
		...get,
		wait: 'poll',
		output: 'images',
	});
	const execution = await execute(real.api, images.workflow);
	const [image] = parse(images.model.read()[0]);
	expect(image).toMatchObject(good);
	expect(itemsOf(execution, 'Agent')[0].json.output).toContain(image.url);
});

test('Get Many gives the IDs that Upscale takes', async () => {
	const createTime = Date.parse('2026-03-01T10:00:00Z');
	const script: Script = (read) =>
		read.length === 0
			? { calls: [{ since: '2026-03-01', before: '2026-03-02', limit: 10 }] }
			: { say: read[0] };
	const listed = await stage(
		script,
		{
			resource: 'task',
			operation: 'getAll',
			returnAll: false,
			limit: "={{ $fromAI('limit', `How many at most`, 'number') }}",
			output: 'images',
			filters: {
				createdAfter: "={{ $fromAI('since', `Made since then`, 'string') }}",
				createdBefore: "={{ $fromAI('before', `Made before then`, 'string') }}",
			},
		},
		{ sandbox: { seeds: [{ ...good, createTime }] } },
	);
	expect((await execute(real.api, listed.workflow)).status).toBe('success');
	const [image] = parse(listed.model.read()[0]);
	expect(image).toMatchObject(good);
	expect(listed.model.read()).toHaveLength(1);

	const { model, workflow } = await stage(
		inTurn([{ taskId: image.taskId, workId: image.workId }]),
		upscale(),
	);
	expect((await execute(real.api, workflow)).status).toBe('success');
	expect(parse(model.read()[0])[0]).toMatchObject({ status: 'succeed' });
});

describe('Pause Until Called Back', () => {
	test('is not offered for the tool, nor is a download', async () => {
		const values = { resource: 'image', operation: 'upscale', wait: 'poll', download: true };
		const node = await shown(real, KLING, values);
		expect(node.waits).toEqual(['poll', 'callback', 'none']);
		expect(node.fields).toEqual(expect.arrayContaining(['download', 'binaryPropertyName']));
		const tool = await shown(real, `${KLING}Tool`, values);
		expect(tool.waits).toEqual(['poll', 'none']);
		expect(tool.fields).toContain('taskId');
		expect(tool.fields).not.toContain('download');
		expect(tool.fields).not.toContain('binaryPropertyName');
	});

	test('in a stored workflow it polls', async () => {
		const { sandbox, model, workflow } = await stage(
			inTurn([good]),
			upscale({ wait: 'callback', options: {} }),
			{ sandbox: { callbacks: 'none' } },
		);
		const execution = await execute(real.api, workflow);
		expect(execution.status).toBe('success');
		expect(parse(model.read()[0])[0]).toMatchObject({ status: 'succeed' });
		expect(postsOf(sandbox)[0].body).not.toHaveProperty('replyUrl');
	});
});

test('at the spending limit the agent is told, and nothing more is sent', async () => {
	const another = { taskId: '700000005', workId: '700000006' };
	const { sandbox, model, workflow } = await stage(
		inTurn([good], [another]),
		upscale({ options: { pollInterval: 1, spendingLimit: 1 } }),
		{ sandbox: { seeds: [good, another] } },
	);
	expect((await execute(real.api, workflow)).status).toBe('success');
	const [done, refused] = model.read();
	expect(parse(done)[0].status).toBe('succeed');
	expect(refused).toContain("The 'Spending Limit' of this node is reached: it has sent 1 job");
	expect(refused).toContain('tell the user');
	expect(postsOf(sandbox)).toHaveLength(1);
});

test('the token is nowhere in what the model was sent', async () => {
	const { sandbox, model, workflow } = await stage(
		inTurn([good], [forbidden], [unknown], [running], [{ taskId: 'x', workId: 'y' }], [good]),
		upscale({ output: 'raw' }),
	);
	expect((await execute(real.api, workflow)).status).toBe('success');
	expect(model.read()).toHaveLength(6);
	const sent = JSON.stringify(model.requests);
	expect(sent).not.toContain(sandbox.token);
	expect(sent).not.toContain(Buffer.from(sandbox.token).toString('base64'));
	// Nor is the model's key in what useapi.net was sent.
	expect(JSON.stringify(sandbox.requests)).not.toContain(model.apiKey);
});

test('Enhance takes a link from the model', async () => {
	const link = "={{ /*n8n-auto-generated-fromAI-override*/ $fromAI('Image_URL', ``, 'string') }}";
	const parameters = { resource: 'image', operation: 'enhance', imageUrl: link, resolution: '4k' };
	const image = 'http://127.0.0.1/photo.jpg';
	const { sandbox, model, workflow } = await stage(inTurn([{ Image_URL: image }]), parameters, {
		sandbox: { onePixel: true },
	});
	const execution = await execute(real.api, workflow);
	expect(execution.status).toBe('success');
	expect(postsOf(sandbox).map(({ body }) => body)).toEqual([{ image, resolution: '4k' }]);
	expect(model.tool().description).toContain('Enhance image');
	expect(parse(model.read()[0])[0]).toMatchObject({ status: 'succeed' });
});

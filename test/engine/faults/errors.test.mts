import { bench, fromItem, getTask, images, TASK_ID, upscale, WORK_ID } from '../support/kling.mts';
import { knowsErrorDetails, namesIssues } from '../support/n8n/version.mts';

const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
const others = images(2);
const seeds = [
	{ taskId: '700000001', workId: '700000002', status: 'processing' as const },
	{ taskId: '700000003', workId: '700000004', upscale: 'forbidden' as const },
	{ taskId: '700000005', workId: '700000006', upscale: 'fails' as const },
	...others.seeds,
];
const running = { taskId: '700000001', workId: '700000002' };
const forbidden = { taskId: '700000003', workId: '700000004' };
const fails = { taskId: '700000005', workId: '700000006' };
const good = { taskId: TASK_ID, workId: WORK_ID };

describe('the vendor’s own words, and the next step', () => {
	test('400: the source task is not finished', async () => {
		const { run } = await bench({ seeds });
		const { error } = await run([{}], upscale(running));
		expect(error).toMatchObject({ message: 'Task 700000001 is not completed', httpCode: '400' });
		expect(error?.description).toContain('Task → Get');
	});

	test('401: the token is refused, asked once and not shown', async () => {
		const { sandbox, posts, run, credentials } = await bench();
		credentials.apiToken = 'user:9-wrong-token';
		const { error, run: whole } = await run([{}], upscale());
		expect(error).toMatchObject({ message: 'The API token was refused', httpCode: '401' });
		expect(error?.description).toContain('"Unauthorized"');
		expect(posts()).toBe(1);
		expect(JSON.stringify(whole)).not.toContain('wrong-token');
		expect(sandbox.requests[0].headers.authorization).toBe('Bearer user:9-wrong-token');
	});

	test('402: no subscription', async () => {
		const { run } = await bench({ subscription: false });
		const { error } = await run([{}], upscale());
		expect(error?.message).toBe('There is no active useapi.net subscription');
		expect(error?.description).toContain('https://useapi.net');
	});

	test('404: the vendor’s text', async () => {
		const { run, addFault } = await bench();
		addFault({ kind: 'json', status: 404, body: { error: 'Task 5 not found' } });
		const { error } = await run([{}], getTask({ taskId: '5' }));
		expect(error).toMatchObject({ message: 'Task 5 not found', httpCode: '404' });
	});

	test('500: the error field, not the misleading message', async () => {
		const { run, posts } = await bench({ seeds });
		const { error } = await run([{}], upscale(forbidden));
		expect(error?.message).toBe(
			'The content you uploaded appears to violate the community guidelines. (CM_EXT.POther)',
		);
		expect(error?.description).toContain('moderation');
		expect(posts()).toBe(1);
	});

	test('a text with an errno in it stays whole', async () => {
		const { run, addFault } = await bench();
		const body = { error: 'You must approvePermissions first (ENOENT)' };
		addFault({ ...POST, kind: 'json', status: 400, body });
		const { error } = await run([{}], upscale());
		expect(error?.message).toBe(body.error);
	});

	test('a task that fails tells why, with its id', async () => {
		const { run } = await bench({ seeds });
		const { error } = await run([{}], upscale(fails));
		expect(error?.message).toMatch(/^Task 500000010 failed: .+/);
	});

	test('a server that is not there: nothing was sent', async () => {
		const { run, credentials, sandbox } = await bench();
		await sandbox.close();
		const { error } = await run([{}], upscale());
		expect(credentials.baseUrl).toMatch(/^http:\/\/127/);
		expect(error?.message).toContain('Could not connect');
		expect(error?.description).toContain('Nothing was sent');
	});
});

describe('On Error', () => {
	const items = [others.items[0], running, others.items[1]];

	test('Stop Workflow: the first error with its item', async () => {
		const { run } = await bench({ seeds });
		const { error, items: out, run: whole } = await run(items, upscale(fromItem));
		expect(whole.status).toBe('error');
		expect(error).toMatchObject({
			message: 'Task 700000001 is not completed',
			context: { itemIndex: 1 },
		});
		expect(out('Result')).toEqual([]);
	});

	test('Stop Workflow: what other items have paid for is named', async () => {
		const { run } = await bench({ seeds });
		const { error } = await run([good, fails], upscale(fromItem));
		const [taskId] = /5000000\d\d/.exec(error?.description ?? '') ?? [];
		expect(taskId).toBeDefined();
		expect(error?.message).not.toContain(taskId);
	});

	test('Continue: an error item in its place, the others unharmed', async () => {
		const { run } = await bench({ seeds });
		const { error, items: out } = await run(items, upscale(fromItem), {
			onError: 'continueRegularOutput',
		});
		expect(error).toBeUndefined();
		expect(out('Result').map(({ json }) => json.status ?? json.error)).toEqual([
			'succeed',
			'Task 700000001 is not completed',
			'succeed',
		]);
		expect(out('Result')[1]).toMatchObject({
			json: { message: expect.stringContaining('Task → Get'), details: { httpCode: '400' } },
			pairedItem: { item: 1 },
		});
	});

	test('Continue (using error output): on the error branch, with the input’s fields', async () => {
		const { run } = await bench({ seeds });
		const { items: out } = await run(items, upscale(fromItem), {
			onError: 'continueErrorOutput',
		});
		const failed = { error: 'Task 700000001 is not completed' };
		if (knowsErrorDetails) {
			expect(out('Result')).toHaveLength(2);
			expect(out('Failed').map(({ json }) => json)).toEqual([
				expect.objectContaining({ ...running, ...failed }),
			]);
		} else {
			// As with Continue: in its place among the results.
			expect(out('Failed')).toEqual([]);
			expect(out('Result')).toHaveLength(3);
			expect(out('Result')[1].json).toMatchObject(failed);
		}
	});
});

describe('parameters are checked before anything is sent', () => {
	test.each([
		["'Task' is empty", { taskId: '={{ "" }}' }],
		["'Task' is empty", { taskId: '={{ null }}' }],
		[`'Image' must be an ID made of digits, but is "abc"`, { workId: '={{ "abc" }}' }],
		["'Task' is too large to be exact as a number", { taskId: '={{ 12345678901234567890 }}' }],
		["'Account' must be an email", { account: { __rl: true, mode: 'email', value: 'nobody' } }],
		["'Max Jobs' must be a number from 1 to 50", { options: { maxJobs: 51 } }],
		["'Max Jobs' must be a whole number", { options: { maxJobs: 2.5 } }],
		["'Time Limit' must be a number of at least 1", { options: { timeout: -1 } }],
		["'Time Limit' must be a number of at least 1", { options: { timeout: 0 } }],
		["'Poll Interval' must be a number of at least 1", { options: { pollInterval: 'soon' } }],
		["'Reply Reference' is too long: 1025", { options: { replyRef: 'x'.repeat(1025) } }],
		[
			"'Reply URL' is too long",
			{ wait: 'none', replyUrl: `https://n8n.example/${'x'.repeat(1024)}` },
		],
		["'Reply URL' is not a web address", { wait: 'none', replyUrl: 'my-n8n/webhook' }],
		["'Put Output File in Field' is empty", { download: true, binaryPropertyName: ' ' }],
		[`'Download Image' must be true or false, but is "yes"`, { download: '={{ "yes" }}' }],
		[
			"'Without Watermark' must be true or false",
			{ download: true, options: { withoutWatermark: '={{ 1 }}' } },
		],
		[`'Output' must be one of simplified, raw, but is "images"`, { output: 'images' }],
		[
			`'Wait for Result' must be one of none, poll, callback, but is "constructor"`,
			{ wait: 'constructor' },
		],
	])('%s', async (message, changes) => {
		const { run, sandbox } = await bench();
		const { error } = await run([{}], upscale(changes as never));
		expect(error).toMatchObject({
			message: expect.stringContaining(message),
			context: { itemIndex: 0 },
		});
		expect(error?.description).toContain('Nothing was sent.');
		expect(sandbox.requests).toHaveLength(0);
	});

	test('a public Base URL without https, which would send the token unencrypted', async () => {
		const { run, credentials } = await bench();
		credentials.baseUrl = 'http://api.useapi.example';
		const { error } = await run([{}], upscale());
		expect(error?.message).toBe("'Base URL' must start with https://");
		expect(error?.description).toContain('Nothing was sent.');
	});

	test('a Reply URL that a public API cannot reach', async () => {
		const { run, credentials, sandbox } = await bench();
		credentials.baseUrl = 'https://api.useapi.example';
		const replyUrl = 'http://localhost:5678/webhook/kling';
		const { error } = await run([{}], upscale({ wait: 'none', replyUrl }));
		expect(error?.message).toBe(
			"useapi.net cannot reach the 'Reply URL': localhost is an address of a private network",
		);
		expect(error?.description).toContain('WEBHOOK_URL');
		expect(error?.description).toContain('Nothing was sent.');
		expect(sandbox.requests).toHaveLength(0);
	});

	test('what is plainly wrong in the editor does not even start', async () => {
		const { run, sandbox } = await bench();
		await expect(run([{}], upscale({ taskId: '' }))).rejects.toThrow(
			namesIssues ? '"Task" is required' : 'The workflow has issues',
		);
		await expect(run([{}], upscale({ workId: 'abc' }))).rejects.toThrow(
			namesIssues ? 'digits only' : 'The workflow has issues',
		);
		expect(sandbox.requests).toHaveLength(0);
	});

	test('one bad item stops a batch before the first paid call', async () => {
		const { run, sandbox } = await bench();
		const { error } = await run([good, { taskId: 'x', workId: '1' }], upscale(fromItem));
		expect(error?.context.itemIndex).toBe(1);
		expect(sandbox.requests).toHaveLength(0);
	});

	test('numbers that come as text, and empty values, are taken as meant', async () => {
		const { run, sandbox } = await bench();
		const { error } = await run(
			[{ ...good, jobs: '7', nothing: null }],
			upscale({
				...fromItem,
				options: {
					maxJobs: '={{ $json.jobs }}',
					replyRef: '={{ $json.nothing }}',
					timeout: '={{ "" }}',
				},
			}),
		);
		expect(error).toBeUndefined();
		expect(sandbox.requests[0].body).toEqual({ task_id: TASK_ID, workId: WORK_ID, maxJobs: 7 });
	});
});

import sharp from 'sharp';

import { readBinary } from '../support/n8n/engine.mts';
import { bench, fromItem, images, TASK_ID, upscale, WORK_ID } from '../support/kling.mts';

describe('Wait Until Finished', () => {
	test('gives the finished task as simple JSON', async () => {
		const { run, sandbox } = await bench();
		const { error, items } = await run([{}], upscale());

		expect(error).toBeUndefined();
		const [{ json, pairedItem, binary }] = items('Kling');
		expect(json).toEqual({
			taskId: '500000010',
			status: 'succeed',
			finished: true,
			type: 'mmu_image_upscale_aiweb',
			imageUrl: expect.stringMatching(new RegExp(`^${sandbox.cdnUrl}/.+\\.png$`)),
			images: [
				{
					workId: expect.stringMatching(/^\d+$/),
					url: json.imageUrl,
					width: expect.any(Number),
					height: expect.any(Number),
					coverUrl: expect.any(String),
				},
			],
			createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
			updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
		});
		expect(pairedItem).toEqual({ item: 0 });
		expect(binary).toBeUndefined();
	});

	test.each<[string, { account?: string; options?: { maxJobs: number } }, boolean]>([
		['what was filled in', { account: 'artist@example.com', options: { maxJobs: 3 } }, true],
		['nothing that was left empty', {}, false],
	])('sends %s', async (_name, changes, isFilledIn) => {
		const { run, sandbox } = await bench({
			accounts: [{ email: 'artist@example.com', maxJobs: 5 }],
		});
		// The interval belongs to another way of waiting, so it does not matter.
		const options = { ...changes.options, pollInterval: 0 };
		const { error, items } = await run([{}], upscale({ ...changes, wait: 'none', options }));
		expect(error).toBeUndefined();
		expect(items('Kling')[0].json.account).toBe(changes.account);
		expect(sandbox.requests.find(({ method }) => method === 'POST')?.body).toEqual({
			task_id: TASK_ID,
			workId: WORK_ID,
			...(isFilledIn && { email: 'artist@example.com', maxJobs: 3 }),
		});
	});

	test('Raw gives the API’s model, without the field that n8n takes for a failure', async () => {
		const { run } = await bench();
		const { items } = await run([{}], upscale({ output: 'raw' }));

		const [{ json }] = items('Kling');
		expect(json).toMatchObject({
			status_name: 'succeed',
			status_final: true,
			task: { id: 500000010, type: 'mmu_image_upscale_aiweb' },
			works: [{ contentType: 'image', resource: { resource: expect.any(String) } }],
		});
		expect(json).not.toHaveProperty('error');
	});

	test('downloads a file that is really larger, named and typed by what it is', async () => {
		const { run, sandbox } = await bench({ onePixel: false, scale: 4 });
		const { error, items } = await run(
			[{}],
			upscale({ download: true, binaryPropertyName: 'picture' }),
		);

		expect(error).toBeUndefined();
		const [{ json, binary }] = items('Kling');
		const workId = (json.images as Array<{ workId: string }>)[0].workId;
		expect(binary?.picture).toMatchObject({
			fileName: `kling-500000010-${workId}.png`,
			mimeType: 'image/png',
			fileExtension: 'png',
			// Kept in n8n's storage, not in the item.
			id: expect.stringContaining('filesystem-v2:'),
		});
		const file = await readBinary(binary!.picture);
		const source = await sharp('sandbox/pictures/lighthouse.jpg').metadata();
		expect(await sharp(file).metadata()).toMatchObject({
			format: 'png',
			width: 4 * source.width,
			height: 4 * source.height,
		});

		const fetched = sandbox.requests.filter(({ server }) => server === 'cdn');
		expect(fetched).toHaveLength(1);
		expect(fetched[0].headers).not.toHaveProperty('authorization');
		expect(JSON.stringify(fetched)).not.toContain(sandbox.token);
	});

	describe('Without Watermark', () => {
		const parameters = upscale({ download: true, options: { withoutWatermark: true } });

		test('downloads the clean file', async () => {
			const { run, sandbox } = await bench();
			const { error, items, hints } = await run([{}], parameters);
			expect(error).toBeUndefined();
			expect(hints('Kling')).toEqual([]);
			const [fetched, ...others] = sandbox.requests.filter(({ server }) => server === 'cdn');
			expect(others).toEqual([]);
			expect(fetched.path).toMatch(/^\/clean\//);
			expect(fetched.headers).not.toHaveProperty('authorization');
			expect(items('Kling')[0].binary?.data.fileName).toBe('kling-500000010-500000011.png');
			expect(sandbox.requests.find(({ path }) => path.endsWith('/assets/download'))?.query).toEqual(
				{
					workIds: '500000011',
					fileTypes: 'PNG',
				},
			);
		});

		test('falls back to the plain file and says why', async () => {
			const two = images(2);
			const { run, sandbox } = await bench({
				accounts: [{ email: 'artist@example.com', maxJobs: 5, paid: false }],
				seeds: two.seeds,
			});
			const { error, items, hints } = await run(two.items, { ...parameters, ...fromItem });
			expect(error).toBeUndefined();
			expect(items('Kling').map(({ binary }) => binary?.data.mimeType)).toEqual([
				'image/png',
				'image/png',
			]);
			expect(
				hints('Kling')
					.map(({ message }) => message)
					.sort(),
			).toEqual([
				expect.stringContaining('Item 0: the image without watermark was not available ('),
				expect.stringContaining('Item 1: the image without watermark was not available ('),
			]);
			expect(sandbox.requests.filter(({ server }) => server === 'cdn')).toHaveLength(2);
		});

		test('falls back when the clean file cannot be fetched', async () => {
			const { run, addFault } = await bench();
			addFault({ server: 'cdn', path: '/clean/', kind: 'status', status: 404 });
			const { items, hints } = await run([{}], parameters);
			expect(items('Kling')[0].binary).toBeDefined();
			expect(hints('Kling')).toHaveLength(1);
		});
	});

	test('sends what the fields say, ids as text and nothing that is empty', async () => {
		const { run, sandbox } = await bench({
			accounts: [
				{ email: 'one@example.com', maxJobs: 5 },
				{ email: 'two@example.com', maxJobs: 5 },
			],
		});
		const account = { __rl: true, mode: 'email', value: ' two@example.com ' };
		const { error, items } = await run(
			[{ task: Number(TASK_ID), image: WORK_ID }],
			upscale({
				account,
				taskId: '={{ $json.task }}',
				workId: '={{ $json.image }}',
				options: { maxJobs: 3, replyRef: 'order-7' },
			}),
		);

		expect(error).toBeUndefined();
		const [post] = sandbox.requests.filter(({ method }) => method === 'POST');
		expect(post.body).toEqual({
			task_id: TASK_ID,
			workId: WORK_ID,
			email: 'two@example.com',
			maxJobs: 3,
			replyRef: 'order-7',
		});
		expect(post.headers).toMatchObject({
			authorization: `Bearer ${sandbox.token}`,
			'content-type': 'application/json',
		});
		const look = sandbox.requests.find(({ path }) => path === '/v1/kling/tasks/500000010');
		expect(look?.query).toEqual({ email: 'two@example.com' });
		expect(items('Kling')[0].json).toMatchObject({
			account: 'two@example.com',
			replyRef: 'order-7',
		});
	});

	test('twenty items on twenty slots take about one task time, in order and linked', async () => {
		const twenty = images(20);
		const { run, sandbox, posts } = await bench({
			jobMs: 3_000,
			accounts: [{ email: 'artist@example.com', maxJobs: 20 }],
			seeds: twenty.seeds,
		});
		const startMs = Date.now();
		const { error, items } = await run(twenty.items, upscale(fromItem));
		const tookMs = Date.now() - startMs;

		expect(error).toBeUndefined();
		expect(items('Kling').map(({ pairedItem }) => pairedItem)).toEqual(
			twenty.items.map((_, item) => ({ item })),
		);
		const sentFor = items('Kling').map(({ json }) => json.taskId);
		expect(new Set(sentFor).size).toBe(20);
		expect(posts()).toBe(20);
		// One after the other would be twenty task times; the figure itself is the benchmark's to watch.
		expect(tookMs).toBeLessThan(3 * 3_000);
		expect(sandbox.peakJobs.get('artist@example.com')).toBe(20);
	});

	test('each result stands where its input item stood, whichever finishes first', async () => {
		const { items, seeds } = images(3);
		const { run, addFault } = await bench({ seeds });
		// The first task is the last to be seen finished.
		addFault({ kind: 'status', status: 503, path: '/v1/kling/tasks/500000010', times: 2 });
		const { items: out } = await run(items, upscale({ ...fromItem, output: 'raw' }));

		// The API says of every task which image it was made from.
		const madeFrom = out('Kling').map(
			({ json }) =>
				(json as { task: { taskInfo: { inputs: Array<{ fromWorkId: number }> } } }).task.taskInfo
					.inputs[0].fromWorkId,
		);
		expect(madeFrom).toEqual(items.map(({ workId }) => Number(workId)));
		expect(out('Kling').map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
	});
});

test('an account whose slots are taken does not hold up another', async () => {
	const JOB_MS = 2_000;
	const three = images(3);
	const { run, sandbox } = await bench({
		jobMs: JOB_MS,
		accounts: [
			{ email: 'busy@example.com', maxJobs: 1 },
			{ email: 'free@example.com', maxJobs: 1 },
		],
		seeds: three.seeds,
	});
	// The same image in another account is another job.
	const items = [
		...three.items.map((item) => ({ ...item, email: 'busy@example.com' })),
		{ ...three.items[0], email: 'free@example.com' },
	];
	const account = { __rl: true, mode: 'email', value: '={{ $json.email }}' };
	const { error, items: out } = await run(items, upscale({ ...fromItem, account }));

	expect(error).toBeUndefined();
	expect(out('Kling').map(({ json }) => json.account)).toEqual(items.map(({ email }) => email));
	expect(Object.fromEntries(sandbox.peakJobs)).toEqual({
		'busy@example.com': 1,
		'free@example.com': 1,
	});
	// Sent before the busy account had a slot to give.
	const posts = sandbox.requests.filter(({ method }) => method === 'POST');
	const free = posts.find(({ body }) => (body as { email: string }).email === 'free@example.com')!;
	expect(free.at - posts[0].at).toBeLessThan(JOB_MS);
}, 40_000);

describe("Don't Wait", () => {
	test('gives the submitted task and leaves the result to the Reply URL', async () => {
		const { run, looks, sandbox } = await bench();
		const { error, items } = await run(
			[{}],
			upscale({
				wait: 'none',
				replyUrl: 'http://127.0.0.1:9/webhook/kling?key=1',
				// Left over from Wait Until Finished; there is nothing to download yet.
				download: true,
			}),
		);

		expect(error).toBeUndefined();
		const [{ json, binary }] = items('Kling');
		expect(json).toMatchObject({
			taskId: '500000010',
			status: 'submitted',
			finished: false,
			images: [],
		});
		expect(json).not.toHaveProperty('imageUrl');
		expect(binary).toBeUndefined();
		expect(looks()).toBe(0);
		const [post] = sandbox.requests.filter(({ method }) => method === 'POST');
		expect(post.body).toMatchObject({ replyUrl: 'http://127.0.0.1:9/webhook/kling?key=1' });
	});

	test('a test URL as Reply URL is hinted at, once', async () => {
		const { run } = await bench();
		const production = { wait: 'none', replyUrl: 'http://127.0.0.1:9/webhook/kling' };
		expect((await run([{}], upscale(production))).hints('Kling')).toEqual([]);
		const test = { wait: 'none', replyUrl: 'http://127.0.0.1:9/webhook-test/kling' };
		expect((await run([{}, {}], upscale(test))).hints('Kling')).toEqual([
			expect.objectContaining({ message: expect.stringContaining('Production URL') }),
		]);
	});
});

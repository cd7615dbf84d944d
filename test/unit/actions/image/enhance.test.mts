import { Readable } from 'node:stream';
import type { IBinaryData, IDataObject, IHttpRequestOptions } from 'n8n-workflow';
import sharp from 'sharp';

import { advise, execute } from '../../../../nodes/Kling/actions/image/enhance.operation.ts';
import {
	FakeKling,
	lost,
	realTime,
	through,
	virtualTime,
	type ExecutionSettings,
} from '../../../support/fakes.mts';
import { nodeWith, type Fields } from '../../support/fields.mts';

/** What Enhance sends of a link or a file, and by what it knows its jobs again. What becomes of them: ../../job. */

beforeEach(virtualTime);
afterEach(realTime);

const LINK = 'https://shop.example.com/shoe.jpg';
const link = { imageSource: 'url', imageUrl: LINK, wait: 'none' };
const file = { imageSource: 'binary', wait: 'none' };
const picture = async (background: string, side = 300) =>
	await sharp({ create: { width: side, height: side, channels: 3, background } })
		.png()
		.toBuffer();

/** Every item has these files, by field; an empty one cannot be read. */
async function enhance(
	items: Fields[],
	files: Record<string, Buffer> = {},
	settings?: ExecutionSettings,
	kling = new FakeKling(),
) {
	/** The accounts that files were uploaded to. */
	const uploads: unknown[] = [];
	const node = nodeWith(kling, items, settings);
	const binary = Object.fromEntries(Object.keys(files).map((name) => [name, {} as IBinaryData]));
	node.getInputData().forEach((item) => Object.assign(item, { binary }));
	const { httpRequestWithAuthentication: request } = kling.helpers;
	Object.assign(node.helpers, {
		async httpRequestWithAuthentication(type: string, options: IHttpRequestOptions) {
			if (!options.url.endsWith('/assets/')) return await request(type, options);
			const url = `https://cdn.example.com/${uploads.push(options.qs?.email)}.png`;
			return { statusCode: 200, body: Readable.from([JSON.stringify({ url })]) };
		},
		assertBinaryData(_item: number, field: string) {
			if (!(field in files)) throw new Error('There is no file');
			return {};
		},
		async getBinaryDataBuffer(_item: number, field: string) {
			if (files[field].length === 0) throw new Error('The storage is gone');
			return files[field];
		},
	});
	return { kling, uploads, outcome: through(execute(node)) };
}

describe('an image by its link', () => {
	test.each<[Fields, IDataObject]>([
		[link, { image: LINK, resolution: '2k' }],
		[
			{ ...link, resolution: '4k', account: 'a@b.c', 'options.maxJobs': 3 },
			{ image: LINK, resolution: '4k', email: 'a@b.c', maxJobs: 3 },
		],
	])('is sent as it is: %j', async (fields, expected) => {
		const { kling, uploads, outcome } = await enhance([fields]);
		expect((await outcome)[0].json.taskId).toBe('501');
		expect([kling.posts, uploads]).toEqual([[expected], []]);
	});

	test('is what an agent has, which takes no earlier result for it', async () => {
		const agent = { node: { type: 'klingTool' } };
		const { kling, outcome } = await enhance([{ ...file, imageUrl: LINK }], {}, agent);
		await outcome;
		expect(kling.posts).toEqual([{ image: LINK, resolution: '2k' }]);
		expect(kling.count('GET scheduler')).toBe(0);
	});

	test.each([
		['', /is not a web address: ""/, /^Use a link that opens the image itself/],
		[
			'http://10.0.0.1/a.png',
			/cannot reach the 'Image URL': 10\.0\.0\.1/,
			/^Use a link that works on/,
		],
	])('must be one that useapi.net can open: %j', async (imageUrl, message, description) => {
		const kling = new FakeKling();
		const node = nodeWith(kling, [{ ...link, imageUrl }]);
		node.getCredentials = async () =>
			({ baseUrl: 'https://api.useapi.net', apiToken: 'x' }) as never;
		await expect(through(execute(node))).rejects.toMatchObject({
			message: expect.stringMatching(message) as string,
			description: expect.stringMatching(description) as string,
		});
		expect(kling.posts).toEqual([]);
	});
});

describe('a lost answer', () => {
	test('is looked up by the link', async () => {
		const { kling, outcome } = await enhance([link], {}, {}, new FakeKling('accept and lose'));
		expect((await outcome)[0].json.taskId).toBe('501');
		expect(kling.posts).toHaveLength(1);
	});

	test.each(['2k', '4k'])('is not that of a job for the other size than %s', async (resolution) => {
		const kling = new FakeKling();
		kling.api.submit = async (_operation, request) => {
			kling.posts.push(request);
			const args = { resolution: resolution === '2k' ? '4k' : '2k' };
			kling.add({ inputUrl: LINK, args, workId: undefined, type: 'new' });
			return lost;
		};
		const { outcome } = await enhance([{ ...link, resolution }], {}, {}, kling);
		await expect(outcome).rejects.toThrow('unknown');
		expect(kling.posts).toHaveLength(1);
	});
});

describe('an image in a file', () => {
	test('is uploaded to the account, and its link sent', async () => {
		const files = { data: await picture('teal') };
		const { kling, uploads, outcome } = await enhance([{ ...file, account: 'a@b.c' }], files);
		await outcome;
		expect(uploads).toEqual(['a@b.c']);
		const image = 'https://cdn.example.com/1.png';
		expect(kling.posts).toEqual([{ image, resolution: '2k', email: 'a@b.c' }]);
	});

	test.each<[string, Fields, number]>([
		['the same picture is one job, wherever it stands', { inputBinaryField: 'same' }, 1],
		['another picture is another job', { inputBinaryField: 'other' }, 2],
		['another size is another job', { resolution: '4k' }, 2],
	])('%s', async (_name, changes, jobs) => {
		const [data, other] = [await picture('teal'), await picture('red')];
		const items = [file, { ...file, ...changes }];
		const { kling, outcome } = await enhance(items, { data, same: data, other });
		await outcome;
		expect(kling.posts).toHaveLength(jobs);
	});

	test.each<[string, Fields, string, RegExp]>([
		[
			'none',
			{ inputBinaryField: 'x' },
			"The item has no file in a binary field 'x'",
			/^It has 'data', 'small', 'gone': enter one/,
		],
		[
			'one that is too small',
			{ inputBinaryField: 'small' },
			"The file in 'small' is only 299 × 299 pixels, too small for Kling (at least 300 × 300)",
			/at least 300/,
		],
		[
			'one that is lost',
			{ inputBinaryField: 'gone' },
			"The file in 'gone' cannot be read: The storage is gone",
			/^Run the node again that brings/,
		],
	])('%s is an error before anything is sent', async (_name, changes, message, description) => {
		const files = {
			data: await picture('teal'),
			small: await picture('teal', 299),
			gone: Buffer.alloc(0),
		};
		const { kling, uploads, outcome } = await enhance([file, { ...file, ...changes }], files);
		await expect(outcome).rejects.toMatchObject({
			message,
			description: expect.stringMatching(description) as string,
			context: { itemIndex: 1 },
		});
		expect([kling.posts, uploads]).toEqual([[], []]);
	});

	test('an item without any file says where one comes from', async () => {
		await expect((await enhance([file])).outcome).rejects.toMatchObject({
			message: "The item has no file in a binary field 'data'",
			description: expect.stringMatching(/^It has no files: .* 'Image Source' to 'URL'/) as string,
		});
	});
});

test.each([
	[{ ...link, imageSource: 'x' }, "'Image Source' must be one of binary, url"],
	[{ ...link, resolution: '8k' }, "'Resolution' must be one of 2k, 4k"],
	[{ ...link, output: 'images' }, "'Output' must be one of simplified, raw"],
])('what no list offers is refused: %j', async (fields, message) => {
	await expect((await enhance([fields])).outcome).rejects.toThrow(message);
});

test.each([
	[400, /^Check the image and 'Account'/, false],
	[404, /^Check 'Account': it must be/, false],
	[500, /^Often Kling could not open the image/, true],
])('what to do about an answer of %d', (status, description, forAgent) => {
	const advice = advise(status, '');
	expect(advice?.description).toMatch(description);
	expect(advice?.forAgent !== undefined).toBe(forAgent);
});

test('other answers mean what they mean everywhere', () => expect(advise(402, '')).toBeUndefined());

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { IExecuteFunctions } from 'n8n-workflow';
import sharp from 'sharp';

import { jpegSize, pngSize, readImageFile } from '../../../../nodes/Kling/job/input/imageFile.ts';

/** Which files can be sent, whatever their item says of them. */

const picture = (width: number, height: number) =>
	sharp({ create: { width, height, channels: 3, background: 'teal' } });
const png = async (width = 300, height = 301) => await picture(width, height).png().toBuffer();
const jpeg = async (width = 300, height = 301) => await picture(width, height).jpeg().toBuffer();

/** A JPEG as cameras make it: Exif with a preview, itself a JPEG, comes before the image's own frame. */
async function photo(): Promise<Buffer> {
	const own = await jpeg(640, 480);
	const preview = Buffer.concat([Buffer.from('Exif\0\0'), await jpeg(16, 12)]);
	const segment = Buffer.from([0xff, 0xff, 0xe1, 0, 0]);
	segment.writeUInt16BE(preview.length + 2, 3);
	return Buffer.concat([own.subarray(0, 2), segment, preview, own.subarray(2)]);
}

interface Storage {
	inMemory?: boolean;
	/** How many bytes are read at once. */
	chunk?: number;
}

/** n8n with a file in the field `data`, in its storage or within the item. */
function n8nWith(bytes: Buffer, { inMemory = false, chunk = 65_536 }: Storage = {}) {
	const stream = Readable.from(
		Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, i) =>
			bytes.subarray(i * chunk, (i + 1) * chunk),
		),
	);
	const n8n = {
		helpers: {
			assertBinaryData: () => ({ mimeType: 'image/webp', ...(!inMemory && { id: 'file:1' }) }),
			getBinaryStream: async () => stream,
			getBinaryDataBuffer: async () => bytes,
		},
	} as unknown as IExecuteFunctions;
	return { n8n, stream };
}

const read = async (bytes: Buffer, storage?: Storage) =>
	await readImageFile(n8nWith(bytes, storage).n8n, 0, 'data');

test.each<[string, () => Promise<Buffer>, string, Storage]>([
	['a PNG', png, 'image/png', {}],
	['a PNG in small pieces', png, 'image/png', { chunk: 7 }],
	['a JPEG in memory', jpeg, 'image/jpeg', { inMemory: true }],
	['a photo', photo, 'image/jpeg', {}],
])('%s is told by its bytes', async (_name, make, mimeType, storage) => {
	const bytes = await make();
	expect(await read(bytes, storage)).toEqual({
		field: 'data',
		mimeType,
		bytes: bytes.length,
		sha256: createHash('sha256').update(bytes).digest('hex'),
	});
});

test.each<[string, () => Promise<Buffer>, string]>([
	['WebP', async () => await picture(400, 400).webp().toBuffer(), ', but image/webp'],
	['GIF', async () => await picture(400, 400).gif().toBuffer(), ', but image/gif'],
	['HEIC', async () => Buffer.from('\0\0\0\x18ftypheic and so on'), ', but perhaps HEIC or AVIF'],
	['a text', async () => Buffer.from('Dear Sir or Madam'), ''],
	['an empty file', async () => Buffer.alloc(0), ''],
])('%s is refused, with a way out', async (_name, make, but) => {
	expect(await read(await make())).toEqual({
		reason: `is neither PNG nor JPEG${but}`,
		advice: expect.stringContaining("Edit Image node and its option 'Format'"),
	});
});

test.each([
	[299, 300],
	[300, 299],
])('%i × %i pixels are too few', async (width, height) => {
	for (const make of [png, jpeg]) {
		expect(await read(await make(width, height))).toMatchObject({
			reason: `is only ${width} × ${height} pixels, too small for Kling (at least 300 × 300)`,
		});
	}
});

test('10 MB are read, and of more no more than needed', async () => {
	const whole = Buffer.alloc(10 * 1024 * 1024);
	(await png()).copy(whole);
	expect(await read(whole)).toMatchObject({ bytes: whole.length });
	const larger = n8nWith(Buffer.concat([whole, Buffer.alloc(200_000)]));
	const told = await readImageFile(larger.n8n, 0, 'data');
	expect(told).toMatchObject({ reason: 'is larger than 10 MB' });
	expect(larger.stream.destroyed).toBe(true);
});

describe('where a size stands', () => {
	const segment = (marker: number) => Buffer.from([0xff, marker, 0, 9, 1, 2, 3, 4, 5, 6, 7]);
	/** 640 x 480. */
	const frame = (marker = 0xc0) => Buffer.from([0xff, marker, 0, 8, 8, 1, 0xe0, 2, 0x80]);
	const sizeOf = (...parts: Buffer[]) =>
		jpegSize(Buffer.concat([Buffer.from([0xff, 0xd8]), ...parts]));

	test.each([0xc0, 0xc1, 0xc2, 0xc7, 0xcf])('in a frame of the kind %i', (marker) => {
		expect(sizeOf(frame(marker))).toEqual({ width: 640, height: 480 });
	});

	test.each([0xbf, 0xc4, 0xc8, 0xcc, 0xd0, 0xe0])('behind a segment %i', (marker) => {
		expect(sizeOf(segment(marker), frame())).toEqual({ width: 640, height: 480 });
	});

	test.each([0xd9, 0xda])('nowhere behind the marker %i', (marker) => {
		expect(sizeOf(segment(marker), frame())).toBeUndefined();
	});

	test('nowhere where no marker is', () => {
		expect(sizeOf(segment(0xe0), Buffer.from('A'), frame().subarray(1))).toBeUndefined();
	});

	test('in the first chunk of a PNG, which has 24 bytes by then', async () => {
		const header = (await png()).subarray(0, 24);
		expect(pngSize(header)).toEqual({ width: 300, height: 301 });
		expect(pngSize(Buffer.from(header).fill('IDAT', 12, 16))).toBeUndefined();
	});
});

describe('a file that ends too early', () => {
	test('tells no size and does no harm, wherever it ends', async () => {
		const [image, other] = [await photo(), await png()];
		const known = jpegSize(image);
		expect(known).toEqual({ width: 640, height: 480 });
		for (let length = 0; length < 3_000; length++) {
			expect([undefined, known]).toContainEqual(jpegSize(image.subarray(0, length)));
			expect([undefined, { width: 300, height: 301 }]).toContainEqual(
				pngSize(other.subarray(0, length)),
			);
		}
	});

	test.each([
		['a PNG without its size', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
		['a JPEG without a frame', Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0])],
		['a JPEG with nothing but padding', Buffer.alloc(99, 0xff).fill(0xd8, 1, 2)],
		['a JPEG that breaks off into text', Buffer.from('\xff\xd8\xff\xe0\0\x02And so on', 'latin1')],
	])('%s is damaged', async (_name, bytes) => {
		const advice = 'Its size in pixels cannot be read.';
		expect(await read(bytes)).toEqual({ reason: 'is a damaged image', advice });
	});
});

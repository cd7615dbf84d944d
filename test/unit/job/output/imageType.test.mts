import { imageType } from '../../../../nodes/Kling/job/output/imageType.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

test.each([
	['a PNG whatever its name', '\x89PNG\r\n\x1a\n', 'https://cdn.example/a.jpg', 'image/png'],
	['a JPEG', '\xff\xd8\xff\xe0..JFIF', 'https://cdn.example/a', 'image/jpeg'],
	['a WebP', 'RIFF\x10\0\0\0WEBPVP8 ', 'https://cdn.example/a.png', 'image/webp'],
	['a GIF', 'GIF89a', 'https://cdn.example/a.png', 'image/gif'],
	['unknown bytes, one of them a <', 'hello <', 'https://cdn.example/a.png', 'image/png'],
	[
		'unknown bytes: by the name',
		'\0\0\0\x20ftypavif',
		'https://cdn.example/a.JPEG?sign=1.png',
		'image/jpeg',
	],
])('%s', (_name, head, url, mimeType) =>
	expect(imageType(bytes(head), url)?.mimeType).toBe(mimeType),
);

test.each([
	['a web page', '<!DOCTYPE html>', 'https://cdn.example/a.png'],
	['a web page after an empty line', '\n <!DOCTYPE html>', 'https://cdn.example/a.png'],
	['an error in JSON', '{"error":1}', 'https://cdn.example/a.png'],
	['an archive', 'PK\x03\x04\x14\0', 'https://cdn.example/a.png'],
	['an empty archive', 'PK\x05\x06\0\0', 'https://cdn.example/a.png'],
	['a PDF', '%PDF-1.7', 'https://cdn.example/a.png'],
	['a gzip file', '\x1f\x8b\x08', 'https://cdn.example/a.png'],
	['an empty file', '', 'https://cdn.example/a.png'],
	['neither bytes nor name tell', 'hello', 'https://cdn.example/a'],
	['a name that every object knows', 'hello', 'https://cdn.example/a.constructor'],
])('no image: %s', (_name, head, url) => expect(imageType(bytes(head), url)).toBeUndefined());

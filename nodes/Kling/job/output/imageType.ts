export interface FileType {
	extension: string;
	mimeType: string;
}

const PNG: FileType = { extension: 'png', mimeType: 'image/png' };
const JPEG: FileType = { extension: 'jpg', mimeType: 'image/jpeg' };
const WEBP: FileType = { extension: 'webp', mimeType: 'image/webp' };
const GIF: FileType = { extension: 'gif', mimeType: 'image/gif' };

/** File signatures: where they stand in the file and what they read, one character a byte. assumes: file-type */
const SIGNATURES: Array<{ type: FileType; offset: number; bytes: string }> = [
	{ type: PNG, offset: 0, bytes: '\x89PNG' },
	{ type: JPEG, offset: 0, bytes: '\xff\xd8\xff' },
	{ type: WEBP, offset: 8, bytes: 'WEBP' },
	{ type: GIF, offset: 0, bytes: 'GIF8' },
];

/** What is no image although its name may say so: a ZIP archive, a PDF, a gzip file. */
const NO_IMAGES = ['PK\x03\x04', 'PK\x05\x06', '%PDF', '\x1f\x8b'];

const BY_NAME = new Map([
	['png', PNG],
	['jpg', JPEG],
	['jpeg', JPEG],
	['webp', WEBP],
	['gif', GIF],
]);

/**
 * The type of an image by its own first bytes, else by its name; the Content-Type header cannot be trusted.
 * assumes: file-content-type
 *
 * @returns `undefined` for what is surely no image, such as an error page
 */
export function imageType(firstBytes: Uint8Array, url: string): FileType | undefined {
	const head = String.fromCharCode(...firstBytes.subarray(0, 16));
	const match = SIGNATURES.find(({ offset, bytes }) => head.startsWith(bytes, offset));
	if (match) return match.type;
	const isOther = /^\s*[<{]/.test(head) || NO_IMAGES.some((bytes) => head.startsWith(bytes));
	const extension = /\.([a-z]+)(?:[?#]|$)/i.exec(url)?.[1]?.toLowerCase() ?? '';
	return isOther || head === '' ? undefined : BY_NAME.get(extension);
}

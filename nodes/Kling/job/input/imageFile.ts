import type { IExecuteFunctions } from 'n8n-workflow';

import type { ByteStream } from '../../transport/types';
import { imageType } from '../output/imageType';

/** "at most 10 MB, each side at least 300 px" (kling-api.md, "POST /v1/kling/assets"). assumes: asset-upload */
const MAX_BYTES = 10 * 1024 * 1024;
const MIN_SIDE_PX = 300;
const SIZE_OF = { 'image/png': pngSize, 'image/jpeg': jpegSize };
/** Where HEIC, AVIF and videos have the letters "ftyp" (ISO/IEC 14496-12). */
const FTYP_AT = 4;

/** A file of an item that can be uploaded, as it was when it was read. */
export interface ImageFile {
	/** The item's binary field. */
	field: string;
	mimeType: string;
	bytes: number;
	/** In hex. */
	sha256: string;
}

/** Why a file cannot be used, and what to do about it. */
export interface UnusableFile {
	reason: string;
	advice: string;
}

/** Reads a file once and checks what useapi.net would refuse. Whatever type the item claims, its bytes count. */
export async function readImageFile(
	n8n: IExecuteFunctions,
	itemIndex: number,
	field: string,
): Promise<ImageFile | UnusableFile> {
	const bytes = await readAll(await openFile(n8n, itemIndex, field));
	if (!bytes) {
		return {
			reason: 'is larger than 10 MB',
			advice: "Make it smaller, e.g. with n8n's Edit Image node.",
		};
	}
	const mimeType = imageType(bytes, '')?.mimeType ?? 'unknown';
	if (mimeType !== 'image/png' && mimeType !== 'image/jpeg') {
		return {
			reason: `is neither PNG nor JPEG${otherType(bytes, mimeType)}`,
			advice: "Convert it to PNG first, e.g. with n8n's Edit Image node and its option 'Format'.",
		};
	}
	const size = SIZE_OF[mimeType](bytes);
	if (!size) return { reason: 'is a damaged image', advice: 'Its size in pixels cannot be read.' };
	const { width, height } = size;
	if (Math.min(width, height) < MIN_SIDE_PX) {
		return {
			// A page or a message may show nothing but the error's first line.
			reason: `is only ${width} × ${height} pixels, too small for Kling (at least ${MIN_SIDE_PX} × ${MIN_SIDE_PX})`,
			advice: `Kling takes images of at least ${MIN_SIDE_PX} pixels on each side.`,
		};
	}
	return { field, mimeType, bytes: bytes.length, sha256: await sha256(bytes) };
}

/** The file in a binary field: n8n keeps it in its storage, or within the item. @throws n8n's error when there is none */
export async function openFile(
	n8n: IExecuteFunctions,
	itemIndex: number,
	field: string,
): Promise<ByteStream | Uint8Array> {
	const { id } = n8n.helpers.assertBinaryData(itemIndex, field);
	return id
		? ((await n8n.helpers.getBinaryStream(id)) as ByteStream)
		: await n8n.helpers.getBinaryDataBuffer(itemIndex, field);
}

/** `undefined`: it is too large. */
async function readAll(file: ByteStream | Uint8Array): Promise<Buffer<ArrayBuffer> | undefined> {
	const chunks: Uint8Array[] = [];
	let length = 0;
	for await (const chunk of file instanceof Uint8Array ? [file] : file) {
		length += (chunk as Uint8Array).length;
		// To leave the loop closes the file.
		if (length > MAX_BYTES) return undefined;
		chunks.push(chunk as Uint8Array);
	}
	return Buffer.concat(chunks);
}

function otherType(bytes: Buffer, mimeType: string): string {
	if (mimeType !== 'unknown') return `, but ${mimeType}`;
	return bytes.toString('latin1', FTYP_AT, FTYP_AT + 4) === 'ftyp'
		? ', but perhaps HEIC or AVIF'
		: '';
}

const sha256 = async (bytes: Buffer<ArrayBuffer>): Promise<string> =>
	Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');

interface ImageSize {
	width: number;
	height: number;
}

/** A PNG begins with its signature and, in the first chunk, its size (PNG specification, "IHDR"). */
export function pngSize(bytes: Buffer): ImageSize | undefined {
	if (bytes.length < 24 || bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined;
	return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** Start Of Frame: C0 to CF, but for the tables among them (ITU T.81, table B.1). */
const isFrame = (marker: number) =>
	marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
/** Start Of Scan and End Of Image: a frame would have come before. */
const isLast = (marker: number) => marker === 0xda || marker === 0xd9;

/** The size of a JPEG stands in its frame, behind segments of any length, such as Exif with a preview image of its own. */
export function jpegSize(bytes: Buffer): ImageSize | undefined {
	let at = 2;
	while (at + 9 <= bytes.length && bytes[at] === 0xff) {
		const marker = bytes[at + 1];
		// Markers may be padded with further FFs.
		if (marker === 0xff) at++;
		else if (isFrame(marker)) {
			return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
		} else if (isLast(marker)) return undefined;
		else at += 2 + bytes.readUInt16BE(at + 2);
	}
	return undefined;
}

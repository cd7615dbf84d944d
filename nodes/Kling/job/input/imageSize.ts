export interface ImageSize {
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

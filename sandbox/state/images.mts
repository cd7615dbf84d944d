import sharp from 'sharp';

/** Larger pictures, made with Lanczos resampling. */

/** A photograph of many megapixels would take minutes: the long side stops here, in pixels. */
const LONGEST_SIDE_PX = 8_192;

export interface Image {
	bytes: Buffer;
	width: number;
	height: number;
}

/** In place of a picture, where none is drawn. */
export const PIXEL_PNG: Image = {
	bytes: Buffer.from(
		'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
		'base64',
	),
	width: 1,
	height: 1,
};

/** Nothing for what is no image. */
export async function inspect(file: Buffer) {
	try {
		return await sharp(file).metadata();
	} catch {
		return undefined;
	}
}

/** So many times larger along each side. */
export async function upscale(source: Buffer, scale: number): Promise<Image> {
	return await resize(source, (longSide) => Math.min(scale, LONGEST_SIDE_PX / longSide));
}

/** Sharper, with so many pixels along the long side; a larger image keeps its size. */
export async function enhance(source: Buffer, longSidePx: number): Promise<Image> {
	const sharper = await sharp(source).autoOrient().sharpen({ sigma: 1 }).png().toBuffer();
	return await resize(sharper, (longSide) => Math.max(1, longSidePx / longSide));
}

async function resize(source: Buffer, scaleFor: (longSide: number) => number): Promise<Image> {
	const { autoOrient } = await sharp(source).metadata();
	const { width, height } = autoOrient;
	const scale = scaleFor(Math.max(width, height));
	const { data, info } = await sharp(source)
		.autoOrient()
		.resize(Math.round(width * scale), Math.round(height * scale), {
			kernel: 'lanczos3',
			fit: 'fill',
		})
		.png({ compressionLevel: 6 })
		.toBuffer({ resolveWithObject: true });
	return { bytes: data, width: info.width, height: info.height };
}

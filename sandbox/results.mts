import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

/** Upscaled images, kept in memory only. The oldest go when there are too many or they are too large. */

const MOST_IMAGES = 200;
const MOST_BYTES = 512 * 1024 * 1024;
/** A photograph of many megapixels would take minutes: the long side stops here, in pixels. */
const LONGEST_SIDE_PX = 8_192;

const PIXEL = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
	'base64',
);

export interface UpscaledImage {
	width: number;
	height: number;
}

export class Results {
	private images = new Map<bigint, Buffer>();

	get(workId: bigint): Buffer | undefined {
		return this.images.get(workId);
	}

	/** Makes the image and keeps it under the new work's id. */
	async upscale(workId: bigint, source: string | Buffer, scale: number): Promise<UpscaledImage> {
		const bytes = typeof source === 'string' ? await readFile(source) : source;
		const { autoOrient: size } = await sharp(bytes).metadata();
		const factor = Math.min(scale, LONGEST_SIDE_PX / Math.max(size.width, size.height));
		const { data, info } = await sharp(bytes)
			.autoOrient()
			.resize(Math.round(size.width * factor), Math.round(size.height * factor), {
				kernel: 'lanczos3',
				fit: 'fill',
			})
			.png({ compressionLevel: 6 })
			.toBuffer({ resolveWithObject: true });
		this.keep(workId, data);
		return { width: info.width, height: info.height };
	}

	/** In place of an upscaled image. */
	keepPixel(workId: bigint): UpscaledImage {
		this.keep(workId, PIXEL);
		return { width: 1, height: 1 };
	}

	private keep(workId: bigint, image: Buffer) {
		this.images.set(workId, image);
		let bytes = [...this.images.values()].reduce((sum, { length }) => sum + length, 0);
		for (const [oldest, { length }] of this.images) {
			if (this.images.size <= MOST_IMAGES && bytes <= MOST_BYTES) return;
			if (oldest === workId) return;
			this.images.delete(oldest);
			bytes -= length;
		}
	}
}

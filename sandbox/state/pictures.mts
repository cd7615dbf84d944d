import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import sharp from 'sharp';
import type { Settings } from '../options.mts';
import { BUNDLED_PICTURES } from '../options.mts';

/** The pictures folder, read afresh at every call so that a file dropped into it appears at once. */

const EXTENSIONS = ['.jpg', '.jpeg', '.png'];
/** The bundled pictures' own ages: a checkout would otherwise make them the newest images of all. */
const BUNDLED_TIMES_MS = new Map([
	['lighthouse.jpg', Date.UTC(2025, 3, 23, 9, 30)],
	['mountain-lake.png', Date.UTC(2025, 3, 22, 16, 5)],
	['harbour-set/dawn.jpg', Date.UTC(2025, 3, 21, 5, 40)],
	['harbour-set/noon.jpg', Date.UTC(2025, 3, 21, 5, 40)],
	['harbour-set/night.jpg', Date.UTC(2025, 3, 21, 5, 40)],
]);

export interface Picture {
	/** Path below the folder, with forward slashes. */
	name: string;
	file: string;
	width: number;
	height: number;
	/** Epoch milliseconds. */
	modified: number;
}

/** A file is a set of one picture; a folder is one set of several. */
export interface PictureSet {
	name: string;
	pictures: Picture[];
}

/** Nine digits below the ids of new tasks, always the same for the same name. */
export function stableId(name: string): bigint {
	const number = createHash('sha256').update(name).digest().readUInt32BE(0);
	return BigInt(100_000_000 + (number % 400_000_000));
}

/** Stands for a picture where no file is read. */
export const PIXEL: Picture = { name: 'pixel.png', file: '', width: 1, height: 1, modified: 0 };

export class PictureFolder {
	private known = new Map<string, { stamp: string; picture?: Picture }>();

	constructor(private settings: Settings) {}

	async sets(): Promise<PictureSet[]> {
		const sets: PictureSet[] = [];
		if (this.settings.onePixel) return sets;
		for (const entry of await this.entries('')) {
			const names = entry.isDirectory()
				? (await this.entries(entry.name)).map((file) => `${entry.name}/${file.name}`)
				: [entry.name];
			const pictures = (await Promise.all(names.map((name) => this.read(name)))).filter(
				(picture) => picture !== undefined,
			);
			if (pictures.length > 0) sets.push({ name: entry.name, pictures });
		}
		return sets;
	}

	private async entries(below: string) {
		const folder = join(this.settings.picturesFolder, below);
		const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
		return entries
			.filter((entry) => !entry.name.startsWith('.'))
			.sort((a, b) => (a.name < b.name ? -1 : 1));
	}

	/** undefined for what is no picture: a broken or half-copied file is looked at again once it changes. */
	private async read(name: string): Promise<Picture | undefined> {
		if (!EXTENSIONS.includes(extname(name).toLowerCase())) return undefined;
		const file = join(this.settings.picturesFolder, name);
		const stats = await stat(file).catch(() => undefined);
		if (!stats?.isFile()) return undefined;

		const stamp = `${stats.mtimeMs} ${stats.size}`;
		const before = this.known.get(name);
		if (before?.stamp === stamp) return before.picture;

		const isBundled = this.settings.picturesFolder === BUNDLED_PICTURES;
		const bundled = isBundled ? BUNDLED_TIMES_MS.get(name) : undefined;
		const modified = bundled ?? Math.round(stats.mtimeMs);
		// autoOrient: the size as seen, for photographs that a camera stored on their side.
		const picture = await sharp(file)
			.metadata()
			.then(({ autoOrient }) => ({ name, file, modified, ...autoOrient }))
			.catch(() => undefined);
		this.known.set(name, { stamp, picture });
		return picture;
	}
}

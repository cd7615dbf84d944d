/** Uploads and results, kept in memory only. The oldest go when there are too many or they are too large. */

const MOST_FILES = 400;
const MOST_BYTES = 512 * 1024 * 1024;

interface File {
	bytes: Buffer;
	/** The account whose upload it is. */
	email?: string;
}

export class Files {
	/** By path on the CDN. */
	private files = new Map<string, File>();

	get(path: string): File | undefined {
		return this.files.get(path);
	}

	keep(path: string, file: File) {
		this.files.set(path, file);
		let bytes = [...this.files.values()].reduce((sum, one) => sum + one.bytes.length, 0);
		for (const [oldest, one] of this.files) {
			if (this.files.size <= MOST_FILES && bytes <= MOST_BYTES) return;
			if (oldest === path) return;
			this.files.delete(oldest);
			bytes -= one.bytes.length;
		}
	}
}

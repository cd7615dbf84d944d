import type { IBinaryData } from 'n8n-workflow';

import type { ByteStream } from '../../transport/responseBody';
import { unwrap, klingError } from '../../runtime/problems';
import { openFile, type OpenedFile } from '../../transport/fileClient';
import { imageType } from './imageType';
import type { Cancellation } from '../../runtime/cancellation';
import type { JobContext, Kit } from '../../runtime/context';
import { retryTransient } from '../../runtime/retry';
import { record, text, type TaskImage } from '../../tasks/task';

/** Getting a file spends nothing, so a broken transfer is tried again. */
const ATTEMPTS = 3;
const RETRY_PAUSE_MS = 1_000;
/** For the whole file: a transfer that has stalled would never end by itself. */
const TRANSFER_TIMEOUT_MS = 600_000;
/** An image of 8192 × 8192 pixels needs no more, whatever its format. A file without end would fill n8n's memory or disk. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const TOO_LARGE = { reason: 'it is larger than 256 MB', lasting: true };

export interface Download {
	image: TaskImage;
	taskId: string;
	account?: string;
	/** Ask for the file without watermark first. */
	withoutWatermark?: boolean;
	itemIndex: number;
}

type Fetched = { file: IBinaryData } | { reason: string; lasting: boolean };

/**
 * Streams an image into n8n's binary storage, named `kling-<taskId>-<workId>.<extension>`.
 *
 * @throws KlingError with the task id and the link: the image exists and can be fetched again without paying
 */
export async function downloadImage(
	this: JobContext,
	kit: Kit,
	download: Download,
): Promise<IBinaryData> {
	return await kit.downloads.run(async () => {
		const { image, taskId, itemIndex } = download;
		const clean = download.withoutWatermark && (await fetchClean.call(this, kit, download));
		if (clean) return clean;
		const fetched = await fetchFile.call(this, kit, image.url, download);
		if ('file' in fetched) return fetched.file;
		throw klingError(
			this.getNode(),
			{
				message: `The image of task ${taskId} could not be downloaded: ${fetched.reason}`,
				description:
					"The image exists and is paid for. Get it with Task → Get, this task ID and 'Download Image' turned on, or open the link in the error's details.",
				details: { taskId, imageUrl: image.url },
			},
			itemIndex,
		);
	});
}

/** The file without watermark, or `undefined` and a hint for the user when the account cannot have it. */
async function fetchClean(
	this: JobContext,
	kit: Kit,
	download: Download,
): Promise<IBinaryData | undefined> {
	const { image, account, itemIndex } = download;
	let reason = 'the image has no ID';
	const { workId } = image;
	if (workId) {
		const got = unwrap(
			await retryTransient(kit.cancellation, () => kit.api.getCleanFile(workId, account)),
		);
		if (got.trouble) reason = got.trouble.message;
		else {
			// assumes: clean-file
			const url = text(record(got.body).cdnUrl) ?? '';
			const fetched = await fetchFile.call(this, kit, url, download);
			if ('file' in fetched) return fetched.file;
			({ reason } = fetched);
		}
	}
	kit.cancellation.throwIfAborted();
	kit.hints.add(
		`Item ${itemIndex}: the image without watermark was not available (${reason}), so the standard image was downloaded.`,
	);
	return undefined;
}

async function fetchFile(
	this: JobContext,
	{ api, cancellation }: Kit,
	url: string,
	{ image, taskId }: Download,
): Promise<Fetched> {
	const stem = ['kling', taskId, ...(image.workId ? [image.workId] : [])].join('-');
	let fetched: Fetched;
	for (let attempt = 1; ; attempt++) {
		fetched = await fetchOnce.call(this, cancellation, url, api.baseUrl, stem);
		cancellation.throwIfAborted();
		if ('file' in fetched || fetched.lasting || attempt === ATTEMPTS) return fetched;
		await cancellation.sleepUntil(Date.now() + RETRY_PAUSE_MS * attempt);
	}
}

async function fetchOnce(
	this: JobContext,
	cancellation: Cancellation,
	address: string,
	baseUrl: string,
	stem: string,
): Promise<Fetched> {
	const limitMs = Date.now() + TRANSFER_TIMEOUT_MS;
	const cut = new AbortController();
	let settled = false;
	const cutOff = cancellation
		.waitFor(() => settled || Date.now() > limitMs)
		.then(() => ({ reason: 'it took too long', lasting: true }));
	const fetched = fetchAndStore.call(this, address, baseUrl, stem, cut.signal);
	// Whichever loses must not go unheard.
	cutOff.catch(() => {});
	fetched.catch(() => {});
	try {
		return await Promise.race([fetched, cutOff]);
	} catch (error) {
		return broken(error);
	} finally {
		settled = true;
		// Whatever is still under way: a file that is none, is too large, comes too late, or is not wanted any more.
		cut.abort();
	}
}

async function fetchAndStore(
	this: JobContext,
	address: string,
	baseUrl: string,
	stem: string,
	signal: AbortSignal,
): Promise<Fetched> {
	const opened = await openFile.call(this, address, baseUrl, signal);
	return 'reason' in opened ? opened : await storeFile.call(this, opened, stem);
}

async function storeFile(
	this: JobContext,
	{ stream, url }: OpenedFile,
	stem: string,
): Promise<Fetched> {
	const type = imageType(await firstBytes(stream), url);
	if (!type) return { reason: 'the link does not lead to an image', lasting: false };
	const fileName = `${stem}.${type.extension}`;
	let size = 0;
	const bounded = stream.map((chunk: Uint8Array) => {
		size += chunk.length;
		if (size > MAX_FILE_BYTES) throw new Error('too large');
		return chunk;
	});
	// Whoever reads hears of an error; one that comes when nobody reads must not end n8n.
	bounded.on('error', () => {});
	try {
		return { file: await this.helpers.prepareBinaryData(bounded, fileName, type.mimeType) };
	} catch (error) {
		return size > MAX_FILE_BYTES ? TOO_LARGE : broken(error);
	}
}

function broken(error: unknown): Fetched {
	const { code, message } = error as { code?: string; message?: string };
	return { reason: code ?? message ?? 'the connection broke', lasting: false };
}

/** Peeks: what is read is put back, so that the whole file reaches the storage. */
async function firstBytes(stream: ByteStream): Promise<Uint8Array> {
	await new Promise((resolve, reject) => {
		stream.once('readable', resolve);
		stream.once('end', resolve);
		stream.once('close', resolve);
		stream.once('error', reject);
	});
	const chunk = stream.read() as Uint8Array | null;
	if (!chunk) return new Uint8Array();
	stream.unshift(chunk);
	return chunk;
}

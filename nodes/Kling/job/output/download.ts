import type { IBinaryData } from 'n8n-workflow';

import { unwrap, klingError } from '../../runtime/problems';
import { openFile } from '../../transport/fileClient';
import { imageType } from './imageType';
import type { Context } from '../../runtime/context';
import { retryTransient } from '../../runtime/retry';
import type { TaskImage, TaskRef } from '../../tasks/task';
import { record, text } from '../../transport/json';
import type { ByteStream } from '../../transport/types';

/** Getting a file spends nothing, so a broken transfer is tried again. */
const ATTEMPTS = 3;
const RETRY_PAUSE_MS = 1_000;
/** For the whole file: a transfer that has stalled would never end by itself. */
const TRANSFER_TIMEOUT_MS = 600_000;
/** An image of 8192 × 8192 pixels needs no more, whatever its format. A file without end would fill n8n's memory or disk. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const TOO_LARGE = { reason: 'it is larger than 256 MB', lasting: true };

type Fetched = { file: IBinaryData } | { reason: string; lasting: boolean };

/**
 * Streams an image into n8n's binary storage, named `kling-<taskId>-<workId>.<extension>`.
 *
 * @param withoutWatermark ask for the file without watermark first
 * @throws KlingError with the task id and the link: the image exists and can be fetched again without paying
 */
export async function downloadImage(
	context: Context,
	image: TaskImage,
	ref: TaskRef,
	withoutWatermark = false,
): Promise<IBinaryData> {
	const { node, cancellation, hints, downloads } = context;
	const { taskId, itemIndex } = ref;
	const stem = ['kling', taskId, ...(image.workId ? [image.workId] : [])].join('-');
	return await downloads.run(async () => {
		if (withoutWatermark) {
			const clean = await fetchClean(context, image, ref, stem);
			if ('file' in clean) return clean.file;
			cancellation.throwIfAborted();
			hints.add(
				`Item ${itemIndex}: the image without watermark was not available (${clean.reason}), so the standard image was downloaded.`,
			);
		}
		const fetched = await fetchFile(context, image.url, stem);
		if ('file' in fetched) return fetched.file;
		throw klingError(
			node,
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

/** The file without watermark, which not every account can have. */
async function fetchClean(
	context: Context,
	{ workId }: TaskImage,
	{ account }: TaskRef,
	stem: string,
): Promise<Fetched> {
	const { api, cancellation } = context;
	if (!workId) return { reason: 'the image has no ID', lasting: true };
	const got = unwrap(await retryTransient(cancellation, () => api.getCleanFile(workId, account)));
	if (got.problem) return { reason: got.problem.message, lasting: true };
	// assumes: clean-file
	return await fetchFile(context, text(record(got.body).cdnUrl) ?? '', stem);
}

async function fetchFile(context: Context, url: string, stem: string): Promise<Fetched> {
	const { cancellation } = context;
	for (let attempt = 1; ; attempt++) {
		const fetched = await fetchOnce(context, url, stem);
		cancellation.throwIfAborted();
		if ('file' in fetched || fetched.lasting || attempt === ATTEMPTS) return fetched;
		await cancellation.sleepUntil(Date.now() + RETRY_PAUSE_MS * attempt);
	}
}

async function fetchOnce(context: Context, address: string, stem: string): Promise<Fetched> {
	const limitMs = Date.now() + TRANSFER_TIMEOUT_MS;
	const cut = new AbortController();
	let settled = false;
	const cutOff = context.cancellation
		.waitFor(() => settled || Date.now() > limitMs)
		.then(() => ({ reason: 'it took too long', lasting: true }));
	const fetched = fetchAndStore(context, address, stem, cut.signal);
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
	{ n8n, api }: Context,
	address: string,
	stem: string,
	signal: AbortSignal,
): Promise<Fetched> {
	const opened = await openFile(n8n, address, api.baseUrl, signal);
	if ('reason' in opened) return opened;
	const { stream, url } = opened;
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
		return { file: await n8n.helpers.prepareBinaryData(bounded, fileName, type.mimeType) };
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

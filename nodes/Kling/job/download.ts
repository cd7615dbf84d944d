import type { IBinaryData, IExecuteFunctions, IN8nHttpFullResponse } from 'n8n-workflow';

import { answerTrouble, klingError } from '../transport/errors';
import { isPrivate } from '../transport/hosts';
import { imageType } from './fileType';
import type { Halt } from './halt';
import type { JobContext, Kit } from './kit';
import type { TaskImage } from './result';

/** Node's readable stream, by way of n8n's types: a community node may not import Node's own modules. */
type FileStream = Exclude<
	Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0],
	Uint8Array
>;

/** Getting a file spends nothing, so a broken transfer is tried again. */
const ATTEMPTS = 3;
const RETRY_PAUSE_MS = 1_000;
const RESPONSE_TIMEOUT_MS = 60_000;
/** For the whole file: a transfer that has stalled would never end by itself. */
const TRANSFER_TIMEOUT_MS = 600_000;

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
	return await kit.downloads.take(async () => {
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
					'The image exists and is paid for. Fetch it with Task → Get, this task ID and Download Image switched on, or open the link in details.',
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
	if (image.workId) {
		const answer = await kit.api.getCleanFile(image.workId, account);
		if (answer.outcome !== 'answered') ({ reason } = answer);
		else if (answer.status !== 200) reason = answerTrouble(answer.status, answer.body).message;
		else {
			const { cdnUrl } = answer.body as { cdnUrl?: unknown };
			const fetched = await fetchFile.call(this, kit, String(cdnUrl), download);
			if ('file' in fetched) return fetched.file;
			({ reason } = fetched);
		}
	}
	kit.halt.check();
	kit.hints.add(
		`Item ${itemIndex}: the image without watermark was not available (${reason}), so the plain image was downloaded.`,
	);
	return undefined;
}

async function fetchFile(
	this: JobContext,
	{ api, halt }: Kit,
	url: string,
	{ image, taskId }: Download,
): Promise<Fetched> {
	const stem = ['kling', taskId, ...(image.workId ? [image.workId] : [])].join('-');
	let fetched: Fetched = { reason: 'its link is not a safe web address', lasting: true };
	if (!isFetchable(url, api.baseUrl)) return fetched;
	for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (attempt > 0) await halt.pause(Date.now() + RETRY_PAUSE_MS * attempt);
		fetched = await fetchOnce.call(this, halt, url, stem);
		halt.check();
		if ('file' in fetched || fetched.lasting) break;
	}
	return fetched;
}

/**
 * Result files are on another host than the API and need no token (kling-api.md, last paragraph), so this is the one
 * request of the package without authentication.
 */
async function fetchOnce(
	this: JobContext,
	halt: Halt,
	url: string,
	stem: string,
): Promise<Fetched> {
	let settled = false;
	try {
		const response = (await this.helpers.httpRequest({
			method: 'GET',
			url,
			encoding: 'stream',
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			timeout: RESPONSE_TIMEOUT_MS,
			abortSignal: halt.cancelSignal,
		})) as IN8nHttpFullResponse;
		const stream = response.body as FileStream;
		const { statusCode: status } = response;
		if (status !== 200) {
			stream.destroy();
			return { reason: `the server answered with HTTP ${status}`, lasting: status < 500 };
		}
		const limitMs = Date.now() + TRANSFER_TIMEOUT_MS;
		// Ends the transfer when it takes too long, or when there is a reason to stop.
		const cutOff = halt
			.until(() => settled || Date.now() > limitMs)
			.finally(() => settled || stream.destroy())
			.then(() => ({ reason: 'it took too long', lasting: true }));
		const stored = storeFile.call(this, stream, url, stem);
		// Whichever loses must not go unheard.
		stored.catch(() => {});
		return await Promise.race([stored, cutOff]);
	} catch (error) {
		const { code, message } = error as { code?: string; message?: string };
		return { reason: code ?? message ?? 'the connection broke', lasting: false };
	} finally {
		settled = true;
	}
}

async function storeFile(
	this: JobContext,
	stream: FileStream,
	url: string,
	stem: string,
): Promise<Fetched> {
	const type = imageType(await firstBytes(stream), url);
	if (!type) {
		stream.destroy();
		return { reason: 'the link does not lead to an image', lasting: false };
	}
	const fileName = `${stem}.${type.extension}`;
	return { file: await this.helpers.prepareBinaryData(stream, fileName, type.mimeType) };
}

/** Peeks: what is read is put back, so that the whole file reaches the storage. */
async function firstBytes(stream: FileStream): Promise<Uint8Array> {
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

/** From a public API only public https addresses; a local one (the sandbox) may serve its files from nearby. */
function isFetchable(url: string, baseUrl: string): boolean {
	if (!URL.canParse(url)) return false;
	const { protocol } = new URL(url);
	return isPrivate(baseUrl)
		? protocol === 'https:' || protocol === 'http:'
		: protocol === 'https:' && !isPrivate(url);
}

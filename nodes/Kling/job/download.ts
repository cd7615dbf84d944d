import type { IBinaryData, IExecuteFunctions, IN8nHttpFullResponse } from 'n8n-workflow';

import { klingError } from '../transport/errors';
import type { Batch } from './batch';
import { imageType } from './fileType';
import type { TaskImage } from './result';

/** Node's readable stream, by way of n8n's types: a community node may not import Node's own modules. */
type FileStream = Exclude<
	Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0],
	Uint8Array
>;

/** A few at a time: more would not be faster and would fill n8n's memory where it keeps files there. */
const MAX_PARALLEL_DOWNLOADS = 4;
/** Getting a file spends nothing, so a broken transfer is tried again. */
const ATTEMPTS = 3;
const RETRY_PAUSE_MS = 1_000;
const RESPONSE_TIMEOUT_MS = 60_000;

/**
 * Streams an image into n8n's binary storage, named `kling-<taskId>-<workId>.<extension>`.
 *
 * Result files are on another host than the API and need no token (kling-api.md, last paragraph), so this is the one
 * request of the package without authentication.
 *
 * @throws KlingError with the task id and the link: the image exists and can be fetched again without paying
 */
export async function downloadImage(
	this: IExecuteFunctions,
	batch: Batch,
	image: TaskImage,
	taskId: string,
	itemIndex: number,
): Promise<IBinaryData> {
	const { halt, downloads } = batch;
	const { url } = image;
	const fail = (reason: string) =>
		klingError(
			this.getNode(),
			{
				message: `The image of task ${taskId} could not be downloaded: ${reason}`,
				description:
					'The image exists and is paid for. Fetch it with Task → Get, this task ID and Download Image switched on, or open the link in details.',
				details: { taskId, imageUrl: url },
			},
			itemIndex,
		);
	if (!isFetchable(url, batch.api.baseUrl)) throw fail('its link is not a safe web address');

	await halt.until(() => downloads.active < MAX_PARALLEL_DOWNLOADS);
	downloads.active++;
	try {
		let reason = 'no answer';
		for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
			await halt.pause(attempt === 0 ? 0 : Date.now() + RETRY_PAUSE_MS * attempt);
			const outcome = await fetchOnce.call(this, image, taskId);
			halt.check();
			if ('file' in outcome) return outcome.file;
			({ reason } = outcome);
			if (outcome.lasting) break;
		}
		throw fail(reason);
	} finally {
		downloads.active--;
	}
}

async function fetchOnce(
	this: IExecuteFunctions,
	{ url, workId }: TaskImage,
	taskId: string,
): Promise<{ file: IBinaryData } | { reason: string; lasting: boolean }> {
	try {
		const response = (await this.helpers.httpRequest({
			method: 'GET',
			url,
			encoding: 'stream',
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			timeout: RESPONSE_TIMEOUT_MS,
			abortSignal: this.getExecutionCancelSignal(),
		})) as IN8nHttpFullResponse;
		const stream = response.body as FileStream;
		const { statusCode: status } = response;
		if (status !== 200) {
			stream.destroy();
			return { reason: `the server answered with HTTP ${status}`, lasting: status < 500 };
		}
		const type = imageType(await firstBytes(stream), url);
		if (!type) {
			stream.destroy();
			return { reason: 'the link does not lead to an image', lasting: false };
		}
		const name = ['kling', taskId, ...(workId ? [workId] : [])].join('-');
		const fileName = `${name}.${type.extension}`;
		return { file: await this.helpers.prepareBinaryData(stream, fileName, type.mimeType) };
	} catch (error) {
		const { code, message } = error as { code?: string; message?: string };
		return { reason: code ?? message ?? 'the connection broke', lasting: false };
	}
}

/** Peeks: what is read is put back, so that the whole file reaches the storage. */
async function firstBytes(stream: FileStream): Promise<Uint8Array> {
	await new Promise((resolve, reject) => {
		stream.once('readable', resolve);
		stream.once('end', resolve);
		stream.once('error', reject);
	});
	const chunk = stream.read() as Uint8Array | null;
	if (!chunk) return new Uint8Array();
	stream.unshift(chunk);
	return chunk;
}

/** Only https from a public API; a local API (the sandbox) may serve its files over plain http. */
function isFetchable(url: string, baseUrl: string): boolean {
	try {
		const { protocol } = new URL(url);
		return protocol === 'https:' || (protocol === 'http:' && baseUrl.startsWith('http:'));
	} catch {
		return false;
	}
}

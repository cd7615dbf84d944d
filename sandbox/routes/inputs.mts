import { relative } from 'node:path';
import type { Outcome } from '../options.mts';
import type { Context } from '../state/context.mts';
import { ApiError } from '../state/context.mts';
import { inspect, PIXEL_PNG } from '../state/images.mts';
import { outcomeFrom } from '../state/sources.mts';
import { readCdn, workAt } from './cdn.mts';

/** The image behind a link, as Kling would fetch it; here from this computer only. */

const TIMEOUT_MS = 10_000;
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

export interface Input {
	bytes: Buffer;
	outcome: Outcome;
}

/** assumes: enhance-cannot-fetch, asset-own-account */
export async function fetchInput(context: Context, link: string, email: string): Promise<Input> {
	const { onePixel, enhance, picturesFolder } = context.settings;
	const url = new URL(link);
	const isOwn = url.origin === context.cdnUrl;
	const owner = isOwn ? context.files.get(url.pathname)?.email : undefined;
	if (owner && owner !== email) throw unreachable('it belongs to another account');
	const work = isOwn ? await workAt(context, url.pathname) : undefined;
	const name = work?.file ? relative(picturesFolder, work.file) : url.pathname;
	const outcome = enhance ?? outcomeFrom(name);
	if (onePixel) return { bytes: PIXEL_PNG.bytes, outcome };
	const bytes = isOwn ? await readCdn(context, url.pathname) : await fetchFrom(url);
	if (!bytes || !(await inspect(bytes))) throw unreachable('it is no image');
	return { bytes, outcome };
}

async function fetchFrom(url: URL): Promise<Buffer> {
	if (!LOOPBACK.includes(url.hostname)) throw unreachable('it is not on this computer');
	try {
		const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
		if (response.ok) return Buffer.from(await response.arrayBuffer());
		throw new Error(`HTTP ${response.status}`);
	} catch (error) {
		throw unreachable((error as Error).message);
	}
}

function unreachable(why: string) {
	const error = `The image cannot be fetched: ${why}`;
	return new ApiError(500, { error, message: 'Service busy' });
}

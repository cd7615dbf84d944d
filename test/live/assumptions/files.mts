// The image files.
import { imageType } from '../../../nodes/Kling/job/output/imageType.ts';
import { isPrivate } from '../../../nodes/Kling/transport/hosts.ts';
import { need, test, unseen } from '../assumption.mts';
import type { Live } from '../live.mts';

/** How a file begins. Without the token: files are on another host. */
async function fetchFile(url: string): Promise<{ status: number; header: string; type?: string }> {
	const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
	const reader = response.body?.getReader();
	const type = imageType((await reader?.read())?.value ?? new Uint8Array(), '')?.mimeType;
	await reader?.cancel();
	return { status: response.status, header: response.headers.get('content-type') ?? '', type };
}

const linkOf = async (live: Live): Promise<string> => (await live.source()).work.resource.resource;

async function sourceFile(live: Live) {
	const file = await fetchFile(await linkOf(live));
	return file.status === 200 ? file : unseen(`the file is an HTTP ${file.status}`);
}

async function cleanLink(live: Live): Promise<string> {
	const { status, body } = await live.cleanFile();
	need(status === 200, 'needs a paid Kling plan');
	return body.cdnUrl;
}

test('file-host (T): result files are on another host than the API', async (live) =>
	expect(new URL(await linkOf(live)).host).not.toBe(new URL(live.options.baseUrl).host));
test('file-without-token (T): result files need no token', async (live) =>
	expect((await fetchFile(await linkOf(live))).status).toBe(200));
test('file-content-type (T): the Content-Type of a result file cannot be trusted', async (live) => {
	const { header, type } = await sourceFile(live);
	need(!header.startsWith(type ?? 'no image'), 'it was right this time, which proves nothing');
	expect(type).toBeDefined();
});
test('file-type (own): the first bytes of a result file tell its type: PNG, JPEG, WebP or GIF', async (live) => {
	expect((await sourceFile(live)).type).toBeDefined();
	const result = live.options.spend ? (await live.paid()).final?.works?.[0] : undefined;
	if (result) expect((await fetchFile(result.resource.resource)).type).toBeDefined();
});
test('file-https (own): links of a public API are https addresses on the internet', async (live) => {
	const link = await linkOf(live);
	need(!isPrivate(live.options.baseUrl), 'this API is not a public one');
	expect([new URL(link).protocol, isPrivate(link)]).toEqual(['https:', false]);
});
test('clean-file (D): GET /v1/kling/assets/download answers with a cdnUrl', async (live) =>
	expect(await cleanLink(live)).toMatch(/^https?:/));
test('clean-file-is-image (D): one workId with one file type gives the file itself, not a .zip', async (live) => {
	const { status, type } = await fetchFile(await cleanLink(live));
	need(status === 200, `the file is an HTTP ${status}`);
	expect(type).toBeDefined();
});

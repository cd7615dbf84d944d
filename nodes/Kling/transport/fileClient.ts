import type { IExecuteFunctions, IN8nHttpFullResponse, IWebhookFunctions } from 'n8n-workflow';

import { isPrivate } from './hosts';
import type { ByteStream } from './types';

/** A file can be asked for again, so a server that does not begin to answer is given up early. */
const RESPONSE_TIMEOUT_MS = 30_000;
/** More than any sensible server needs; the next one would be a circle. */
const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

export interface OpenedFile {
	stream: ByteStream;
	/** Where it was found at last. */
	url: string;
}

/** `lasting`: to ask again would bring nothing else. */
export interface NoFile {
	reason: string;
	lasting: boolean;
}

/**
 * Opens a result file. These are on another host than the API and need no token, so this is the one request of the package
 * without authentication. assumes: file-host, file-without-token
 *
 * Redirects are followed by hand, since each of their addresses is checked: from a public API only public https addresses
 * are fetched, or whoever names them could have n8n look into its own network.
 *
 * @param baseUrl the API's address: a local one (the sandbox) may serve its files from nearby
 * @param signal ends the transfer too; to destroy the stream would not, where the server is silent
 * @throws what keeps the connection from coming about
 */
export async function openFile(
	n8n: IExecuteFunctions | IWebhookFunctions,
	address: string,
	baseUrl: string,
	signal: AbortSignal,
): Promise<OpenedFile | NoFile> {
	let url = address;
	for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
		if (!isFetchable(url, baseUrl)) {
			const what = redirects === 0 ? 'its link is' : 'its link redirects to an address that is';
			return { reason: `${what} not a safe web address`, lasting: true };
		}
		const unwanted = new AbortController();
		const response = (await n8n.helpers.httpRequest({
			method: 'GET',
			url,
			encoding: 'stream',
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			disableFollowRedirect: true,
			timeout: RESPONSE_TIMEOUT_MS,
			abortSignal: AbortSignal.any([signal, unwanted.signal]),
		})) as IN8nHttpFullResponse;
		const { statusCode: status, headers } = response;
		if (status === 200) return { stream: response.body as ByteStream, url };
		unwanted.abort();
		const { location } = headers;
		if (!REDIRECTS.includes(status) || typeof location !== 'string') {
			const lasting = status < 500 && status !== 429;
			return { reason: `the server answered with HTTP ${status}`, lasting };
		}
		// Relative to where it comes from (RFC 9110, "Location"). What is no address is refused in the next round.
		url = URL.canParse(location, url) ? new URL(location, url).href : location;
	}
	return { reason: 'its link redirects too often', lasting: true };
}

/** assumes: file-https */
function isFetchable(url: string, baseUrl: string): boolean {
	if (!URL.canParse(url)) return false;
	const { protocol } = new URL(url);
	return isPrivate(baseUrl)
		? protocol === 'https:' || protocol === 'http:'
		: protocol === 'https:' && !isPrivate(url);
}

import type {
	IDataObject,
	IHttpRequestMethods,
	IHttpRequestOptions,
	IN8nHttpFullResponse,
} from 'n8n-workflow';

import { CREDENTIAL, forget, readCredential, sharedCredential } from './credential';
import type { Credential } from './credential';
import { parseJson, readText, type Read } from './json';
import type {
	ApiFunctions,
	ApiResult,
	ByteStream,
	FileContent,
	PaidOperation,
	PaidRequest,
} from './types';

/** A GET can be asked again, so a slow one is given up early. assumes: read-time */
const READ_TIMEOUT_MS = 30_000;
/** A POST may spend credits and cannot be asked again, so it gets as long as n8n gives any request. assumes: post-time */
const SUBMIT_TIMEOUT_MS = 300_000;
/** For 10 MB on a slow line. It spends nothing, so it is tried again. */
const UPLOAD_TIMEOUT_MS = 120_000;

/** A shorter text is no token, and may stand in an answer by chance. */
const MIN_TOKEN_LENGTH = 8;
/** Longer texts are no sentence for a user. */
const MAX_WORDS_LENGTH = 300;

/**
 * Failures that can only come before a request is sent: no connection, no such host, no trust in the certificate. Others,
 * such as EHOSTUNREACH, also befall a connection that is in use; they count only when they came while connecting.
 */
const UNSENT =
	/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ERR_INVALID_URL|ERR_INVALID_CHAR|ERR_TLS_.*|CERT_.*|.*SELF_SIGNED.*|UNABLE_TO_.*)$/;

/** n8n refuses addresses that its administrator does not allow, before anything is sent (n8n 2.41, backend-network/ssrf). */
const REFUSED_BY_N8N = /^SsrfBlocked/;

/** The calls of the useapi.net Kling API that this package makes. They reject only when n8n has no credential to use. */
export interface KlingApi {
	/** Result files of a public API must not be fetched from plain http; a local one (sandbox) may serve them so. */
	readonly baseUrl: string;
	getAccounts(): Promise<ApiResult>;
	/** With its balance (kling-api.md, "Credits"). */
	getAccount(email: string): Promise<ApiResult>;
	getTask(taskId: string, email?: string): Promise<ApiResult>;
	getTasks(query: IDataObject): Promise<ApiResult>;
	/** The jobs that run now, over all accounts (kling-api.md, "Around it"): an array of `{ id, email, … }`. */
	getRunningJobs(): Promise<ApiResult>;
	/** How many jobs each account runs and can still take (kling-api.md, "Around it"). */
	getFreeSlots(): Promise<ApiResult>;
	/** The file of an image without watermark, "for paid Kling plans" (kling-api.md, "Around it"): `{ cdnUrl }`. */
	getCleanFile(workId: string, email?: string): Promise<ApiResult>;
	/** Permanently, with all works of the task (kling-api.md, "Around it"): `{ deleted, workIds }`. */
	deleteTask(taskId: string, email?: string): Promise<ApiResult>;
	/** To this account only, "costs nothing" (kling-api.md, "POST /v1/kling/assets"): `{ url }`. */
	upload(file: FileContent, email?: string): Promise<ApiResult>;
	/** Spends credits: see `job/submission/submit.ts` for when it may be called. */
	submit(operation: PaidOperation, request: PaidRequest): Promise<ApiResult>;
}

export const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** @throws NodeOperationError, see `readCredential` */
export async function connect(n8n: ApiFunctions): Promise<KlingApi> {
	const startedMs = Date.now();
	const isCall = 'getResponseObject' in n8n;
	let credential = isCall ? await sharedCredential(n8n) : await readCredential(n8n);
	const forAccount = (email?: string): IDataObject => (email ? { email } : {});
	const call = async (path: string, options: CallOptions) =>
		await request(n8n, { ...options, url: `${credential.baseUrl}${path}` }, credential);
	const read = async (path: string, qs: IDataObject = {}) => {
		const options = { method: 'GET', qs, timeout: READ_TIMEOUT_MS } as const;
		// That of this request: another may read the credential anew meanwhile.
		const { token, baseUrl, readAtMs } = credential;
		const result = await call(path, options);
		if (!isCall || (result.outcome === 'answered' && isSuccess(result.status))) return result;
		forget(n8n, readAtMs);
		if (readAtMs >= startedMs) return result;
		credential = await sharedCredential(n8n);
		const isSame = credential.token === token && credential.baseUrl === baseUrl;
		return isSame ? result : await call(path, options);
	};

	return {
		baseUrl: credential.baseUrl,
		getAccounts: () => read('/v1/kling/accounts'),
		getAccount: (email) => read(`/v1/kling/accounts/${encodeURIComponent(email)}`),
		getTask: (taskId, email) =>
			read(`/v1/kling/tasks/${encodeURIComponent(taskId)}`, forAccount(email)),
		getTasks: (query) => read('/v1/kling/tasks', query),
		getRunningJobs: () => read('/v1/kling/scheduler'),
		getFreeSlots: () => read('/v1/kling/scheduler/available'),
		getCleanFile: (workId, email) =>
			// One workId with one file type gives the file itself, anything else a .zip. assumes: clean-file-is-image
			read('/v1/kling/assets/download', {
				...forAccount(email),
				workIds: workId,
				fileTypes: 'PNG',
			}),
		deleteTask: (taskId, email) =>
			call(`/v1/kling/tasks/${encodeURIComponent(taskId)}`, {
				method: 'DELETE',
				qs: forAccount(email),
				timeout: READ_TIMEOUT_MS,
			}),
		upload: ({ content, mimeType, bytes }, email) =>
			call('/v1/kling/assets/', {
				method: 'POST',
				qs: forAccount(email),
				headers: { 'Content-Type': mimeType, 'Content-Length': bytes },
				body: content,
				timeout: UPLOAD_TIMEOUT_MS,
			}),
		submit: (operation, body) =>
			call(`/v1/kling/images/${operation}`, {
				method: 'POST',
				headers: { 'Content-Type': 'application/json' },
				body: JSON.stringify(body),
				timeout: SUBMIT_TIMEOUT_MS,
			}),
	};
}

/** `timeout` in ms, for the whole answer. */
type CallOptions = Omit<IHttpRequestOptions, 'url'> & {
	method: IHttpRequestMethods;
	timeout: number;
};

async function request(
	n8n: ApiFunctions,
	options: CallOptions & { url: string },
	{ token, data }: Credential,
): Promise<ApiResult> {
	// A call that n8n waits for is over soon, so the credential is not read again. An execution may be long, and a token
	// may be renewed meanwhile.
	const known = 'getExecutionCancelSignal' in n8n ? undefined : data;
	const untilMs = Date.now() + options.timeout;
	let response: IN8nHttpFullResponse;
	try {
		response = (await n8n.helpers.httpRequestWithAuthentication.call(
			n8n,
			CREDENTIAL,
			{
				...options,
				// To be read within bounds, and as text: n8n's own parser rounds ids past 2^53.
				encoding: 'stream',
				returnFullResponse: true,
				// Statuses are answers, not exceptions; it also keeps n8n from sending a request twice on a 401.
				ignoreHttpStatusErrors: true,
				// n8n would send the token along to wherever the redirect points. assumes: no-redirect
				disableFollowRedirect: true,
			},
			known && { credentialsDecrypted: { id: '', name: '', type: CREDENTIAL, data: known } },
		)) as IN8nHttpFullResponse;
	} catch (error) {
		return failure(error);
	}
	let read: Read;
	try {
		read = await readText(response.body as ByteStream, untilMs);
	} catch (error) {
		// An answer had begun, so the request was sent, whatever the error looks like.
		read = { reason: failure(error).reason };
	}
	if ('reason' in read) return { outcome: 'lost', ...read };
	const text = withoutToken(read.text, token);
	const body = parseJson(text);
	const { statusCode: status } = response;
	// assumes: json
	if (isSuccess(status) && (typeof body !== 'object' || body === null)) {
		return { outcome: 'lost', reason: 'the answer was cut off or is not JSON' };
	}
	return {
		outcome: 'answered',
		status,
		body: body ?? plainWords(text),
		retryAfterMs: retryAfterMs(response.headers?.['retry-after']),
	};
}

/** Whoever repeats the token in an answer, in "Invalid token …" perhaps, must not bring it into outputs and errors. */
function withoutToken(text: string, token: string): string {
	return token.length < MIN_TOKEN_LENGTH ? text : text.replaceAll(token, '[API token]');
}

/** Some refusals are plain text, e.g. "Configuration not found."; a gateway's web page says nothing to a user. */
function plainWords(text: string): { error: string } | undefined {
	const words = text.trim();
	return words === '' || words.startsWith('<') || words.length > MAX_WORDS_LENGTH
		? undefined
		: { error: words };
}

/**
 * n8n wraps network errors once or more; the code that tells them apart stands somewhere along `cause`. Old versions of n8n
 * (2.8) drop the cause and keep nothing but the code, as `httpCode`.
 */
function failure(error: unknown): Exclude<ApiResult, { outcome: 'answered' }> {
	let reason = 'no answer';
	for (let cause = error, depth = 0; cause && depth < 6; depth++) {
		const {
			name = '',
			httpCode,
			code = httpCode,
			syscall,
			cause: next,
		} = cause as {
			name?: string;
			code?: string;
			httpCode?: unknown;
			syscall?: string;
			cause?: unknown;
		};
		if (REFUSED_BY_N8N.test(name)) {
			return { outcome: 'unsent', reason: "n8n's protection against SSRF refuses this address" };
		}
		if (typeof code === 'string') {
			reason = code;
			if (UNSENT.test(code) || syscall === 'connect' || syscall === 'getaddrinfo') {
				return { outcome: 'unsent', reason };
			}
		}
		cause = next;
	}
	return { outcome: 'lost', reason };
}

/** Retry-After is a number of seconds or a date (RFC 9110). */
function retryAfterMs(header: unknown): number | undefined {
	if (typeof header !== 'string' || header.trim() === '') return undefined;
	const seconds = Number(header);
	const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
	return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

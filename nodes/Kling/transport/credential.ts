import type { ICredentialDataDecryptedObject, IWebhookFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { isPrivate } from './hosts';
import type { ApiFunctions } from './types';

export const CREDENTIAL = 'useApiNetApi';

/** How old the credential of a webhook call may be. */
const SHARED_MS = 5_000;

export interface Credential {
	/** Without a slash at its end. */
	baseUrl: string;
	token: string;
	/** As n8n has decrypted it. */
	data: ICredentialDataDecryptedObject;
	/** Epoch ms. */
	readAtMs: number;
}

const readings = new Map<string, { atMs: number; credential: Promise<Credential> }>();

/** `https://api.useapi.net/`, `…/v1` and `…/v1/` all mean `https://api.useapi.net`. */
export function normalizeBaseUrl(baseUrl: unknown): string {
	return String(baseUrl ?? '')
		.trim()
		.replace(/\/+(v1\/*)?$/, '');
}

/** @throws NodeOperationError when the node has no credential (n8n's own), or one that would send the token unencrypted */
export async function readCredential(
	n8n: ApiFunctions,
	readAtMs = Date.now(),
): Promise<Credential> {
	const data = await n8n.getCredentials(CREDENTIAL);
	const baseUrl = normalizeBaseUrl(data.baseUrl);
	if (!baseUrl.startsWith('https:') && !isPrivate(baseUrl)) {
		throw new NodeOperationError(n8n.getNode(), "'Base URL' must start with https://", {
			description:
				"Without https the API token would go through the internet unencrypted. Correct the 'Base URL' of the credential. Nothing was sent.",
		});
	}
	return { baseUrl, token: String(data.apiToken ?? '').trim(), data, readAtMs };
}

/**
 * The credential for a webhook call, read once for all calls of a workflow that come close together. Each time n8n reads
 * one outside an execution it starts an expression engine of its own (n8n 2.41, credentials-helper.js), a quarter of
 * what it cost to resume an execution.
 *
 * @throws NodeOperationError, as `readCredential`
 */
export async function sharedCredential(n8n: IWebhookFunctions): Promise<Credential> {
	const key = keyOf(n8n);
	if (key === undefined) return await readCredential(n8n);
	const nowMs = Date.now();
	for (const [other, { atMs }] of readings) {
		if (atMs < nowMs - SHARED_MS || atMs > nowMs) readings.delete(other);
	}
	let reading = readings.get(key);
	if (!reading) {
		reading = { atMs: nowMs, credential: readCredential(n8n, nowMs) };
		readings.set(key, reading);
		// The next call tries again.
		void reading.credential.catch(() => forget(n8n, nowMs));
	}
	return await reading.credential;
}

/** For when the API does not answer well: a user may have mended the credential since it was read. */
export function forget(n8n: IWebhookFunctions, readAtMs: number): void {
	const key = keyOf(n8n);
	if (key !== undefined && readings.get(key)?.atMs === readAtMs) readings.delete(key);
}

/**
 * What makes n8n read the same: without a user's identity in the execution it looks at nothing but the workflow, how it
 * was started, and the credential (n8n 2.41, dynamic-credential.service.js). `undefined` when it may read something else.
 */
function keyOf(n8n: IWebhookFunctions): string | undefined {
	if (!('getExecutionContext' in n8n) || n8n.getExecutionContext()?.credentials) return undefined;
	const workflow = n8n.getWorkflow().id;
	const credential = n8n.getNode().credentials?.[CREDENTIAL]?.id;
	return workflow && credential ? JSON.stringify([workflow, n8n.getMode(), credential]) : undefined;
}

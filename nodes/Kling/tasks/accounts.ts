import type { IDataObject } from 'n8n-workflow';

import { oddAnswer, unwrap, vendorText, type Problem } from '../runtime/problems';
import { isoTime, numberOf, record, text, withoutEmpty } from '../transport/json';
import type { ApiResult } from '../transport/types';
import { creditsOf } from './task';

/** A Kling account that is connected to useapi.net. Never holds its session or its password. */
export interface KlingAccount extends IDataObject {
	email: string;
	/** In Kling credits; told only where the balance was asked for. */
	credits?: number;
	/** The most jobs that it runs at once. */
	maxJobs?: number;
	/** What the credits are made of, and when each part expires (ISO 8601). */
	plan?: Array<{ type?: string; credits?: number; expiresAt?: string }>;
	/** What useapi.net says is wrong with the account. n8n takes an item with a field `error` for a failed one. */
	vendorError?: string;
}

/** Reads an entry of GET /accounts, or the answer of GET /accounts/{email}, which has the balance too. */
export function parseAccount(entry: unknown, email: string): KlingAccount {
	const { maxJobs, balance, error } = record(entry);
	const { total, points } = record(balance);
	const plan = Array.isArray(points) ? points.map(record) : undefined;
	return withoutEmpty({
		email,
		credits: creditsOf(total),
		maxJobs: typeof maxJobs === 'number' ? maxJobs : undefined,
		// assumes: points-times
		plan: plan?.map(({ type, balance: left, endTime }) =>
			withoutEmpty({
				type: text(type),
				credits: creditsOf(left),
				expiresAt: isoTime(numberOf(endTime)),
			}),
		),
		vendorError: text(error),
	});
}

/** What GET /accounts told. assumes: accounts-by-email, no-account */
export function readAccounts(
	result: ApiResult,
): { accounts: KlingAccount[]; problem?: undefined } | { accounts?: undefined; problem: Problem } {
	// "404 when no Kling account is connected" (kling-api.md, "Around it").
	if (result.outcome === 'answered' && result.status === 404) {
		const said = vendorText(result.body) ?? 'nothing';
		return { problem: { ...NO_ACCOUNT, description: `useapi.net says: "${said}". ${CONNECT}` } };
	}
	const got = unwrap(result);
	if (got.problem) return { problem: got.problem };
	const entries = Object.entries(record(got.body));
	const accounts = entries.filter(([key]) => key.includes('@'));
	if (accounts.length === 0 && entries.length > 0) {
		return { problem: oddAnswer('The answer of useapi.net is not a list of accounts') };
	}
	return { accounts: accounts.map(([email, entry]) => parseAccount(entry, email)) };
}

const NO_ACCOUNT = { message: 'No Kling account is connected to useapi.net yet', httpCode: '404' };
const CONNECT = 'Connect your Kling account there, then try again.';

import { parseAccount, readAccounts } from '../../../nodes/Kling/tasks/accounts.ts';
import { answered, lost } from '../../support/fakes.mts';

/** What is read from the API's answers about accounts, whatever may be missing in them. */

const EMAIL = 'a@example.com';
const END_MS = Date.UTC(2030, 0, 31);

test.each<[string, unknown, object]>([
	['nothing', undefined, {}],
	['its limit', { maxJobs: 5 }, { maxJobs: 5 }],
	['a limit that is none', { maxJobs: 'five' }, {}],
	['hundredths of a credit', { balance: { total: 5_650 } }, { credits: 56.5 }],
	['none left', { balance: { total: 0, points: [] } }, { credits: 0, plan: [] }],
	['no number', { balance: { total: {}, points: 'none' } }, {}],
	[
		'parts',
		{ balance: { points: [{ type: 'plan', balance: 100, endTime: END_MS }, null] } },
		{ plan: [{ type: 'plan', credits: 1, expiresAt: '2030-01-31T00:00:00.000Z' }, {}] },
	],
	['what is wrong', { error: 'Session expired' }, { vendorError: 'Session expired' }],
	['what nobody may see', { password: 'secret', session: { token: 'secret' } }, {}],
])('an account that tells %s', (_name, entry, told) => {
	expect(parseAccount(entry, EMAIL)).toEqual({ email: EMAIL, ...told });
});

test('accounts are the keys that are emails', () => {
	const body = { [EMAIL]: { maxJobs: 1 }, total: 1 };
	expect(readAccounts(answered(200, body))).toEqual({ accounts: [{ email: EMAIL, maxJobs: 1 }] });
	expect(readAccounts(answered(200, {}))).toEqual({ accounts: [] });
});

test.each([
	['no account', answered(404, { error: 'None' }), 'No Kling account is connected', /"None"/],
	['none, in silence', answered(404, undefined), 'No Kling account is connected', /"nothing"/],
	['another list', answered(200, { jobs: [] }), 'not a list of accounts', /'Base URL'/],
	['a refusal', answered(401, {}), 'API token', /credential/],
	['nothing', lost, 'no usable answer', /again/],
])('%s is a problem', (_name, result, message, next) => {
	const { problem } = readAccounts(result);
	expect(problem?.message).toContain(message);
	expect(problem?.description).toMatch(next);
});

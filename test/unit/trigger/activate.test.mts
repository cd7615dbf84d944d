import type { IHookFunctions } from 'n8n-workflow';

import { assertReady } from '../../../nodes/Kling/trigger/activate.ts';
import { n8nWith } from '../../support/fakes.mts';

/** What keeps a person from publishing a workflow with Kling Trigger. */

async function publish(
	mode: string,
	answer: { statusCode: number; text: string } | Error,
	account = '',
) {
	let calls = 0;
	const context = n8nWith<IHookFunctions>(
		{
			node: { name: 'My Trigger', type: 'klingTrigger' },
			parameters: { account },
			serve() {
				calls++;
				return answer;
			},
		},
		{ getActivationMode: () => mode },
	);
	const error = await assertReady(context).then(
		() => undefined,
		(reason: Error & { description: string }) => reason,
	);
	return { error, calls };
}
const accounts = (...emails: string[]) => ({
	statusCode: 200,
	text: JSON.stringify(Object.fromEntries(emails.map((email) => [email, {}]))),
});
const refused = { statusCode: 401, text: '{"error":"No"}' };

test.each(['activate', 'create', 'update', 'manual'])('by a person (%s): asks', async (mode) => {
	const { error, calls } = await publish(mode, refused);
	expect(calls).toBe(1);
	expect(error?.message).toBe('The API token was refused');
});

test.each(['init', 'leadershipChange'])('by n8n itself (%s): does not', async (mode) => {
	expect(await publish(mode, refused)).toEqual({ error: undefined, calls: 0 });
});

test('without a subscription is told', async () => {
	const { error } = await publish('manual', { statusCode: 402, text: '{}' });
	expect(error?.message).toBe('There is no active useapi.net subscription');
});

test('with several accounts and none chosen names them, and what to do', async () => {
	const { error } = await publish('manual', accounts('a@b.c', 'd@e.f', 'note'));
	expect(error?.message).toMatch(/^Choose an 'Account' in "My Trigger", since several/);
	expect(error?.description).toMatch(
		/Connected accounts: a@b\.c, d@e\.f\. Use one Kling Trigger for each/,
	);
});

test.each<[string, Parameters<typeof publish>[1], string?]>([
	['one account', accounts('a@b.c')],
	['one account and what is none', accounts('a@b.c', 'note')],
	['an account chosen', accounts('a@b.c', 'd@e.f'), 'a@b.c'],
	['the API being down', { statusCode: 503, text: '{"a@b":1,"c@d":2}' }],
	['no connection', new Error('no')],
	['a refusal of another kind', { statusCode: 404, text: '' }],
])('%s hinders nobody', async (_name, answer, ...[account]) => {
	expect(await publish('manual', answer, account)).toEqual({ error: undefined, calls: 1 });
});

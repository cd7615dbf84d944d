import type { IHookFunctions } from 'n8n-workflow';

import { answerProblem, klingError } from '../runtime/problems';
import { readAccounts } from '../tasks/accounts';
import { connect } from '../transport/client';
import { readAccount } from './parameters';

/** n8n activates workflows also by itself, at every start: nobody would read an error, and callbacks would be lost. */
const BY_A_PERSON = ['activate', 'create', 'update', 'manual'];

/**
 * Tells a person who publishes or tests the workflow what would keep it from ever starting. Only a clear answer of the
 * API counts: one that is down or slow must not hinder anybody.
 *
 * @throws KlingError when the token is refused, when there is no subscription, or when Account has to be filled in
 */
export async function assertReady(n8n: IHookFunctions): Promise<void> {
	if (!BY_A_PERSON.includes(n8n.getActivationMode())) return;
	const api = await connect(n8n);
	const result = await api.getAccounts();
	if (result.outcome !== 'answered') return;
	const { status, body } = result;
	if (status === 401 || status === 402) {
		throw klingError(n8n.getNode(), answerProblem(status, body));
	}
	const { accounts = [] } = readAccounts(result);
	const emails = accounts.map(({ email }) => email);
	if (emails.length > 1 && !readAccount(n8n)) {
		throw klingError(n8n.getNode(), {
			// n8n shows the message alone when a workflow is published, so it says what to do.
			message: `Choose an 'Account' in "${n8n.getNode().name}", since several Kling accounts are connected to useapi.net`,
			description: `Without it no task can be read. Connected accounts: ${emails.join(', ')}. Use one Kling Trigger for each account.`,
		});
	}
}

import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import type { Context } from '../../runtime/context';
import { klingError, unwrap } from '../../runtime/problems';
import { retryTransient } from '../../runtime/retry';
import { runItems } from '../../runtime/runItems';
import { parseAccount, type KlingAccount } from '../../tasks/accounts';
import { accountField, showFor } from '../fields';
import { Parameters } from '../parameters';

export const description: INodeProperties[] = showFor('account', 'get', [
	{
		...accountField,
		required: true,
		description: 'The Kling account, as it is connected to useapi.net',
		builderHint: {
			propertyHint: 'Without a known email use operation "getAll" with withBalance instead.',
		},
	},
]);

/** Gets the balance of every item's account. Spends nothing. */
export async function execute(n8n: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const read = (itemIndex: number) =>
		new Parameters(n8n, itemIndex).requiredAccount("Choose one from the list, or use 'Get Many'.");
	return await runItems(n8n, read, async (context, email, item) => [
		{ json: await getAccount(context, email, item), pairedItem: { item } },
	]);
}

/** An account with its balance. @throws KlingError */
export async function getAccount(
	{ api, cancellation, node }: Context,
	email: string,
	itemIndex: number,
): Promise<KlingAccount> {
	const got = unwrap(await retryTransient(cancellation, async () => await api.getAccount(email)));
	if (!got.problem) return parseAccount(got.body, email);
	const isUnknown = got.problem.httpCode === '404';
	throw klingError(node, isUnknown ? unknownAccount(email) : got.problem, itemIndex);
}

const unknownAccount = (email: string) => ({
	message: `The Kling account ${email} is not connected to useapi.net`,
	description:
		"Choose an 'Account' from the list. Account → Get Many shows all that are connected.",
	httpCode: '404',
});

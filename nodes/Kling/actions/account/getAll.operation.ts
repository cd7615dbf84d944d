import type {
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	INodeProperties,
} from 'n8n-workflow';

import type { Context } from '../../runtime/context';
import { klingError, unwrap } from '../../runtime/problems';
import { retryTransient } from '../../runtime/retry';
import { runItems } from '../../runtime/runItems';
import { readAccounts } from '../../tasks/accounts';
import { record, records, text } from '../../transport/json';
import { showFor } from '../fields';
import { Parameters } from '../parameters';
import { getAccount } from './get.operation';

export const description: INodeProperties[] = showFor('account', 'getAll', [
	{
		displayName: 'Include Balance',
		name: 'withBalance',
		type: 'boolean',
		default: false,
		description:
			'Whether to get the credits of each account too, which takes one more request per account',
	},
]);

/** Lists the accounts once for every item. Spends nothing. */
export async function execute(n8n: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const read = (itemIndex: number) =>
		new Parameters(n8n, itemIndex).flag('withBalance', 'Include Balance');
	return await runItems(n8n, read, listAccounts);
}

async function listAccounts(
	context: Context,
	withBalance: boolean,
	item: number,
): Promise<INodeExecutionData[]> {
	const { api, cancellation, node } = context;
	const read = readAccounts(await retryTransient(cancellation, api.getAccounts));
	if (read.problem) throw klingError(node, read.problem, item);
	const slots = await slotsByAccount(context);
	return await Promise.all(
		read.accounts.map(async (listed) => {
			const account = withBalance ? await getAccount(context, listed.email, item) : listed;
			return { json: { ...listed, ...account, ...slots.get(listed.email) }, pairedItem: { item } };
		}),
	);
}

/** How many jobs each account runs, and how many more it would; empty where the API does not tell. assumes: scheduler-available */
async function slotsByAccount({ api, cancellation }: Context): Promise<Map<string, IDataObject>> {
	const got = unwrap(await retryTransient(cancellation, api.getFreeSlots));
	const { available } = record(got.problem ? undefined : got.body);
	return new Map(
		records(available).map(({ email, executing, available: free }) => [
			text(email) ?? '',
			{
				...(typeof executing === 'number' && { running: executing }),
				...(typeof free === 'number' && { free }),
			},
		]),
	);
}

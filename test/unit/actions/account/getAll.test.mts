import { execute } from '../../../../nodes/Kling/actions/account/getAll.operation.ts';
import type { ApiResult } from '../../../../nodes/Kling/transport/types.ts';
import {
	answered,
	FakeKling,
	lost,
	realTime,
	through,
	virtualTime,
} from '../../../support/fakes.mts';
import { nodeWith, type Fields } from '../../support/fields.mts';

/** Lists the connected accounts, with what else the API tells of them. */

beforeEach(virtualTime);
afterEach(realTime);

interface Answers {
	accounts?: ApiResult;
	balance?: ApiResult;
	slots?: ApiResult;
}

function getAll(
	{
		accounts = answered(200, { 'a@b.c': { maxJobs: 5 }, 'd@e.f': { error: 'Session expired' } }),
		balance = answered(200, { maxJobs: 7, balance: { total: 100 } }),
		slots = answered(404, {}),
	}: Answers = {},
	...items: Fields[]
) {
	const kling = new FakeKling();
	const asked: string[] = [];
	kling.api.getAccounts = async () => accounts;
	kling.api.getAccount = async (email) => (asked.push(email), balance);
	kling.api.getFreeSlots = async () => slots;
	const node = nodeWith(kling, items.length > 0 ? items : [{}]);
	return { asked, outcome: through(execute(node)) };
}
const jsonOf = async (answers: Answers, fields: Fields = {}) =>
	(await getAll(answers, fields).outcome).map(({ json }) => json);

test('one item for each account, for every input item', async () => {
	const { asked, outcome } = getAll({}, {}, {});
	const [first, second] = [
		{ email: 'a@b.c', maxJobs: 5 },
		{ email: 'd@e.f', vendorError: 'Session expired' },
	];
	expect(await outcome).toEqual([
		{ json: first, pairedItem: { item: 0 } },
		{ json: second, pairedItem: { item: 0 } },
		{ json: first, pairedItem: { item: 1 } },
		{ json: second, pairedItem: { item: 1 } },
	]);
	expect(asked).toEqual([]);
});

test('with balances, which are asked for one by one', async () => {
	const { asked, outcome } = getAll({}, { withBalance: true });
	expect((await outcome).map(({ json }) => json)).toEqual([
		{ email: 'a@b.c', maxJobs: 7, credits: 1 },
		{ email: 'd@e.f', maxJobs: 7, credits: 1, vendorError: 'Session expired' },
	]);
	expect(asked).toEqual(['a@b.c', 'd@e.f']);
});

const entry = (slots: object) => answered(200, { available: [{ email: 'a@b.c', ...slots }] });

test.each<[string, ApiResult, object]>([
	['how many run and are free', entry({ executing: 2, available: 3 }), { running: 2, free: 3 }],
	['none of either', entry({ executing: 0, available: 0 }), { running: 0, free: 0 }],
	['no numbers', entry({ executing: 'two' }), {}],
	[
		'other accounts',
		answered(200, { available: [null, {}, { email: 'x@y.z', executing: 2 }] }),
		{},
	],
	['no list', answered(200, { available: 'all' }), {}],
	['nothing', answered(401, { available: [{ email: 'a@b.c', executing: 2 }] }), {}],
])('with their job slots, where the API tells %s', async (_name, slots, expected) => {
	const [first] = await jsonOf({ slots });
	expect(first).toEqual({ email: 'a@b.c', maxJobs: 5, ...expected });
});

test('none at all is no error', async () => {
	expect(await jsonOf({ accounts: answered(200, {}) })).toEqual([]);
});

test.each<[string, Answers, Fields, string]>([
	[
		'accounts that cannot be listed',
		{ accounts: answered(401, {}) },
		{},
		'The API token was refused',
	],
	['no answer that lasts', { accounts: lost }, {}, 'useapi.net gave no usable answer (ECONNRESET)'],
	[
		'a balance that cannot be had',
		{ balance: answered(404, {}) },
		{ withBalance: true },
		'The Kling account a@b.c is not connected to useapi.net',
	],
	[
		'a field that is neither on nor off',
		{},
		{ withBalance: 'x' },
		`'Include Balance' must be true or false, but is "x"`,
	],
])('%s: an error of the item', async (_name, answers, fields, message) => {
	await expect(getAll(answers, fields).outcome).rejects.toMatchObject({
		message,
		context: { itemIndex: 0 },
	});
});

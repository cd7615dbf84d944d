import { execute } from '../../../../nodes/Kling/actions/account/get.operation.ts';
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

/** Gets the balance of accounts. */

beforeEach(virtualTime);
afterEach(realTime);

/** An API that gives these answers in turn; the last one stays. */
function get(items: Fields[], ...answers: ApiResult[]) {
	const kling = new FakeKling();
	const asked: string[] = [];
	kling.api.getAccount = async (email) => {
		asked.push(email);
		return answers.length > 1 ? answers.shift()! : answers[0];
	};
	return { asked, outcome: through(execute(nodeWith(kling, items))) };
}
const rich = answered(200, { balance: { total: 5_650 } });

test('each item’s account, with its balance', async () => {
	const { asked, outcome } = get([{ account: 'a@b.c' }, { account: ' d@e.f ' }], rich);
	expect(await outcome).toEqual([
		{ json: { email: 'a@b.c', credits: 56.5 }, pairedItem: { item: 0 } },
		{ json: { email: 'd@e.f', credits: 56.5 }, pairedItem: { item: 1 } },
	]);
	expect(asked).toEqual(['a@b.c', 'd@e.f']);
});

test('an answer that may pass is waited for', async () => {
	const { asked, outcome } = get([{ account: 'a@b.c' }], answered(503, {}), lost, rich);
	expect(await outcome).toHaveLength(1);
	expect(asked).toHaveLength(3);
});

test.each<[string, ApiResult, string, RegExp]>([
	[
		'that is not connected',
		answered(404, { error: 'Configuration not found.' }),
		'The Kling account a@b.c is not connected to useapi.net',
		/^Choose an 'Account' from the list/,
	],
	['that may not be read', answered(401, {}), 'The API token was refused', /credential/],
])('one %s', async (_name, answer, message, description) => {
	await expect(get([{ account: 'a@b.c' }], answer).outcome).rejects.toMatchObject({
		message,
		description: expect.stringMatching(description) as string,
		context: { itemIndex: 0 },
	});
});

test('an item without an account is an error before anything is asked', async () => {
	const { asked, outcome } = get([{ account: 'a@b.c' }, {}], rich);
	await expect(outcome).rejects.toMatchObject({
		message: "'Account' is empty",
		description: expect.stringMatching(/^Choose one from the list, or use 'Get Many'\./) as string,
	});
	expect(asked).toEqual([]);
});

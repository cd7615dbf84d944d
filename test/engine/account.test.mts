import { bench } from './support/kling.mts';

/** Credits and free job slots of the connected Kling accounts. */

const emails = ['a@example.com', 'b@example.com'];
const accounts = emails.map((email) => ({ email, maxJobs: 3 }));
const of = (value: string) => ({ __rl: true, mode: 'email', value });
const getAccount = { resource: 'account', operation: 'get', account: of('={{ $json.email }}') };
const getAccounts = { resource: 'account', operation: 'getAll' };

test('an account tells its credits, what they are made of, and nothing secret', async () => {
	const { run } = await bench({ accounts });
	const { error, items } = await run([{ email: 'a@example.com' }], getAccount);
	expect(error).toBeUndefined();
	const [{ json, pairedItem }] = items('Kling');
	expect(pairedItem).toEqual({ item: 0 });
	expect(Object.keys(json)).toEqual(['email', 'credits', 'maxJobs', 'plan']);
	expect(json).toMatchObject({ email: 'a@example.com', maxJobs: 3 });
	const plan = json.plan as Array<{ type: string; credits: number; expiresAt: string }>;
	expect(plan.reduce((sum, { credits }) => sum + credits, 0)).toBe(json.credits);
	for (const part of plan) expect(part.expiresAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
	expect(JSON.stringify(json)).not.toMatch(/session|password|secured|user12345/);
});

test('all accounts come with their free slots, and with credits where they are asked for', async () => {
	const { run, sandbox } = await bench({ accounts });
	const { items } = await run([{}], getAccounts);
	expect(items('Kling').map(({ json }) => json)).toEqual(
		emails.map((email) => ({ email, maxJobs: 3, running: 0, free: 3 })),
	);
	expect(sandbox.requests.map(({ path }) => path)).toEqual([
		'/v1/kling/accounts',
		'/v1/kling/scheduler/available',
	]);
	const withBalance = await run([{}], { ...getAccounts, withBalance: true });
	for (const { json } of withBalance.items('Kling')) expect(json.credits).toBeGreaterThan(0);
});

test('an account that is not connected is an error of its item that says where to look', async () => {
	const { run } = await bench({ accounts });
	const inputs = [{ email: 'c@example.com' }, { email: 'b@example.com' }];
	const { items } = await run(inputs, getAccount, { onError: 'continueRegularOutput' });
	const [unknown, known] = items('Kling').map(({ json }) => json);
	expect(unknown.error).toBe('The Kling account c@example.com is not connected to useapi.net');
	expect(unknown.details).toEqual({ httpCode: '404' });
	expect(known.email).toBe('b@example.com');
});

test('without an account nothing is asked', async () => {
	const { run, sandbox } = await bench();
	const { error } = await run([{}], getAccount);
	expect(error?.message).toBe("'Account' is empty");
	expect(sandbox.requests).toEqual([]);
});

test('where no account is connected, the error says so', async () => {
	const { run } = await bench({ accounts: [] });
	const { error } = await run([{}], getAccounts);
	expect(error?.message).toBe('No Kling account is connected to useapi.net yet');
});

test('the list comes also where the API does not tell of free slots', async () => {
	const { run, addFault } = await bench({ accounts });
	addFault({ kind: 'json', path: '/v1/kling/scheduler/available', body: {} });
	const { items } = await run([{}], getAccounts);
	expect(items('Kling').map(({ json }) => json)).toEqual(
		emails.map((email) => ({ email, maxJobs: 3 })),
	);
});

import type { IHookFunctions } from 'n8n-workflow';

import { Kling } from '../../nodes/Kling/Kling.node.ts';
import { KlingTrigger } from '../../nodes/Kling/KlingTrigger.node.ts';
import { FakeExecution, FakeKling, n8nWith } from '../support/fakes.mts';

/** What n8n finds on the nodes themselves. */

test.each([Kling, KlingTrigger])('the lists that fields offer are there, and no others', (Node) => {
	const { description, methods } = new Node();
	const named = JSON.stringify(description.properties).matchAll(/"searchListMethod":"(\w+)"/g);
	const wanted = new Set([...named].map(([, name]) => name));
	expect(new Set(Object.keys(methods.listSearch))).toEqual(wanted);
});

test('the trigger has nothing to find or to remove at useapi.net', async () => {
	const { checkExists, delete: remove } = new KlingTrigger().webhookMethods.default;
	const n8n = {} as IHookFunctions;
	expect([await checkExists.call(n8n), await remove.call(n8n)]).toEqual([false, true]);
});

test('Kling answers a call, and says which operation it does not have', async () => {
	const { context } = new FakeExecution(new FakeKling()).webhook({}, []);
	expect(await new Kling().webhook.call(context)).toEqual({ noWebhookResponse: true });
	const n8n = n8nWith({ parameters: { resource: 'video', operation: 'upscale' } });
	await expect(new Kling().execute.call(n8n)).rejects.toThrow(
		'The operation "upscale" of "video" does not exist',
	);
});

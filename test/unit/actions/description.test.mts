import type { INodeType } from 'n8n-workflow';

import { Kling } from '../../../nodes/Kling/Kling.node.ts';
import { KlingTrigger } from '../../../nodes/Kling/KlingTrigger.node.ts';

/** What a description promises by name is there: n8n finds it out only when somebody opens the field. */

const namesIn = (value: unknown): string[] =>
	[...JSON.stringify(value).matchAll(/"searchListMethod":"(\w+)"/g)].map(([, name]) => name);

test.each<[string, INodeType, string[]]>([
	['Kling', new Kling(), ['searchAccounts', 'searchImages', 'searchTasks']],
	['Kling Trigger', new KlingTrigger(), ['searchAccounts']],
])('every list of %s has its method, and no method is left over', (_name, node, methods) => {
	const wanted = [...new Set(namesIn(node.description.properties))].sort();
	expect(wanted).toEqual(methods);
	expect(Object.keys(node.methods!.listSearch!).sort()).toEqual(methods);
});

test('the trigger has nothing to register at useapi.net, and nothing to remove', async () => {
	const { checkExists, delete: remove } = new KlingTrigger().webhookMethods.default;
	expect(await checkExists.call({} as never)).toBe(false);
	expect(await remove.call({} as never)).toBe(true);
});

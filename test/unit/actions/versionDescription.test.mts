import type { INode, INodeType } from 'n8n-workflow';
import { NodeHelpers } from 'n8n-workflow';

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

test.each<[string, boolean, object, string[]]>([
	['a file', false, { imageSource: 'binary' }, ['imageSource', 'inputBinaryField']],
	['a link', false, { imageSource: 'url' }, ['imageSource', 'imageUrl']],
	['as a tool', true, { imageSource: 'binary' }, ['imageUrl']],
])('Enhance asks for its image once: %s', (_name, isTool, source, expected) => {
	const { description } = new Kling();
	const name = isTool ? `${description.name}Tool` : description.name;
	const values = { resource: 'image', operation: 'enhance', ...source };
	const shown = description.properties.filter((property) =>
		NodeHelpers.displayParameter(values, property, {} as INode, { ...description, name }),
	);
	const names = shown.map((property) => property.name);
	expect(names.filter((one) => /^(image|input)/.test(one))).toEqual(expected);
	expect(names).toContain('resolution');
});

test('only Upscale has Reuse Earlier Result', () => {
	const operations = new Kling().description.properties
		.filter(({ name, options }) => name === 'options' && options?.some((o) => o.name === 'reuse'))
		.map(({ displayOptions }) => displayOptions?.show?.operation);
	expect(operations).toEqual([['upscale']]);
});

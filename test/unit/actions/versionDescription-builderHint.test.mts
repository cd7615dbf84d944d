import type { INodeProperties, INodeTypeDescription } from 'n8n-workflow';

import { Kling } from '../../../nodes/Kling/Kling.node.ts';
import { KlingTrigger } from '../../../nodes/Kling/KlingTrigger.node.ts';

/** What n8n's own AI workflow builder is told must be true of the nodes: it has nothing else to go by. */

const nodes = [new Kling().description, new KlingTrigger().description];

const hintsOf = (description: INodeTypeDescription): string[] => [
	description.builderHint?.searchHint ?? '',
	...(description.builderHint?.relatedNodes ?? []).map(({ relationHint }) => relationHint),
	...allProperties(description.properties).map(
		({ builderHint }) => builderHint?.propertyHint ?? '',
	),
];
const allProperties = (properties: INodeProperties[]): INodeProperties[] =>
	properties.flatMap((property) => [
		property,
		...(property.type === 'collection' ? allProperties(property.options as INodeProperties[]) : []),
	]);

/** Names of fields and of resource locators' modes, and values of options. */
const known = new Set(
	nodes.flatMap(({ properties }) =>
		allProperties(properties).flatMap(({ name, modes = [], type, options = [] }) => [
			name,
			...modes.map((mode) => mode.name),
			...(type === 'options' || type === 'multiOptions'
				? options.map((option) => String((option as { value: unknown }).value))
				: []),
		]),
	),
);
/** A value of another node: n8n's Remove Duplicates. */
const FOREIGN = 'removeItemsSeenInPreviousExecutions';

test.each(nodes)('$displayName tells the builder when to use it', ({ builderHint }) => {
	expect(builderHint?.searchHint).toMatch(/\.$/);
	expect(builderHint?.relatedNodes?.length).toBeGreaterThan(0);
});

test('every value that a hint names in quotes is one that the nodes have', () => {
	const named = nodes.flatMap(hintsOf).flatMap((hint) => [...hint.matchAll(/"([^"]+)"/g)]);
	expect(named.length).toBeGreaterThan(10);
	for (const [, value] of named) {
		if (value !== FOREIGN) expect([value, known.has(value)]).toEqual([value, true]);
	}
});

test('the fields that a builder would fill in wrong have a hint', () => {
	const withHint = (description: INodeTypeDescription) =>
		new Set(
			allProperties(description.properties).flatMap(({ name, builderHint }) =>
				builderHint ? [name] : [],
			),
		);
	expect([...withHint(nodes[0])].sort()).toEqual(
		['account', 'download', 'replyUrl', 'taskId', 'wait', 'workId'].sort(),
	);
});

// What is not mutated: descriptions of fields, i.e. the objects that n8n's editor draws. n8n's lint checks their form, and
// test/e2e looks at them in a real editor; a unit test could only repeat them word by word.
const TYPES = [
	'INodeProperties',
	'INodeTypeDescription',
	'IWebhookDescription',
	'TriggerPanelDefinition',
	'Icon',
];

/** The names in a type annotation, e.g. INodeProperties of `INodeProperties[]`. */
function namesIn(node) {
	if (!node || typeof node !== 'object') return [];
	if (Array.isArray(node)) return node.flatMap(namesIn);
	if (node.type === 'Identifier') return [node.name];
	return ['typeAnnotation', 'elementType', 'typeName', 'objectType']
		.map((key) => node[key])
		.flatMap(namesIn);
}

const typeOf = (node) => (node.type === 'VariableDeclarator' ? node.id : node).typeAnnotation;

const isDescription = ({ node }) =>
	['VariableDeclarator', 'ClassProperty'].includes(node.type) &&
	namesIn(typeOf(node)).some((name) => TYPES.includes(name));

export const strykerPlugins = [
	{
		kind: 'Ignore',
		name: 'descriptions',
		value: {
			shouldIgnore: (path) => (isDescription(path) ? 'It describes a field.' : undefined),
		},
	},
];

import type { INodeProperties, INodePropertyOptions, NodeParameterValue } from 'n8n-workflow';
import { updateDisplayOptions } from 'n8n-workflow';

/** The fields that operations share. Names and defaults are fixed by what users' workflows hold on to. */

export const accountField: INodeProperties = {
	displayName: 'Account',
	name: 'account',
	type: 'resourceLocator',
	default: { mode: 'list', value: '' },
	description:
		'The Kling account to use. Only needed with several accounts connected to useapi.net.',
	builderHint: { propertyHint: 'Leave it empty unless the user names an account.' },
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			placeholder: 'Only needed with several accounts',
			typeOptions: { searchListMethod: 'searchAccounts', searchable: true },
		},
		{
			displayName: 'By Email',
			name: 'email',
			type: 'string',
			placeholder: 'e.g. nathan@example.com',
		},
	],
};

export const taskField: INodeProperties = {
	displayName: 'Task',
	name: 'taskId',
	type: 'resourceLocator',
	default: { mode: 'list', value: '' },
	required: true,
	description: 'The Kling task, e.g. the one that made the image',
	builderHint: {
		propertyHint: `Mode "id" with an expression, e.g. expr('{{ $json.taskId }}') after a Kling node that lists or gets tasks. IDs are digits; never make one up.`,
	},
	typeOptions: { loadOptionsDependsOn: ['account.value'] },
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			placeholder: 'Choose a task…',
			typeOptions: { searchListMethod: 'searchTasks', searchable: true },
		},
		{
			displayName: 'By ID',
			name: 'id',
			type: 'string',
			placeholder: 'e.g. 123456789',
			validation: [
				{
					type: 'regex',
					properties: { regex: '^\\s*\\d+\\s*$', errorMessage: 'A task ID is made of digits only' },
				},
			],
		},
	],
};

export const imageField: INodeProperties = {
	displayName: 'Image',
	name: 'workId',
	type: 'resourceLocator',
	default: { mode: 'list', value: '' },
	required: true,
	description: 'The image in that task. useapi.net calls its ID workId.',
	builderHint: {
		propertyHint: `Mode "id" with an expression, e.g. expr('{{ $json.workId }}') after a Kling node with output "images". IDs are digits; never make one up.`,
	},
	typeOptions: { loadOptionsDependsOn: ['account.value', 'taskId.value'] },
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			placeholder: 'Choose an image…',
			typeOptions: { searchListMethod: 'searchImages', searchable: true },
		},
		{
			displayName: 'By ID',
			name: 'id',
			type: 'string',
			placeholder: 'e.g. 987654321',
			validation: [
				{
					type: 'regex',
					properties: {
						regex: '^\\s*\\d+\\s*$',
						errorMessage: 'An image ID is made of digits only',
					},
				},
			],
		},
	],
};

export const IMAGES: INodePropertyOptions = {
	name: 'Images',
	value: 'images',
	description: 'One item per image, ready to be upscaled',
};
export const RAW: INodePropertyOptions = {
	name: 'Raw',
	value: 'raw',
	description: 'The complete response from useapi.net',
};
export const SIMPLIFIED: INodePropertyOptions = {
	name: 'Simplified',
	value: 'simplified',
	description: 'Status, image links and IDs',
};

export const outputField = (...options: INodePropertyOptions[]): INodeProperties => ({
	displayName: 'Output',
	name: 'output',
	type: 'options',
	default: 'simplified',
	options,
});

export const downloadFields: INodeProperties[] = [
	{
		displayName: 'Download Image',
		name: 'download',
		type: 'boolean',
		default: false,
		description: 'Whether to put the image file into the output, not only the link to it',
		builderHint: {
			propertyHint:
				'Turn it on when a later node saves, sends or shows the file; without it there are only links.',
		},
		// An agent cannot take files; it gets the link.
		displayOptions: { hide: { '@tool': [true] } },
	},
	{
		displayName: 'Put Output File in Field',
		name: 'binaryPropertyName',
		type: 'string',
		default: 'data',
		required: true,
		placeholder: 'e.g. data',
		hint: 'The name of the output field to put the file in',
		displayOptions: { show: { download: [true] }, hide: { '@tool': [true] } },
	},
];

export const pollIntervalOption: INodeProperties = {
	displayName: 'Poll Interval (Seconds)',
	name: 'pollInterval',
	type: 'number',
	default: 5,
	typeOptions: { minValue: 1 },
	description:
		'Seconds between two status checks. Without this option the pause starts short and grows with the time waited.',
};

export const reuseOption: INodeProperties = {
	displayName: 'Reuse Earlier Result',
	name: 'reuse',
	type: 'boolean',
	default: false,
	description:
		'Whether to take an earlier task of the same image that is running or has succeeded, from any workflow or from kling.ai, instead of paying for a new one. The output then has <code>reused: true</code>.',
	// As a tool it is always on: an agent remembers nothing between two messages.
	displayOptions: { hide: { '@tool': [true] } },
};

export const timeoutOption: INodeProperties = {
	displayName: 'Time Limit (Seconds)',
	name: 'timeout',
	type: 'number',
	default: 600,
	typeOptions: { minValue: 1 },
	description:
		'How long to wait for the task to finish. A task that takes longer continues at Kling and can be fetched later.',
};

export const withoutWatermarkOption: INodeProperties = {
	displayName: 'Without Watermark',
	name: 'withoutWatermark',
	type: 'boolean',
	default: false,
	description:
		'Whether to download the file without watermark. Needs a paid Kling plan; without one the standard file is downloaded.',
	displayOptions: { show: { '/download': [true] }, hide: { '@tool': [true] } },
};

/** @param show when to show it, if not always */
export const optionsField = (
	options: INodeProperties[],
	show?: Record<string, NodeParameterValue[]>,
): INodeProperties => ({
	displayName: 'Options',
	name: 'options',
	type: 'collection',
	placeholder: 'Add option',
	default: {},
	...(show && { displayOptions: { show } }),
	options,
});

export const operationField = (
	resource: string,
	defaultOperation: string,
	options: INodePropertyOptions[],
): INodeProperties => ({
	displayName: 'Operation',
	name: 'operation',
	type: 'options',
	noDataExpression: true,
	displayOptions: { show: { resource: [resource] } },
	default: defaultOperation,
	options,
});

/** Shows the fields for one operation only. */
export const showFor = (resource: string, operation: string, fields: INodeProperties[]) =>
	updateDisplayOptions({ show: { resource: [resource], operation: [operation] } }, fields);

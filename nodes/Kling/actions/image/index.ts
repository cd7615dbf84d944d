import type { INodeProperties } from 'n8n-workflow';

import * as upscale from './upscale.operation';

export { upscale };

export const description: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['image'] } },
		default: 'upscale',
		options: [
			{
				name: 'Upscale',
				value: 'upscale',
				action: 'Upscale image',
				description: 'Make a larger version of an image from a finished Kling task',
			},
		],
	},
	...upscale.description,
];

import type { INodeProperties } from 'n8n-workflow';

import { operationField } from '../fields';
import * as enhance from './enhance.operation';
import * as upscale from './upscale.operation';

export { enhance, upscale };

export const description: INodeProperties[] = [
	operationField('image', 'upscale', [
		{
			name: 'Enhance',
			value: 'enhance',
			action: 'Enhance image',
			description:
				'Make a larger, sharper version of any image, from a file or a link. 2K costs 1 credit, 4K costs 2.',
		},
		{
			name: 'Upscale',
			value: 'upscale',
			action: 'Upscale image',
			description: 'Make a larger version of an image from a finished Kling task',
		},
	]),
	...enhance.description,
	...upscale.description,
];

import type { INodeProperties } from 'n8n-workflow';

import { operationField } from '../fields';
import * as get from './get.operation';
import * as getAll from './getAll.operation';

export { get, getAll };

export const description: INodeProperties[] = [
	operationField('account', 'get', [
		{
			name: 'Get',
			value: 'get',
			action: 'Get account',
			description: 'Get the credits that a Kling account has left, and when they expire',
		},
		{
			name: 'Get Many',
			value: 'getAll',
			action: 'Get many accounts',
			description: 'Get the connected Kling accounts and their free job slots',
		},
	]),
	...get.description,
	...getAll.description,
];

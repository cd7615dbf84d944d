import type { INodeProperties } from 'n8n-workflow';

import { operationField } from '../fields';
import * as deleteTask from './delete.operation';
import * as get from './get.operation';
import * as getAll from './getAll.operation';

export { deleteTask, get, getAll };

export const description: INodeProperties[] = [
	operationField('task', 'get', [
		{
			name: 'Delete',
			value: 'delete',
			action: 'Delete task',
			description: 'Delete a task and all its images permanently',
		},
		{
			name: 'Get',
			value: 'get',
			action: 'Get task',
			description: 'Get the status and the images of a task',
		},
		{
			name: 'Get Many',
			value: 'getAll',
			action: 'Get many tasks',
			description: 'Get a list of tasks and their images, newest first',
		},
	]),
	...deleteTask.description,
	...get.description,
	...getAll.description,
];

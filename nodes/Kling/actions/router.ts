import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import * as getAccount from './account/get.operation';
import * as getAccounts from './account/getAll.operation';
import { operationField } from './fields';
import * as enhance from './image/enhance.operation';
import * as upscale from './image/upscale.operation';
import * as deleteTask from './task/delete.operation';
import * as getTask from './task/get.operation';
import * as getTasks from './task/getAll.operation';

type Execute = (n8n: IExecuteFunctions) => Promise<INodeExecutionData[]>;

/** All that the node can do, by resource and operation. */
const operations: Record<string, Execute> = {
	'account:get': getAccount.execute,
	'account:getAll': getAccounts.execute,
	'image:enhance': enhance.execute,
	'image:upscale': upscale.execute,
	'task:delete': deleteTask.execute,
	'task:get': getTask.execute,
	'task:getAll': getTasks.execute,
};

/** Hands all items to the chosen operation. @throws NodeOperationError when a workflow names one that does not exist */
export async function router(n8n: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const resource = n8n.getNodeParameter('resource', 0) as string;
	const operation = n8n.getNodeParameter('operation', 0) as string;
	const execute = operations[`${resource}:${operation}`];
	if (!execute) {
		throw new NodeOperationError(
			n8n.getNode(),
			`The operation "${operation}" of "${resource}" does not exist`,
			{ description: "Choose 'Resource' and 'Operation' again in this node." },
		);
	}
	return [await execute(n8n)];
}

export const properties: INodeProperties[] = [
	{
		displayName: 'Resource',
		name: 'resource',
		type: 'options',
		noDataExpression: true,
		default: 'image',
		options: [
			{ name: 'Account', value: 'account' },
			{ name: 'Image', value: 'image' },
			{ name: 'Task', value: 'task' },
		],
	},
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
	...getAccount.description,
	...getAccounts.description,
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
	...getTask.description,
	...getTasks.description,
];

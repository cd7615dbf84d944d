import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import * as account from './account';
import * as image from './image';
import * as task from './task';

type Operation = (n8n: IExecuteFunctions) => Promise<INodeExecutionData[]>;

const operations: Record<string, Operation> = {
	'account:get': account.get.execute,
	'account:getAll': account.getAll.execute,
	'image:enhance': image.enhance.execute,
	'image:upscale': image.upscale.execute,
	'task:delete': task.deleteTask.execute,
	'task:get': task.get.execute,
	'task:getAll': task.getAll.execute,
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

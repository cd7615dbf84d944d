import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import * as image from './image';
import * as task from './task';

type Operation = (this: IExecuteFunctions) => Promise<INodeExecutionData[]>;

const operations: Record<string, Operation> = {
	'image:upscale': image.upscale.execute,
	'task:delete': task.deleteTask.execute,
	'task:get': task.get.execute,
	'task:getAll': task.getAll.execute,
};

/** Hands all items to the chosen operation. @throws NodeOperationError when a workflow names one that does not exist */
export async function router(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const resource = this.getNodeParameter('resource', 0) as string;
	const operation = this.getNodeParameter('operation', 0) as string;
	const execute = operations[`${resource}:${operation}`];
	if (!execute) {
		throw new NodeOperationError(
			this.getNode(),
			`The operation "${operation}" of "${resource}" does not exist`,
			{ description: "Choose 'Resource' and 'Operation' again in this node." },
		);
	}
	return [await execute.call(this)];
}

import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { operations } from './operations';

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

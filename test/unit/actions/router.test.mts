import type { IExecuteFunctions } from 'n8n-workflow';

import { router } from '../../../nodes/Kling/actions/router.ts';

/** A workflow made by hand, or for a version of the node to come. */
const asked = (resource: string, operation: string) =>
	({
		getNode: () => ({ name: 'Kling', type: 'kling' }),
		getNodeParameter: (name: string) => ({ resource, operation })[name],
	}) as unknown as IExecuteFunctions;

test.each([
	['image', 'sharpen'],
	['task', 'upscale'],
])('an operation that does not exist is told by its name: %s %s', async (resource, operation) => {
	await expect(router(asked(resource, operation))).rejects.toMatchObject({
		name: 'NodeOperationError',
		message: `The operation "${operation}" of "${resource}" does not exist`,
		description: "Choose 'Resource' and 'Operation' again in this node.",
	});
});

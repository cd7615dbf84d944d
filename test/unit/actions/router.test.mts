import { router } from '../../../nodes/Kling/actions/router.ts';
import { n8nWith } from '../../support/fakes.mts';

/** A workflow made by hand, or for a version of the node to come. */
test.each([
	['image', 'sharpen'],
	['task', 'upscale'],
])('an operation that does not exist is told by its name: %s %s', async (resource, operation) => {
	await expect(router(n8nWith({ parameters: { resource, operation } }))).rejects.toMatchObject({
		name: 'NodeOperationError',
		message: `The operation "${operation}" of "${resource}" does not exist`,
		description: "Choose 'Resource' and 'Operation' again in this node.",
	});
});

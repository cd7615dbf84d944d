import type { INode } from 'n8n-workflow';

import { prepare } from './support/n8n/engine.mts';
import { bench, upscale } from './support/kling.mts';
import { klingWorkflow } from './support/n8n/workflows.mts';

/** What n8n's canvas says beside the node while it waits, evaluated as the editor does it. */
async function tooltip(wait: string): Promise<unknown> {
	const { credentials } = await bench();
	const { workflow } = await prepare(klingWorkflow([{}], upscale({ wait })), credentials);
	const node: INode = workflow.getNode('Kling')!;
	const { waitingNodeTooltip } = workflow.nodeTypes.getByNameAndVersion(node.type).description;
	return workflow.expression.getSimpleParameterValue(node, waitingNodeTooltip, 'internal', {});
}

test('says what the node waits for, when it does', async () => {
	expect(await tooltip('callback')).toBe(
		'Paused until useapi.net calls back about the images, or until the time limit',
	);
	expect(await tooltip('poll')).toBe('');
});

import type { Workflow } from '../../../tools/n8n/restClient.mts';
import { nodeOf } from '../support/real-n8n.mts';

/** Google and Slack cannot be pointed elsewhere. */

/** A node becomes one that puts out the values that it would have sent. */
export function standIn(workflow: Workflow, name: string, values: Record<string, unknown>): void {
	const assignments = Object.entries(values).map(([field, value]) => ({
		id: field,
		name: field,
		value,
		type: 'string',
	}));
	const parameters = { assignments: { assignments }, options: {} };
	Object.assign(nodeOf(workflow, name), {
		type: 'n8n-nodes-base.set',
		typeVersion: 3.5,
		parameters,
	});
}

/** A node does not run; these are its items. */
export function pin(workflow: Workflow, name: string, items: object[]): void {
	const { name: pinned } = nodeOf(workflow, name);
	workflow.pinData = {
		...(workflow.pinData as object),
		[pinned]: items.map((json) => ({ json })),
	};
}

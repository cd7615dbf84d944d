import type { IConnections, IDataObject, INode, NodeConnectionType } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

/** Workflows as n8n's editor stores them. */

const KLING = 'n8n-nodes-useapi-kling.kling';

export interface EngineWorkflow {
	nodes: INode[];
	connections: IConnections;
	/** Where n8n waits for calls about suspended executions. */
	waitingUrl?: string;
}

/** A workflow Start → Kling → Result (and Failed on the error branch), with `settings` on the Kling node. */
export function klingWorkflow(
	items: IDataObject[],
	parameters: IDataObject,
	settings: Partial<INode> = {},
): EngineWorkflow {
	const node = (name: string, type: string, extra: Partial<INode>): INode => ({
		id: name,
		name,
		type,
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
		...extra,
	});
	const to = (...names: string[]) =>
		names.map((name) => ({ node: name, type: NodeConnectionTypes.Main, index: 0 }));
	return {
		nodes: [
			node('Start', 'test.start', { parameters: { items: items as never } }),
			node('Kling', KLING, {
				parameters: parameters as INode['parameters'],
				credentials: { useApiNetApi: { id: '1', name: 'useapi.net' } },
				...settings,
			}),
			node('Result', 'test.pass', {}),
			node('Failed', 'test.pass', {}),
		],
		connections: {
			Start: { main: [to('Kling')] },
			Kling: {
				main: [to('Result'), settings.onError === 'continueErrorOutput' ? to('Failed') : []],
			},
		},
	};
}

/**
 * A workflow in which an output of the Kling node leads back to it, for so many rounds after the first: the results, or
 * the errors, as people build it who want to try again.
 */
export function loopWorkflow(
	items: IDataObject[],
	parameters: IDataObject,
	{ rounds, of, ...settings }: Partial<INode> & { rounds: number; of: 'results' | 'errors' },
): EngineWorkflow {
	const { nodes } = klingWorkflow(items, parameters, {
		...(of === 'errors' && { onError: 'continueErrorOutput' }),
		...settings,
	});
	const [start, kling, result] = nodes;
	const again = {
		...start,
		id: 'Again',
		name: 'Again',
		type: 'test.again',
		parameters: { rounds },
	};
	const to = (node: string) => [{ node, type: NodeConnectionTypes.Main, index: 0 }];
	const back = of === 'errors' ? [to('Result'), to('Again')] : [to('Again')];
	return {
		nodes: [start, kling, result, again],
		connections: {
			Start: { main: [to('Kling')] },
			Kling: { main: back },
			Again: { main: [to('Kling'), to('Result')] },
		},
	};
}

/** A workflow Kling Trigger → Result, with `settings` on the trigger. */
export function triggerWorkflow(
	parameters: IDataObject,
	settings: Partial<INode> = {},
): EngineWorkflow {
	const { nodes } = klingWorkflow([], parameters, { type: `${KLING}Trigger`, ...settings });
	const [, kling, result] = nodes;
	return {
		nodes: [{ ...kling, id: 'Trigger', name: 'Trigger', webhookId: 'hook' }, result],
		connections: {
			Trigger: { main: [[{ node: 'Result', type: NodeConnectionTypes.Main, index: 0 }]] },
		},
	};
}

/** A workflow Start → Agent with the Kling node as its tool. @param atOnce whether the agent calls it in parallel */
export function agentWorkflow(
	calls: IDataObject[],
	parameters: IDataObject,
	settings: Partial<INode> = {},
	atOnce = false,
): EngineWorkflow {
	const { nodes } = klingWorkflow([{}], parameters, { type: `${KLING}Tool`, ...settings });
	const [start, kling] = nodes;
	const agent: INode = {
		...start,
		id: 'Agent',
		name: 'Agent',
		type: 'test.agent',
		parameters: { calls: calls as never, atOnce },
	};
	const link = (type: NodeConnectionType) => ({ [type]: [[{ node: 'Agent', type, index: 0 }]] });
	return {
		nodes: [start, kling, agent],
		connections: {
			Start: link(NodeConnectionTypes.Main),
			Kling: link(NodeConnectionTypes.AiTool),
		},
	};
}

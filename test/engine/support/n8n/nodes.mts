import type { IBinaryData, IDataObject, INodeExecutionData, INodeType } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

/** The nodes around ours in test workflows. n8n's own would do the same and bring two gigabytes along. */

/** A file of an item, in base64: n8n keeps it in its storage unless it is told to keep it within the item. */
export interface StartFile {
	base64: string;
	mimeType?: string;
	inItem?: boolean;
	/** It was in n8n's storage, under this ID. */
	id?: string;
}

/** The items of its `items` parameter, with their `files` by binary field: where n8n's own workflows have a trigger. */
export const startType: INodeType = {
	description: {
		displayName: 'Start',
		name: 'start',
		group: ['input'],
		version: 1,
		description: '',
		defaults: { name: 'Start' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		properties: [{ displayName: 'Items', name: 'items', type: 'json', default: '[]' }],
	},
	async execute() {
		const items = this.getNodeParameter('items', 0) as unknown as Array<
			IDataObject & { files?: Record<string, StartFile> }
		>;
		const store = async ({ base64, mimeType, inItem, id }: StartFile): Promise<IBinaryData> =>
			inItem || id
				? { data: base64, mimeType: mimeType ?? '', id }
				: await this.helpers.prepareBinaryData(Buffer.from(base64, 'base64'), 'a.bin', mimeType);
		const outputs = items.map(async ({ files, ...json }): Promise<INodeExecutionData> => {
			if (!files) return { json };
			const stored = Object.entries(files).map(async ([field, file]) => [field, await store(file)]);
			return { json, binary: Object.fromEntries(await Promise.all(stored)) };
		});
		return [await Promise.all(outputs)];
	},
};

/** Hands its input on: where a workflow goes on after the Kling node. */
export const passType: INodeType = {
	description: {
		...startType.description,
		displayName: 'Pass',
		name: 'pass',
		group: ['transform'],
		inputs: [NodeConnectionTypes.Main],
		properties: [],
	},
	async execute() {
		return [this.getInputData()];
	},
};

/** Closes a loop: its first output is the way back, for so many `rounds`; after that items leave by the second. */
export const againType: INodeType = {
	description: {
		...passType.description,
		displayName: 'Again',
		name: 'again',
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		properties: [{ displayName: 'Rounds', name: 'rounds', type: 'number', default: 1 }],
	},
	async execute() {
		const items = this.getInputData();
		const { $runIndex } = this.getWorkflowDataProxy(0);
		return $runIndex < Number(this.getNodeParameter('rounds', 0)) ? [items, []] : [[], items];
	},
};

/**
 * Stands in for an AI agent: calls the connected tool with each of its `calls`, one after another or all at once, through
 * n8n-core's own tool path, and puts out what the agent would read.
 */
export const agentType: INodeType = {
	description: {
		...startType.description,
		displayName: 'Agent',
		name: 'agent',
		group: ['transform'],
		inputs: [NodeConnectionTypes.Main, NodeConnectionTypes.AiTool],
		properties: [
			{ displayName: 'Calls', name: 'calls', type: 'json', default: '[]' },
			{ displayName: 'At Once', name: 'atOnce', type: 'boolean', default: false },
		],
	},
	async execute() {
		const [tool] = (await this.getInputConnectionData(NodeConnectionTypes.AiTool, 0)) as Array<{
			invoke(input: object): Promise<string>;
			description: string;
		}>;
		const calls = this.getNodeParameter('calls', 0) as unknown as object[];
		const ask = async (call: object): Promise<INodeExecutionData> => {
			const text = await tool.invoke(call).catch((error: Error) => `Error: ${error.message}`);
			return { json: { text, description: tool.description } };
		};
		if (this.getNodeParameter('atOnce', 0)) return [await Promise.all(calls.map(ask))];
		const read: INodeExecutionData[] = [];
		for (const call of calls) read.push(await ask(call));
		return [read];
	},
};

/** n8n's server makes a tool of every node that says `usableAsTool`: same code, another type and another output. */
export function asTool(type: INodeType): INodeType {
	const tool = Object.create(type) as INodeType;
	tool.description = {
		...type.description,
		name: `${type.description.name}Tool`,
		inputs: [],
		outputs: [NodeConnectionTypes.AiTool],
	};
	return tool;
}

import { randomUUID } from 'node:crypto';
import { NodeHelpers, type INodeProperties, type INodeTypeDescription } from 'n8n-workflow';

import type { Sandbox } from '../../../sandbox/server.mts';
import type { Credential, Workflow, WorkflowNode } from '../../../tools/n8n/restClient.mts';
import { startChatModel, type ChatModel, type Script } from './chat-model.mts';
import { KLING, klingWorkflow, type RealN8n } from './real-n8n.mts';

/** n8n's own AI Agent with the Kling node as its tool, and a chat model that plays a script. */

const LANGCHAIN = '@n8n/n8n-nodes-langchain';
/** As the editor puts them on the canvas in n8n 2.41. The agents before 3 call their tools themselves. */
export const AGENT_VERSION = 3.1;
export const OLD_AGENT_VERSION = 2.2;
const CHAT_MODEL_VERSION = 1.3;

export const MODEL_CREDENTIAL = 'openAiApi';

type SavedCredential = Credential & { id: string };

export interface Scene {
	model: ChatModel;
	workflow: Workflow;
}

/** @param settings of the tool's node, e.g. its `onError` */
export async function openScene(
	{ api }: RealN8n,
	kling: SavedCredential,
	script: Script,
	parameters: object,
	{ agentVersion = AGENT_VERSION, settings = {} as Partial<WorkflowNode> } = {},
): Promise<Scene> {
	const model = await startChatModel(script);
	const credential = await api.createCredential({
		name: `Chat model ${randomUUID()}`,
		type: MODEL_CREDENTIAL,
		// n8n fills in an empty header otherwise.
		data: { apiKey: model.apiKey, url: model.url, header: false },
	});
	const { nodes, ...rest } = klingWorkflow([{}], { ...parameters }, kling, {
		type: `${KLING}Tool`,
		...settings,
	});
	const [start, , tool] = nodes;
	const agent = node('Agent', 'agent', agentVersion, {
		promptType: 'define',
		text: 'Make the image larger.',
		options: {},
	});
	const chatModel = node('Chat Model', 'lmChatOpenAi', CHAT_MODEL_VERSION, {
		model: { __rl: true, mode: 'id', value: 'stand-in' },
		responsesApiEnabled: false,
		// A refusal of the stand-in is a mistake of the test's; asking again would only hide it.
		options: { maxRetries: 0 },
	});
	chatModel.credentials = { [MODEL_CREDENTIAL]: { id: credential.id, name: credential.name } };
	const link = (type: string) => ({ [type]: [[{ node: agent.name, type, index: 0 }]] });
	return {
		model,
		workflow: {
			...rest,
			nodes: [start, tool, agent, chatModel],
			connections: {
				[start.name]: link('main'),
				[tool.name]: link('ai_tool'),
				[chatModel.name]: link('ai_languageModel'),
			},
		},
	};
}

const node = (
	name: string,
	type: string,
	typeVersion: number,
	parameters: Record<string, unknown>,
): WorkflowNode => ({
	id: randomUUID(),
	name,
	type: `${LANGCHAIN}.${type}`,
	typeVersion,
	position: [0, 0],
	parameters,
});

/** What the button "Let the model define this parameter" puts into a field of the kind By ID. */
const byModel = (key: string, description: string) => ({
	__rl: true,
	mode: 'id',
	value: `={{ /*n8n-auto-generated-fromAI-override*/ $fromAI('${key}', \`${description}\`, 'string') }}`,
});
export const byTask = byModel('taskId', 'The task that made the image');
export const upscale = (changes: object = {}) => ({
	resource: 'image',
	operation: 'upscale',
	taskId: byTask,
	workId: byModel('workId', 'The image in that task'),
	wait: 'poll',
	options: { pollInterval: 1 },
	...changes,
});

/** A script: calls in turn, several at once where a turn has several; at the end it says what it has read last. */
export const inTurn =
	(...turns: object[][]): Script =>
	(read) => {
		let answered = 0;
		for (const calls of turns) {
			if (read.length === answered) return { calls };
			answered += calls.length;
		}
		return { say: `This is what I got: ${read.at(-1)}` };
	};

export const postsOf = ({ requests }: Sandbox) =>
	requests.filter(({ method }) => method === 'POST');
export const parse = (answer: string) => JSON.parse(answer) as Array<Record<string, unknown>>;

/** Names and values that the editor shows for the node, by n8n's own rules. */
export async function shown(
	{ api }: RealN8n,
	type: string,
	values: Record<string, string | boolean>,
) {
	const types = await api.request<INodeTypeDescription[]>('GET', '/types/nodes.json');
	const description = types.find(({ name }) => name === type)!;
	const isShown = (property: INodeProperties | { name: string }) =>
		NodeHelpers.displayParameter(
			values,
			property as INodeProperties,
			{ typeVersion: 1 },
			description,
		);
	const fields = description.properties.filter(isShown);
	const options = fields.find(({ name }) => name === 'wait')!.options as Array<{
		name: string;
		value: string;
	}>;
	return {
		fields: fields.map(({ name }) => name),
		waits: options.filter(isShown).map(({ value }) => value),
	};
}

import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';

/**
 * A stand-in for a chat model that speaks the OpenAI protocol (POST /v1/chat/completions, without streaming), for n8n's
 * own agents to talk to. It does not think: a script says what it does at each turn.
 */

/** A tool as the agent offers it to the model. */
export interface OfferedTool {
	name: string;
	description: string;
	/** JSON Schema of its arguments. */
	parameters: { properties: Record<string, object>; required?: string[] };
}

/** At one turn the model calls a tool (the first, unless named), several times at once if it likes, or says its last word. */
export type Turn = { calls: object[]; tool?: string } | { say: string };

/** @param read what the tool has answered so far in this conversation, oldest first */
export type Script = (read: string[]) => Turn;

interface Message {
	role: string;
	content?: string | null;
	tool_calls?: unknown;
	tool_call_id?: string;
}

export interface ChatRequest {
	headers: Record<string, unknown>;
	body: { messages: Message[]; tools?: Array<{ function: OfferedTool }>; stream?: boolean };
}

export interface ChatModel {
	/** For the credential's Base URL. */
	url: string;
	apiKey: string;
	/** What the agent has sent, oldest first. */
	requests: ChatRequest[];
	/** The tool as it was offered last. */
	tool(): OfferedTool;
	/** What the model has read of the tool's answers, oldest first. */
	read(): string[];
	close(): Promise<void>;
}

const MODEL = 'stand-in';

export async function startChatModel(script: Script): Promise<ChatModel> {
	const requests: ChatRequest[] = [];
	const apiKey = `sk-${randomUUID()}`;
	const app = Fastify({ forceCloseConnections: true });

	app.addHook('onRequest', async ({ headers }, reply) => {
		if (headers.authorization !== `Bearer ${apiKey}`) {
			return await reply.code(401).send(failure('Incorrect API key provided'));
		}
	});
	app.get('/v1/models', async () => ({ object: 'list', data: [{ id: MODEL, object: 'model' }] }));
	app.post('/v1/chat/completions', async ({ headers, body }, reply) => {
		const request = { headers, body } as ChatRequest;
		requests.push(request);
		if (request.body.stream) return await reply.code(400).send(failure('It does not stream'));
		const turn = script(answersIn(request));
		const tool = toolOf(request, 'calls' in turn ? turn.tool : undefined);
		if (!tool) return await reply.code(400).send(failure('No such tool was offered'));
		const wrong = 'calls' in turn && turn.calls.find((values) => !fits(values, tool));
		if (wrong) {
			return await reply.code(400).send(failure(`${JSON.stringify(wrong)} does not fit the tool`));
		}
		return completion(turn, tool);
	});

	const origin = await app.listen({ host: '127.0.0.1', port: 0 });
	return {
		url: `${origin}/v1`,
		apiKey,
		requests,
		tool: () => toolOf(requests.at(-1)!)!,
		read: () => answersIn(requests.at(-1)!),
		close: async () => await app.close(),
	};
}

const failure = (message: string) => ({ error: { message, type: 'invalid_request_error' } });

function toolOf({ body: { tools = [] } }: ChatRequest, name?: string): OfferedTool | undefined {
	const offered = tools.map((tool) => tool.function);
	return name ? offered.find((tool) => tool.name === name) : offered[0];
}

const answersIn = ({ body }: ChatRequest): string[] =>
	body.messages.filter(({ role }) => role === 'tool').map(({ content }) => content ?? '');

/** A model chooses values, but the names are the tool's. */
function fits(values: object, { parameters }: OfferedTool): boolean {
	const names = Object.keys(values);
	return (
		names.every((name) => name in parameters.properties) &&
		(parameters.required ?? []).every((name) => names.includes(name))
	);
}

function completion(turn: Turn, { name }: OfferedTool) {
	const calls = 'calls' in turn ? turn.calls : [];
	return {
		id: `chatcmpl-${randomUUID()}`,
		object: 'chat.completion',
		created: Math.floor(Date.now() / 1000),
		model: MODEL,
		choices: [
			{
				index: 0,
				finish_reason: calls.length > 0 ? 'tool_calls' : 'stop',
				message: {
					role: 'assistant',
					content: 'say' in turn ? turn.say : null,
					...(calls.length > 0 && {
						tool_calls: calls.map((values) => ({
							id: `call_${randomUUID()}`,
							type: 'function',
							function: { name, arguments: JSON.stringify(values) },
						})),
					}),
				},
			},
		],
		usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
	};
}

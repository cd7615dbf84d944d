import { randomUUID } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import type { Sandbox } from '../../../sandbox/server.mts';
import { MODEL_CREDENTIAL } from '../support/agent.mts';
import { startChatModel, type Script } from '../support/chat-model.mts';
import {
	execute,
	itemsOf,
	nodeOf,
	openN8n,
	readExample,
	until,
	type RealN8n,
} from '../support/real-n8n.mts';
import { pin } from './stand-in.mts';

/** The examples in which an agent decides, in n8n or elsewhere. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

const TASK = { taskId: '123456789', workId: '987654321' };
const IDS = { task_id: TASK.taskId, image_id: TASK.workId };
const EMAIL = 'artist@example.com';
const jobsOf = ({ requests }: Sandbox) =>
	requests.filter(({ method, path }) => method === 'POST' && path.startsWith('/v1/kling/images/'))
		.length;

test('Chat with your images: it finds an image, upscales it once, and knows the balance', async () => {
	const turns = [
		{ tool: 'Find_Images', calls: [{ limit: 50, created_after: '' }] },
		{ tool: 'Upscale', calls: [IDS, IDS] },
		{ tool: 'Balance', calls: [{}] },
	];
	const script: Script = (read) =>
		turns[[0, 1, 3].indexOf(read.length)] ?? { say: `${read[1]} ${read[3]}` };
	const model = await startChatModel(script);
	try {
		const { sandbox, credential } = await real.open({
			seeds: [TASK],
			accounts: [{ email: EMAIL, maxJobs: 5, credits: 7 }],
		});
		const key = await real.api.createCredential({
			name: 'Chat model',
			type: MODEL_CREDENTIAL,
			data: { apiKey: model.apiKey, url: model.url, header: false },
		});
		const workflow = await readExample('chat-with-your-images.json', credential, {
			'@n8n/n8n-nodes-langchain.lmChatOpenAi': key,
		});
		// The stand-in speaks the older protocol of the two.
		nodeOf(workflow, 'Chat Model').parameters.responsesApiEnabled = false;
		const chat = async () => {
			const message = { sessionId: randomUUID(), action: 'sendMessage', chatInput: 'Go on.' };
			pin(workflow, 'Chat', [message]);
			const execution = await execute(real.api, workflow, 'Chat');
			expect(execution.resultData.error).toBeUndefined();
			return String(itemsOf(execution, 'Agent')[0].json.output);
		};
		expect(await chat()).toMatch(/"imageUrl":"http.*"credits":6\b/);
		expect(model.read()[0]).toContain(TASK.workId);
		// Another chat, in which the model remembers nothing.
		expect(await chat()).toMatch(/"reused":true.*"credits":6\b/);
		expect(jobsOf(sandbox)).toBe(1);
	} finally {
		await model.close();
	}
}, 90_000);

test('Kling for MCP clients: whoever has the token can upscale, enhance and get', async () => {
	const { sandbox, credential } = await real.open({ seeds: [TASK] });
	const token = randomUUID();
	const bearer = await real.api.createCredential({
		name: 'MCP',
		type: 'httpBearerAuth',
		data: { token },
	});
	const workflow = await readExample('kling-for-mcp-clients.json', credential, {
		'@n8n/n8n-nodes-langchain.mcpTrigger': bearer,
	});
	await real.api.publishWorkflow(await real.api.importWorkflow(workflow));
	const url = new URL(
		`${real.n8n.url}/mcp/${String(nodeOf(workflow, 'MCP Server').parameters.path)}`,
	);
	await until(async () => [401, 403].includes((await fetch(url, { method: 'POST' })).status));

	const client = new Client({ name: 'test', version: '1.0.0' });
	const requestInit = { headers: { authorization: `Bearer ${token}` } };
	await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
	try {
		const { tools } = await client.listTools();
		expect(tools.map(({ name }) => name).sort()).toEqual(['Enhance', 'Get_Task', 'Upscale']);
		const call = async (name: string, values: Record<string, string>) => {
			const { content } = await client.callTool({ name, arguments: values });
			const [{ text }] = content as Array<{ text: string }>;
			return JSON.parse(text)[0].json ?? JSON.parse(text)[0];
		};
		const upscaled = await call('Upscale', IDS);
		expect(upscaled).toMatchObject({ status: 'succeed' });
		expect(await call('Upscale', IDS)).toMatchObject({ taskId: upscaled.taskId, reused: true });
		const enhanced = await call('Enhance', { image_url: upscaled.imageUrl, resolution: '4k' });
		expect(await call('Get_Task', { task_id: enhanced.taskId })).toMatchObject({
			status: 'succeed',
			imageUrl: enhanced.imageUrl,
		});
		expect(jobsOf(sandbox)).toBe(2);
	} finally {
		await client.close();
	}
}, 90_000);

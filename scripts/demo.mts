// What `npm start` prepares in n8n and runs there once: owner, credential, example workflow.
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { CREDENTIAL_TYPE, NODE_TYPE, NODES, readExample } from './example.mts';
import { itemsOf, N8nApiError, type Execution, type Login, type N8nApi } from './n8n-api.mts';
import { PlainError } from './npm.mjs';
import { logTail, type RunningN8n } from './n8n.mts';

const EMAIL = 'owner@example.com';
const SCALE = 4;

/** One workflow for the sandbox and one for the user's own account: neither start touches the other's. */
export type Mode = 'sandbox' | 'account';
const WORKFLOW_SUFFIX: Record<Mode, string> = { sandbox: '', account: ' (your account)' };
const CREDENTIAL_NAME: Record<Mode, string> = {
	sandbox: 'useapi.net sandbox',
	account: 'useapi.net account',
};

interface Memory {
	password: string;
	/** versionId is what this script saved; another one in n8n means that the user has changed the workflow. */
	workflows: Partial<Record<Mode, { id: string; versionId: string }>>;
}

export interface Demo {
	login: Login;
	workflowId: string;
	workflowName: string;
}
export interface Size {
	width: number;
	height: number;
}
export interface Outcome {
	source: Size;
	result: Size;
	file: string;
	seconds: number;
}

/** n8n asks for a digit and a capital letter. */
const newPassword = () => `Kling-${randomBytes(5).toString('hex')}-1`;

async function readMemory(file: string): Promise<Memory> {
	try {
		return JSON.parse(await readFile(file, 'utf8'));
	} catch {
		return { password: newPassword(), workflows: {} };
	}
}
const writeMemory = async (file: string, memory: Memory) =>
	await writeFile(file, `${JSON.stringify(memory, null, 2)}\n`, { mode: 0o600 });

async function signIn(api: N8nApi, login: Login, folder: string): Promise<void> {
	try {
		await api.login(login);
	} catch (error) {
		if (!(error instanceof N8nApiError) || error.status !== 401) throw error;
		throw new PlainError(
			`n8n did not accept the login of ${login.email}; perhaps its password was changed. To begin anew, delete ${join(folder, 'n8n')} and run the same command again.`,
		);
	}
}

/** A node that breaks while it is loaded is left out by n8n without stopping. */
async function assertLoaded({ api, log }: RunningN8n): Promise<void> {
	if ((await api.nodeTypes()).includes(NODE_TYPE)) return;
	throw new PlainError(
		`n8n started without the Kling node. Its log is ${log}; what matters in it:\n${await logTail(log)}`,
	);
}

export interface DemoSettings {
	mode: Mode;
	/** .kling, where what is to be remembered from start to start is kept. */
	folder: string;
	credentialData: { apiToken: string; baseUrl?: string };
	taskId?: string;
}

export async function prepareDemo(n8n: RunningN8n, settings: DemoSettings): Promise<Demo> {
	const { mode, folder, credentialData } = settings;
	const { api, files } = n8n;
	const memoryFile = join(folder, 'demo.json');
	const memory = await readMemory(memoryFile);
	await writeMemory(memoryFile, memory);
	const login = { email: EMAIL, password: memory.password };
	await signIn(api, login, folder);

	await assertLoaded(n8n);
	const credential = await api.saveCredential({
		name: CREDENTIAL_NAME[mode],
		type: CREDENTIAL_TYPE,
		data: credentialData,
	});
	const example = await readExample({ credential, folder: files, taskId: settings.taskId });
	example.name += WORKFLOW_SUFFIX[mode];

	const known = memory.workflows[mode];
	const existing = known && (await api.findWorkflow(known.id));
	const untouched = existing?.versionId === known?.versionId;
	// With the user's own account, the workflow is theirs once it is there: it holds their task.
	if (existing && mode === 'account') {
		return { login, workflowId: existing.id, workflowName: existing.name };
	}
	if (existing && !untouched) {
		await api.updateWorkflow(existing.id, { name: `${example.name} (your changes)` });
	}
	const saved =
		existing && untouched
			? await api.updateWorkflow(existing.id, example)
			: await api.importWorkflow(example);
	memory.workflows[mode] = { id: saved.id, versionId: saved.versionId };
	await writeMemory(memoryFile, memory);
	return { login, workflowId: saved.id, workflowName: saved.name };
}

/** n8n's own words for what went wrong, with the name of the node. */
function failure({ status, resultData }: Execution): string {
	const { error, lastNodeExecuted } = resultData;
	if (!error) return `The run ended as "${status}" in "${lastNodeExecuted}".`;
	const where = error.node?.name ?? lastNodeExecuted;
	return [`"${where}" failed: ${error.message}`, error.description].filter(Boolean).join('\n  ');
}

async function sizeOf(image: Buffer | string): Promise<Size> {
	const { width, height } = await sharp(image).metadata();
	return { width, height };
}

/** Runs the workflow once and looks at both images. Throws unless the result is 4x the source. */
export async function runDemo(n8n: RunningN8n, { workflowId }: Demo): Promise<Outcome> {
	const executionId = await n8n.api.runWorkflow(workflowId, NODES.trigger);
	const execution = await n8n.api.waitForExecution(executionId);
	if (execution.status !== 'success') throw new PlainError(failure(execution));

	const [sourceItem] = itemsOf(execution, NODES.get);
	const [savedItem] = itemsOf(execution, NODES.save);
	if (!sourceItem || !savedItem) throw new PlainError('The run ended without a saved image.');
	const answer = await fetch(String(sourceItem.json.url));
	const source = await sizeOf(Buffer.from(await answer.arrayBuffer()));
	const file = String(savedItem.json.fileName);
	const result = await sizeOf(file);
	if (result.width !== SCALE * source.width || result.height !== SCALE * source.height) {
		throw new PlainError(
			`The result is not ${SCALE} times as large: ${source.width} x ${source.height} became ${result.width} x ${result.height} pixels (${file}).`,
		);
	}
	const seconds = (Date.parse(execution.stoppedAt) - Date.parse(execution.startedAt)) / 1000;
	return { source, result, file, seconds };
}

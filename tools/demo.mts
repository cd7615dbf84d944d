// What `npm start` prepares in n8n and runs there once: owner, credential, example workflow.
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Sandbox } from '../sandbox/server.mts';
import { logTail, type RunningN8n } from './n8n/process.mts';
import { itemsOf, RestError, type Login, type Workflow } from './n8n/restClient.mts';
import { CREDENTIAL_TYPE, NODE_TYPE, PROJECT } from './project.mts';
import { UserError } from './terminal.mts';

const EMAIL = 'owner@example.com';
const SCALE = 4;
const PICTURE = 'lighthouse';
const EXAMPLE = join(PROJECT, 'examples', 'upscale-an-image-and-save-it.json');
/** The nodes of the example. */
const NODES = { trigger: 'Start', get: 'Get Task', save: 'Save' };
/** The folder that n8n may write to by default, as the example has it. */
const EXAMPLE_FOLDER = '.n8n-files/';

/** Kept from start to start, so that the editor's login and the user's changes to the workflow last. */
interface State {
	password: string;
	/** One for the sandbox, one for the user's account; another version in n8n means that the user has changed it. */
	workflows: Record<string, { id: string; versionId: string } | undefined>;
}

export interface Demo {
	login: Login;
	workflow: { id: string; name: string };
}

/** @param account the sandbox, or the API token of the user's own account */
export async function prepareDemo(n8n: RunningN8n, folder: string, account: Sandbox | string) {
	const { api } = n8n;
	const stateFile = join(folder, 'demo.json');
	const state = await readState(stateFile);
	const saveState = async () => await writeFile(stateFile, JSON.stringify(state), { mode: 0o600 });
	await saveState();
	const login = { email: EMAIL, password: state.password };
	await signIn(n8n, login, folder);
	await assertLoaded(n8n);

	const isSandbox = typeof account !== 'string';
	const credential = await api.saveCredential({
		name: `useapi.net ${isSandbox ? 'sandbox' : 'account'}`,
		type: CREDENTIAL_TYPE,
		data: isSandbox ? { apiToken: account.token, baseUrl: account.url } : { apiToken: account },
	});
	const example = await readExample(credential, n8n.files, isSandbox ? account : undefined);
	if (!isSandbox) example.name += ' (your account)';

	const mode = isSandbox ? 'sandbox' : 'account';
	const known = state.workflows[mode];
	const existing = known && (await api.findWorkflow(known.id));
	// With the user's own account the workflow is theirs once it is there: it holds their task.
	if (existing && !isSandbox) return { login, workflow: existing };
	const isUntouched = existing?.versionId === known?.versionId;
	if (existing && !isUntouched) {
		await api.updateWorkflow(existing.id, { name: `${example.name} (your changes)` });
	}
	const workflow =
		existing && isUntouched
			? await api.updateWorkflow(existing.id, example)
			: await api.importWorkflow(example);
	state.workflows[mode] = { id: workflow.id, versionId: workflow.versionId };
	await saveState();
	return { login, workflow };
}

async function readState(file: string): Promise<State> {
	try {
		return JSON.parse(await readFile(file, 'utf8'));
	} catch {
		// n8n asks for a digit and a capital letter.
		return { password: `Kling-${randomBytes(5).toString('hex')}-1`, workflows: {} };
	}
}

async function signIn({ api }: RunningN8n, login: Login, folder: string): Promise<void> {
	try {
		await api.login(login);
	} catch (error) {
		if (!(error instanceof RestError) || error.status !== 401) throw error;
		throw new UserError(
			`n8n did not accept the login of ${login.email}; perhaps its password was changed. To begin anew, delete ${join(folder, 'n8n')} and run the same command again.`,
		);
	}
}

/** A node that breaks while it is loaded is left out by n8n without stopping. */
async function assertLoaded({ api, log }: RunningN8n): Promise<void> {
	if ((await api.nodeTypes()).includes(NODE_TYPE)) return;
	throw new UserError(
		`n8n started without the Kling node. Its log is ${log}; what matters in it:\n${await logTail(log)}`,
	);
}

/** The example made ready for this n8n: its credential, a task of the sandbox, a folder that may be written to. */
async function readExample(
	{ id, name }: { id: string; name: string },
	folder: string,
	sandbox?: Sandbox,
): Promise<Workflow> {
	const tasks = (await sandbox?.tasks()) ?? [];
	const task = tasks.find((one) => one.name === PICTURE) ?? tasks[0];
	const workflow: Workflow = JSON.parse(await readFile(EXAMPLE, 'utf8'));
	for (const node of workflow.nodes) {
		const { parameters } = node;
		if (node.type === NODE_TYPE) node.credentials = { [CREDENTIAL_TYPE]: { id, name } };
		if (node.name === NODES.get && task) {
			parameters.taskId = { __rl: true, mode: 'id', value: task.taskId };
		}
		if (node.name === NODES.save) {
			const target = `${folder.replaceAll('\\', '/')}/`;
			parameters.fileName = String(parameters.fileName).replace(EXAMPLE_FOLDER, target);
		}
	}
	return workflow;
}

/** Runs the workflow once. @throws unless the saved image is 4 times as large as its source */
export async function runDemo({ api }: RunningN8n, { workflow }: Demo) {
	const execution = await api.waitForExecution(await api.runWorkflow(workflow.id, NODES.trigger));
	const { status, resultData, startedAt, stoppedAt } = execution;
	if (status !== 'success') {
		const { message = '', description = '' } = resultData.error ?? {};
		throw new UserError(
			`"${resultData.lastNodeExecuted}" ended as "${status}": ${message}\n  ${description}`,
		);
	}
	const [{ json: got }] = itemsOf(execution, NODES.get);
	const [{ json: saved }] = itemsOf(execution, NODES.save);
	const answer = await fetch(String(got.url));
	const source = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
	const file = String(saved.fileName);
	const result = await sharp(file).metadata();
	const size = ({ width, height }: { width: number; height: number }) =>
		`${width} x ${height} pixels`;
	if (result.width !== SCALE * source.width || result.height !== SCALE * source.height) {
		throw new UserError(
			`The result is not ${SCALE} times as large: ${size(source)} became ${size(result)} (${file}).`,
		);
	}
	const seconds = (Date.parse(stoppedAt) - Date.parse(startedAt)) / 1_000;
	return { source: size(source), result: size(result), file, seconds };
}

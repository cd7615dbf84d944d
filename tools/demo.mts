// What `npm start` prepares in n8n and runs there once: owner, credential, example workflow.
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import sharp from 'sharp';
import type { Sandbox } from '../sandbox/server.mts';
import { N8N_VERSION } from './n8n/install.mts';
import { logTail, type RunningN8n } from './n8n/process.mts';
import { itemsOf, type Workflow } from './n8n/restClient.mts';
import { CREDENTIAL_TYPE, NODE_TYPE, PROJECT } from './project.mts';
import { UserError } from './terminal.mts';

const EMAIL = 'owner@example.com';
const SCALE = 4;
const PICTURE = 'lighthouse';
const EXAMPLE = join(PROJECT, 'examples', 'upscale-an-image-and-save-it.json');
const EXAMPLE_TASK = '123456789';

/** @param account the sandbox, or the API token of the user's own account */
export async function prepareDemo(n8n: RunningN8n, folder: string, account: Sandbox | string) {
	const { api, files, log } = n8n;
	const login = { email: EMAIL, password: await readPassword(join(folder, 'demo.json')) };
	await api.login(login).catch((error) => {
		if (error.cause !== 401) throw error;
		throw new UserError(
			`n8n did not accept the login of ${EMAIL}; perhaps its password was changed. To begin anew, delete ${join(folder, 'n8n')} and run the same command again.`,
		);
	});
	// A node that breaks while it is loaded is left out by n8n without stopping.
	const types = await api.request<Array<{ name: string }>>('GET', '/types/nodes.json');
	if (!types.some(({ name }) => name === NODE_TYPE)) {
		throw new UserError(
			`n8n started without the Kling node. Its log is ${log}; what matters in it:\n${await logTail(log)}`,
		);
	}
	const sandbox = typeof account === 'string' ? undefined : account;
	const { id, name } = await api.saveCredential({
		name: `useapi.net ${sandbox ? 'sandbox' : 'account'}`,
		type: CREDENTIAL_TYPE,
		data: sandbox ? { apiToken: sandbox.token, baseUrl: sandbox.url } : { apiToken: account },
	});
	const example = await readExample(files, sandbox);
	if (!sandbox) example.name += ' (your account)';
	for (const node of example.nodes) {
		if (node.type === NODE_TYPE) node.credentials = { [CREDENTIAL_TYPE]: { id, name } };
	}
	const existing = await api.findWorkflow(example.name);
	const content = ({ nodes }: Workflow) => nodes.map((node) => [node.name, node.parameters]);
	// With the user's own account the workflow is theirs once it is there: it holds their task.
	if (existing && (!sandbox || isDeepStrictEqual(content(existing), content(example)))) {
		return { login, workflow: existing };
	}
	if (existing) await api.updateWorkflow(existing.id, { name: `${example.name} (your changes)` });
	return { login, workflow: await api.importWorkflow(example) };
}

/** Kept from start to start, as n8n keeps the owner's account. */
async function readPassword(file: string): Promise<string> {
	// n8n asks for a digit and a capital letter.
	const fresh = JSON.stringify({ password: `Kling-${randomBytes(5).toString('hex')}-1` });
	// Written only if it is not there yet.
	await writeFile(file, fresh, { mode: 0o600, flag: 'wx' }).catch(() => undefined);
	return JSON.parse(await readFile(file, 'utf8')).password;
}

/** The example with a task of the sandbox, and with a folder that n8n may write to. */
async function readExample(folder: string, sandbox?: Sandbox): Promise<Workflow> {
	const tasks = (await sandbox?.tasks()) ?? [];
	const task = tasks.find(({ name }) => name === PICTURE) ?? tasks[0];
	const text = (await readFile(EXAMPLE, 'utf8'))
		.replace('"fileName": "=.n8n-files/', `"fileName": "=${folder.replaceAll('\\', '/')}/`)
		.replace(`"value": "${EXAMPLE_TASK}"`, `"value": "${task?.taskId ?? EXAMPLE_TASK}"`);
	return JSON.parse(text);
}

/** Runs the workflow once; tells what came of it. @throws unless the saved image is 4 times as large as its source */
export async function runDemo({ api }: RunningN8n, workflow: { id: string; name: string }) {
	const execution = await api.waitForExecution(await api.runWorkflow(workflow.id, 'Start'));
	const { status, resultData, startedAt, stoppedAt } = execution;
	if (status !== 'success') {
		const { message = '', description = '' } = resultData.error ?? {};
		throw new UserError(
			`"${resultData.lastNodeExecuted}" ended as "${status}": ${message}\n  ${description}`,
		);
	}
	const [got, saved] = ['Get Task', 'Save'].map((node) => itemsOf(execution, node)[0].json);
	const answer = await fetch(String(got.url));
	const source = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
	const file = String(saved.fileName);
	const result = await sharp(file).metadata();
	const size = ({ width, height }: { width: number; height: number }, scale = 1) =>
		`${scale * width} x ${scale * height} pixels`;
	if (size(result) !== size(source, SCALE)) {
		throw new UserError(
			`The result is not ${SCALE} times as large: ${size(source)} became ${size(result)} (${file}).`,
		);
	}
	const seconds = (Date.parse(stoppedAt) - Date.parse(startedAt)) / 1_000;
	return `
✓ "${workflow.name}" ran in n8n ${N8N_VERSION}
    source  ${size(source)}
    result  ${size(result)}
    time    ${seconds.toFixed(1)} s
    file    ${file}`;
}

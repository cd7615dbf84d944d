// What `npm start` prepares in n8n and runs there once: owner, credential, two example workflows.
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import sharp from 'sharp';
import { BUNDLED_PICTURES, DEFAULTS } from '../sandbox/options.mts';
import type { Sandbox } from '../sandbox/server.mts';
import { N8N_VERSION } from './n8n/install.mts';
import { logTail, type RunningN8n } from './n8n/process.mts';
import { itemsOf, type Execution, type Workflow } from './n8n/restClient.mts';
import { CREDENTIAL_TYPE, NODE_TYPE, PROJECT, WORK } from './project.mts';
import { UserError } from './terminal.mts';

const EMAIL = 'owner@example.com';
const PICTURE = 'lighthouse';
const UPSCALE = 'upscale-an-image-and-save-it.json';
const ENHANCE = 'enhance-every-new-file-of-a-folder.json';
const EXAMPLE_TASK = '123456789';
const PHOTO = 'mountain-lake.png';

/** With the sandbox, or without one with the API token of the user's own account. */
export async function prepareDemo(n8n: RunningN8n, sandbox?: Sandbox, apiToken?: string) {
	const { api, files, log } = n8n;
	const login = { email: EMAIL, password: await readPassword(join(WORK, 'demo.json')) };
	await api.login(login).catch((error) => {
		if (error.cause !== 401) throw error;
		throw new UserError(
			`n8n did not accept the login of ${EMAIL}; perhaps its password was changed. To begin anew, delete ${join(WORK, 'n8n')} and run the same command again.`,
		);
	});
	// A node that breaks while it is loaded is left out by n8n without stopping.
	const types = await api.request<Array<{ name: string }>>('GET', '/types/nodes.json');
	if (!types.some(({ name }) => name === NODE_TYPE)) {
		throw new UserError(
			`n8n started without the Kling node. Its log is ${log}; what matters in it:\n${await logTail(log)}`,
		);
	}
	const { id, name } = await api.saveCredential({
		name: `useapi.net ${sandbox ? 'sandbox' : 'account'}`,
		type: CREDENTIAL_TYPE,
		data: sandbox ? { apiToken: sandbox.token, baseUrl: sandbox.url } : { apiToken },
	});
	const prepare = async (file: string) => {
		const example = await readExample(file, files, sandbox);
		if (!sandbox) example.name += ' (your account)';
		for (const node of example.nodes) {
			if (node.type === NODE_TYPE) node.credentials = { [CREDENTIAL_TYPE]: { id, name } };
		}
		const existing = await api.findWorkflow(example.name);
		const content = ({ nodes }: Workflow) => nodes.map((node) => [node.name, node.parameters]);
		// With the user's own account the workflow is theirs once it is there: it holds their task.
		if (existing && (!sandbox || isDeepStrictEqual(content(existing), content(example)))) {
			return existing;
		}
		if (existing) await api.updateWorkflow(existing.id, { name: `${example.name} (your changes)` });
		return await api.importWorkflow(example);
	};
	return { login, upscale: await prepare(UPSCALE), enhance: await prepare(ENHANCE) };
}

/** Kept from start to start, as n8n keeps the owner's account. */
async function readPassword(file: string): Promise<string> {
	// n8n asks for a digit and a capital letter.
	const fresh = JSON.stringify({ password: `Kling-${randomBytes(5).toString('hex')}-1` });
	// Written only if it is not there yet.
	await writeFile(file, fresh, { mode: 0o600, flag: 'wx' }).catch(() => undefined);
	return JSON.parse(await readFile(file, 'utf8')).password;
}

/** An example with a task of the sandbox, and with a folder that n8n may use. */
async function readExample(file: string, folder: string, sandbox?: Sandbox): Promise<Workflow> {
	const task = (await sandbox?.tasks())?.find(({ name }) => name === PICTURE);
	const text = (await readFile(join(PROJECT, 'examples', file), 'utf8'))
		.replaceAll(/(": "=?)\.n8n-files\//g, `$1${folder.replaceAll('\\', '/')}/`)
		.replace(`"value": "${EXAMPLE_TASK}"`, `"value": "${task?.taskId ?? EXAMPLE_TASK}"`);
	return JSON.parse(text);
}

type Imported = { id: string; name: string };

/** Upscales an image of the sandbox; tells what came of it. */
export async function runUpscale({ api }: RunningN8n, workflow: Imported): Promise<string> {
	const execution = await api.waitForExecution(await api.runWorkflow(workflow.id, 'Start'));
	return await compare(execution, workflow, `${PICTURE}.jpg`, () => DEFAULTS.scale);
}

/** Enhances a picture that it puts into the folder, under a new name each time; tells what came of it. */
export async function runEnhance({ api, files }: RunningN8n, workflow: Imported): Promise<string> {
	const folder = join(files, 'to-enhance');
	await mkdir(folder, { recursive: true });
	await copyFile(join(BUNDLED_PICTURES, PHOTO), join(folder, `${Date.now()}-${PHOTO}`));
	const execution = await api.waitForExecution(await api.runWorkflow(workflow.id, 'Every Hour'));
	const scaleOf = (longSide: number) => DEFAULTS.longSidePx['2k'] / longSide;
	return await compare(execution, workflow, PHOTO, scaleOf);
}

/** @throws unless it succeeded, and what it saved is as large as the picture times the scale */
async function compare(
	execution: Execution,
	{ name }: Imported,
	picture: string,
	scaleOf: (longSide: number) => number,
): Promise<string> {
	const { status, resultData } = execution;
	if (status !== 'success') {
		const { message = '', description = '' } = resultData.error ?? {};
		throw new UserError(
			`"${resultData.lastNodeExecuted}" ended as "${status}": ${message}\n  ${description}`,
		);
	}
	const { width, height } = await sharp(join(BUNDLED_PICTURES, picture)).metadata();
	const file = String(itemsOf(execution, 'Save').at(-1)?.json.fileName);
	const result = await sharp(file).metadata();
	const scale = scaleOf(Math.max(width, height));
	const size = (wide: number, high: number) => `${wide} x ${high} pixels`;
	const wanted = size(Math.round(scale * width), Math.round(scale * height));
	const got = size(result.width, result.height);
	if (got !== wanted) throw new UserError(`The result has ${got}, not ${wanted} (${file}).`);
	const seconds = (Date.parse(execution.stoppedAt) - Date.parse(execution.startedAt)) / 1_000;
	return `
✓ "${name}" ran in n8n ${N8N_VERSION}
    source  ${size(width, height)}
    result  ${got}
    time    ${seconds.toFixed(1)} s
    file    ${file}`;
}

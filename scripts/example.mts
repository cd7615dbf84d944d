// The example workflow, made ready for one n8n: its credential, a task that is there, a folder that may be written to.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from '../sandbox/server.mts';
import type { Workflow } from './n8n-api.mts';
import { PlainError } from './npm.mjs';
import { PACKAGE_NAME, PROJECT } from './project.mts';

export const NODE_TYPE = `${PACKAGE_NAME}.kling`;
export const CREDENTIAL_TYPE = 'useApiNetApi';
/** The nodes of the example by what they do. */
export const NODES = { trigger: 'Start', get: 'Get Task', upscale: 'Upscale', save: 'Save' };
const EXAMPLE_FILE = join(PROJECT, 'examples', 'upscale-an-image-and-save-it.json');
/** The folder that n8n may write to by default, as the example has it. */
const DEFAULT_FOLDER = '.n8n-files/';
const PICTURE = 'lighthouse';

export interface ExampleSettings {
	credential: { id: string; name: string };
	/** Where Save writes. */
	folder: string;
	/** Without it the placeholder stays. */
	taskId?: string;
}

export async function readExample(settings: ExampleSettings): Promise<Workflow> {
	const workflow: Workflow = JSON.parse(await readFile(EXAMPLE_FILE, 'utf8'));
	const { id, name } = settings.credential;
	for (const node of workflow.nodes) {
		const { parameters } = node;
		if (node.type === NODE_TYPE) {
			node.credentials = { [CREDENTIAL_TYPE]: { id, name } };
		}
		if (node.name === NODES.get && settings.taskId) {
			parameters.taskId = { __rl: true, mode: 'id', value: settings.taskId };
		}
		if (node.name === NODES.save) {
			const forward = settings.folder.replaceAll('\\', '/');
			parameters.fileName = String(parameters.fileName).replace(DEFAULT_FOLDER, `${forward}/`);
		}
	}
	return workflow;
}

/** The sandbox's finished task with the picture of the lighthouse. */
export async function sandboxTaskId(sandbox: Sandbox): Promise<string> {
	const tasks = await sandbox.tasks();
	const task = tasks.find(({ name }) => name === PICTURE) ?? tasks[0];
	if (!task) throw new PlainError('The sandbox has no picture to upscale.');
	return task.taskId;
}

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { PROJECT } from '../../../tools/project.mts';
import {
	execute,
	executionsOf,
	itemsOf,
	nodeOf,
	openN8n,
	readExample,
	SAVED_WITH_1_0_0,
	until,
	type RealN8n,
	type SavedCredential,
} from '../support/real-n8n.mts';

/** Workflows that were saved with 1.0.0, its examples, run unchanged. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

const TASK = { taskId: '123456789', workId: '987654321' };
const saved = async (file: string, credential: SavedCredential) =>
	await readExample(file, credential, {}, SAVED_WITH_1_0_0);

/** The path is all that is changed: this n8n may not write to the user's folder. */
async function savedWithFolder(file: string, credential: SavedCredential) {
	const workflow = await saved(file, credential);
	const { parameters } = nodeOf(workflow, 'Save');
	parameters.fileName = String(parameters.fileName).replace('.n8n-files', real.n8n.files);
	return workflow;
}

test.each([
	['upscale-an-image-and-save-it.json', 'Start'],
	['nightly-upscale.json', 'Every Night'],
])('%s', async (file, trigger) => {
	const { credential } = await real.open({ seeds: [TASK] });
	const execution = await execute(real.api, await savedWithFolder(file, credential), trigger);
	expect(execution.resultData.error).toBeUndefined();
	const items = itemsOf(execution, 'Save');
	expect(items.map(({ json }) => json.status)).toEqual(['succeed']);
});

test('upscale-and-pause.json', async () => {
	const { credential } = await real.open({ seeds: [TASK], jobMs: 3_000 });
	const execution = await execute(real.api, await saved('upscale-and-pause.json', credential));
	expect(execution.resultData.error).toBeUndefined();
	const [{ json, binary }] = itemsOf(execution, 'Larger Images');
	expect([json.finished, binary?.data.mimeType]).toEqual([true, 'image/png']);
}, 60_000);

test('upscale-on-a-form.json', async () => {
	const { credential, sandbox } = await real.open({ seeds: [TASK] });
	const workflow = await saved('upscale-on-a-form.json', credential);
	await real.api.publishWorkflow(await real.api.importWorkflow(workflow));
	const address = `${real.n8n.url}/form/${String(nodeOf(workflow, 'Form').webhookId)}`;
	await until(async () => (await fetch(address)).ok);
	const body = new FormData();
	body.set('field-0', TASK.taskId);
	body.set('field-1', TASK.workId);
	expect((await fetch(address, { method: 'POST', body })).ok).toBe(true);
	await until(async () => sandbox.requests.some(({ method }) => method === 'POST'));
});

test('when-an-image-is-finished.json', async () => {
	const { sandbox, credential } = await real.open({ seeds: [TASK] });
	const workflow = await savedWithFolder('when-an-image-is-finished.json', credential);
	const published = await real.api.importWorkflow(workflow);
	await real.api.publishWorkflow(published);
	const replyUrl = `${real.n8n.url}/webhook/${String(nodeOf(workflow, 'Job Done').webhookId)}/kling`;
	await until(async () => (await fetch(replyUrl, { method: 'POST' })).ok);
	await fetch(`${sandbox.url}/v1/kling/images/upscale`, {
		method: 'POST',
		headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
		body: JSON.stringify({ task_id: TASK.taskId, workId: TASK.workId, replyUrl }),
	});
	await until(async () => (await executionsOf(real.api, published.id)).length === 1);
	const [{ resultData }] = await executionsOf(real.api, published.id);
	expect(resultData.error).toBeUndefined();
	expect(await readdir(real.n8n.files)).toContain('kling-500000010-500000011.png');
}, 60_000);

test('Upscale every image of a task: the refused one does not stop the others', async () => {
	const { sandbox, credential } = await real.open();
	const [several] = (await sandbox.tasks()).filter(({ workIds }) => workIds.length === 3);
	sandbox.addFault({
		method: 'POST',
		path: '/v1/kling/images/upscale',
		kind: 'json',
		status: 500,
		body: { error: 'Refused by moderation', message: 'Service busy' },
	});
	const workflow = await saved('upscale-every-image-of-a-task.json', credential);
	nodeOf(workflow, 'Get Images').parameters.taskId = {
		__rl: true,
		mode: 'id',
		value: several.taskId,
	};
	const execution = await execute(real.api, workflow);
	expect(execution.resultData.error).toBeUndefined();
	expect(itemsOf(execution, 'Larger Images').map(({ binary }) => binary?.data.mimeType)).toEqual([
		'image/png',
		'image/png',
	]);
	expect(itemsOf(execution, 'Refused').map(({ json }) => json.error)).toEqual([
		'Refused by moderation',
	]);
});

test('Upscale and hand over: the submitted images arrive in the other workflow, each once, with its reference', async () => {
	const { sandbox, credential } = await real.open();
	const [several] = (await sandbox.tasks()).filter(({ workIds }) => workIds.length === 3);
	const receive = await saved('upscale-and-hand-over-receive.json', credential);
	const published = await real.api.importWorkflow(receive);
	await real.api.publishWorkflow(published);
	const { path } = nodeOf(receive, 'Called Back').parameters;
	const replyUrl = `${real.n8n.url}/webhook/${String(path)}`;
	// A call that is not about a finished task starts nothing beyond the filter, and shows that n8n listens.
	const callBack = async () => (await fetch(replyUrl, { method: 'POST' })).ok;
	await until(callBack);

	const submit = await saved('upscale-and-hand-over-submit.json', credential);
	nodeOf(submit, 'Get Images').parameters.taskId = {
		__rl: true,
		mode: 'id',
		value: several.taskId,
	};
	nodeOf(submit, 'Upscale').parameters.replyUrl = replyUrl;
	const submitted = await execute(real.api, submit);
	expect(submitted.resultData.error).toBeUndefined();
	expect(itemsOf(submitted, 'Upscale').map(({ json }) => json.finished)).toEqual([
		false,
		false,
		false,
	]);

	const received = async () => {
		const runs = await executionsOf(real.api, published.id);
		return runs.flatMap((run) => itemsOf(run, 'Result'));
	};
	await until(async () => (await received()).length >= 3);
	const results = await received();
	expect(results.map(({ json }) => json.reference).sort()).toEqual([...several.workIds].sort());
	expect(results.map(({ json }) => json.taskId).sort()).toEqual(
		itemsOf(submitted, 'Upscale')
			.map(({ json }) => json.taskId)
			.sort(),
	);
	expect(results.every(({ binary }) => binary?.data.mimeType === 'image/png')).toBe(true);
	// Progress was reported too, and dropped.
	expect(sandbox.callbacks.length).toBeGreaterThan(3);
}, 60_000);

test('none is forgotten: each example is named in a test that runs it', async () => {
	const tests = join(PROJECT, 'test', 'e2e');
	const names = async (folder: string, ending: string) =>
		(await readdir(folder, { recursive: true })).filter((name) => name.endsWith(ending));
	const read = async (name: string) => await readFile(join(tests, name), 'utf8');
	const here = 'examples/saved-with-1.0.0.test.mts';
	const others = (await names(tests, '.test.mts')).filter((name) => name !== here);
	const unnamed = async (folder: string, files: string[]) => {
		const text = (await Promise.all(files.map(read))).join();
		return (await names(join(PROJECT, folder), '.json')).filter(
			(name) => !text.includes(`'${name}'`),
		);
	};
	expect(await unnamed('examples', others)).toEqual([]);
	expect(await unnamed(SAVED_WITH_1_0_0, [here])).toEqual([]);
});

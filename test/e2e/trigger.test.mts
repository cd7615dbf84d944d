import { readFile } from 'node:fs/promises';

import type { SandboxOptions } from '../../sandbox/options.mts';
import type { Sandbox } from '../../sandbox/server.mts';
import { openEditor, type Editor } from './support/editor.mts';
import {
	execute,
	executionsOf,
	itemsOf,
	klingWorkflow,
	openN8n,
	triggerWorkflow,
	until,
	type RealN8n,
} from './support/real-n8n.mts';

/** Kling Trigger in the real n8n: the Production URL, the Test URL, and what a user sees in the editor. */

let real: RealN8n;
beforeAll(async () => (real = await openN8n()), 1_200_000);
afterAll(async () => await real?.close());

/** One image is paid for once, so every reference has one of its own. */
const SOURCES = Array.from({ length: 4 }, (_, number) => ({
	taskId: String(710000000 + 2 * number),
	workId: String(710000001 + 2 * number),
}));
const OLD = { taskId: '700000001', createTime: Date.now() - 25 * 3_600_000 };
const RUNNING = { taskId: '700000003', status: 'processing' as const };
const LIMIT_MS = 120_000;
const PNG = Buffer.from('\x89PNG', 'latin1');

/** A callback about a task; what it says need not be true. */
const says = (taskId: string, status = 'succeed') => ({
	task: { id: taskId },
	status_name: status,
	status_final: status === 'succeed' || status === 'failed',
});

async function post(url: string, body: unknown, contentType = 'application/json'): Promise<number> {
	const response = await fetch(url, {
		method: 'POST',
		headers: { 'content-type': contentType },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	});
	await response.arrayBuffer();
	return response.status;
}

/** The file behind a binary field, as the editor's Download gets it. */
async function download(id = ''): Promise<Buffer> {
	const query = new URLSearchParams({ id, action: 'download' });
	const { headers } = real.api;
	const response = await fetch(`${real.n8n.url}/rest/binary-data?${query}`, { headers });
	expect(response.status).toBe(200);
	return Buffer.from(await response.arrayBuffer());
}

/** Imports and publishes a workflow that starts with the trigger. */
async function offer(parameters: Record<string, unknown>, options: SandboxOptions = {}) {
	const { sandbox, credential } = await real.open({
		seeds: [...SOURCES, OLD, RUNNING],
		...options,
	});
	const { path, ...workflow } = triggerWorkflow(parameters, credential);
	const saved = await real.api.importWorkflow(workflow);
	await real.api.publishWorkflow(saved);
	return { sandbox, credential, url: `${real.n8n.url}/webhook/${path}`, id: saved.id };
}

/** Sends jobs as a user would: Upscale, Don't Wait, with the trigger's URL as Reply URL. */
async function submit(
	{ credential, url }: Awaited<ReturnType<typeof offer>>,
	references: string[],
): Promise<string[]> {
	const byId = (value: string) => ({ __rl: true, mode: 'id', value });
	const execution = await execute(
		real.api,
		klingWorkflow(
			references.map((reference, place) => ({ reference, ...SOURCES[place] })),
			{
				resource: 'image',
				operation: 'upscale',
				taskId: byId('={{ $json.taskId }}'),
				workId: byId('={{ $json.workId }}'),
				wait: 'none',
				replyUrl: url,
				options: { replyRef: '={{ $json.reference }}' },
			},
			credential,
		),
	);
	expect(execution.resultData.error).toBeUndefined();
	return itemsOf(execution, 'Kling').map(({ json }) => String(json.taskId));
}

const looksAt = (sandbox: Sandbox, taskIds: string[]): number =>
	sandbox.requests.filter(({ path }) => taskIds.includes(path.replace('/v1/kling/tasks/', '')))
		.length;

describe('at the Production URL', () => {
	test('every finished job starts the workflow once with its image; forged and repeated calls start nothing, also after a restart', async () => {
		const trigger = await offer({ download: true });
		const { sandbox, url, id } = trigger;
		const isPublished = async () =>
			(
				await real.api.request<{ status: string }>(
					'GET',
					`/rest/workflows/${id}/publication-status`,
				)
			).status === 'published';
		await until(isPublished);
		const references = ['one', 'two', 'three'];
		const taskIds = await submit(trigger, references);
		const executions = async () => await executionsOf(real.api, id);
		await until(async () => (await executions()).length >= taskIds.length);

		const items = (await executions()).flatMap((run) => itemsOf(run, 'Result'));
		expect(items.map(({ json }) => json.taskId).sort()).toEqual([...taskIds].sort());
		expect(items.map(({ json }) => json.replyRef).sort()).toEqual([...references].sort());
		for (const { json, binary } of items) {
			expect(json).toMatchObject({ status: 'succeed', finished: true });
			expect(json).not.toHaveProperty('downloadError');
			// n8n keeps a webhook's files under a temporary name until the execution has a number.
			expect(String(binary!.data.id)).not.toContain('/temp/');
			const file = await download(binary!.data.id);
			expect(file.subarray(0, PNG.length)).toEqual(PNG);
			expect(file.length).toBeGreaterThan(1_000);
		}
		// useapi.net told of progress as well.
		expect(sandbox.callbacks.length).toBeGreaterThan(taskIds.length);

		await forge(sandbox, url, taskIds);
		expect(await executions()).toHaveLength(taskIds.length);

		await real.restart();
		await until(async () => (await post(url, {})) === 200);
		const before = looksAt(sandbox, taskIds);
		for (const taskId of taskIds) expect(await post(url, says(taskId))).toBe(200);
		await until(async () => looksAt(sandbox, taskIds) === before + taskIds.length);
		const [next] = await submit(trigger, ['four']);
		await until(async () => (await executions()).length > taskIds.length);
		const [newest, ...others] = await executions();
		expect(itemsOf(newest, 'Result')).toMatchObject([{ json: { taskId: next } }]);
		expect(others).toHaveLength(taskIds.length);
	}, 600_000);

	/** A thousand calls that must start nothing, a handful at a time. */
	async function forge(sandbox: Sandbox, url: string, taskIds: string[]): Promise<void> {
		const tasks = [...taskIds, OLD.taskId];
		const madeUp = Array.from({ length: 590 }, (_, number) => String(600_000_000 + number));
		const garbage = ['', 'null', '[]', '42', '{"task":', '{"task":{"id":"../accounts"}}', '\u0000'];
		const calls = [
			...madeUp.map((taskId) => says(taskId)),
			...Array.from({ length: 10 }, () => says(RUNNING.taskId)),
			...Array.from({ length: 200 }, (_, n) => says(tasks[n % tasks.length])),
			...Array.from({ length: 100 }, (_, n) => says(tasks[n % tasks.length], 'processing')),
			...Array.from({ length: 100 }, (_, n) => garbage[n % garbage.length]),
		];
		expect(calls).toHaveLength(1_000);
		const before = looksAt(sandbox, tasks);
		const statuses: number[] = [];
		const types = ['application/json', 'text/plain', 'application/octet-stream'];
		const callNext = async (): Promise<void> => {
			const call = calls.pop();
			if (call === undefined) return;
			const type = typeof call === 'string' ? types[calls.length % types.length] : types[0];
			statuses.push(await post(url, call, type));
			await callNext();
		};
		await Promise.all(Array.from({ length: 10 }, callNext));
		expect(statuses).toHaveLength(1_000);
		// n8n itself refuses what is not the JSON that it says it is.
		expect([...new Set(statuses)].sort()).toEqual([200, 422]);

		// All have been worked on: made-up tasks and false words about a running one have a line in the log each, and
		// every repeat was asked about.
		const told = async () => {
			const log = await readFile(real.n8n.log, 'utf8');
			const said = log.split(`started nothing for task ${RUNNING.taskId}:`).length - 1;
			return (
				said === 10 && madeUp.every((taskId) => log.includes(`started nothing for task ${taskId}:`))
			);
		};
		await until(told, LIMIT_MS);
		expect(looksAt(sandbox, tasks)).toBe(before + 200);
		expect(await readFile(real.n8n.log, 'utf8')).not.toContain(sandbox.token);
	}
});

describe('in the editor', () => {
	let editor: Editor;
	beforeAll(async () => (editor = await openEditor(real, 'trigger')), LIMIT_MS);
	afterAll(async () => await editor?.close());

	/** Opens a workflow that starts with the trigger. */
	async function open(parameters: Record<string, unknown>, options: SandboxOptions = {}) {
		const { credential } = await real.open({ seeds: [...SOURCES, OLD, RUNNING], ...options });
		const { path, ...workflow } = triggerWorkflow(parameters, credential);
		const id = await editor.openWorkflow(workflow);
		return { id, node: editor.node('Trigger'), path };
	}

	test.each(['kling', 'useapi', 'upscale'])(
		'it is found by searching for "%s", with its events to choose from',
		async (words) => {
			const { page } = editor;
			await page.goto(`${real.n8n.url}/workflow/new`);
			await page.locator('[data-test-id="canvas-add-button"]').click();
			const found = await editor.search(words);
			await found.filter({ hasText: 'start workflows when a task is finished' }).first().click();
			await page.getByText('On task succeeded').first().waitFor();
			await editor.shot(`search-${words}`);
		},
		LIMIT_MS,
	);

	test(
		'the node shows its URLs and says what to do with them',
		async () => {
			const { node, path } = await open({});
			const { page } = editor;
			await node.dblclick();
			await page.getByText("paste it into 'Reply URL' of your Kling jobs").waitFor();
			await page.getByText('Webhook URLs').first().click();
			await page.getByText(`${real.n8n.url}/webhook-test/${path}`).waitFor();
			await page.getByText('Production URL', { exact: true }).last().click();
			await page.getByText(`${real.n8n.url}/webhook/${path}`).waitFor();
			await editor.shot('urls', 'trigger');
		},
		LIMIT_MS,
	);

	test(
		'the Test URL shows the result, and is not used up by a report of progress',
		async () => {
			const { id, node, path } = await open({ download: true });
			const url = `${real.n8n.url}/webhook-test/${path}`;
			await editor.execute();
			await editor.page.getByText('Waiting for useapi.net to call the Test URL').first().waitFor();
			await editor.shot('listening');
			// The editor says so a moment before n8n listens.
			await until(async () => (await post(url, says(SOURCES[0].taskId, 'processing'))) === 200);
			expect(await post(url, says(SOURCES[0].taskId, 'processing'))).toBe(200);
			expect(await post(url, says(SOURCES[0].taskId))).toBe(200);
			await editor.succeeds('Trigger');
			await node.dblclick();
			await editor.output.getByText(SOURCES[0].taskId).first().waitFor();
			await editor.shot('result');
			const [run] = await executionsOf(real.api, id);
			const [{ json, binary }] = itemsOf(run, 'Result');
			expect(json).toMatchObject({ taskId: SOURCES[0].taskId, status: 'succeed' });
			expect((await download(binary!.data.id)).length).toBeGreaterThan(1_000);
		},
		LIMIT_MS,
	);

	test(
		'who publishes it with several accounts and no choice among them reads what to do',
		async () => {
			const accounts = ['one@example.com', 'two@example.com'].map((email) => ({
				email,
				maxJobs: 5,
			}));
			await open({}, { accounts });
			const { page } = editor;
			await page.getByRole('button', { name: 'Publish', exact: true }).first().click();
			await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).click();
			// n8n tries five times before it gives up.
			await page.getByText(`Choose an 'Account' in "Trigger"`).first().waitFor({ timeout: 60_000 });
			await editor.shot('account-missing');
		},
		LIMIT_MS,
	);
});

import type {
	ILoadOptionsFunctions,
	INodeListSearchItems,
	INodeListSearchResult,
} from 'n8n-workflow';

import { klingError, type KlingError, type Problem } from '../runtime/problems';
import { readAccounts } from '../tasks/accounts';
import { fetchTaskOnce } from '../tasks/fetchTask';
import { createdMs, type Task } from '../tasks/task';
import { TaskPages, type Cursor } from '../tasks/taskPages';
import { connect } from '../transport/client';

/** The connected Kling accounts, by email. */
export async function searchAccounts(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const api = await connect(this);
	const { accounts, problem } = readAccounts(await api.getAccounts());
	if (problem?.httpCode === '404') throw klingError(this.getNode(), problem);
	if (problem) throw listError(this, problem, 'Account', 'Email');
	const choices = accounts.map(({ email }) => ({ name: email, value: email }));
	return { results: matching(choices, filter) };
}

/** Image tasks, newest first. assumes: newest-first, content-type-filter */
export async function searchTasks(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const api = await connect(this);
	const email = currentValue(this, 'account');
	const pages = new TaskPages(
		{ ask: api.getTasks, fail: (problem) => listError(this, problem, 'Task', 'ID') },
		{ ...(email && { email }), contentType: 'image' },
		{},
		paginationToken ? (JSON.parse(paginationToken) as Cursor) : undefined,
	);
	const tasks = (await pages.next()) ?? [];
	return {
		results: matching(tasks.flatMap(taskChoice), filter),
		...(pages.cursor && { paginationToken: JSON.stringify(pages.cursor) }),
	};
}

/** The images of the task chosen above, with their size. */
export async function searchImages(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const taskId = currentValue(this, 'taskId');
	if (!/^\d+$/.test(taskId)) {
		throw klingError(this.getNode(), {
			message: 'Choose a task first',
			description:
				"The list shows the images of that task. You can also enter an image ID under 'By ID'.",
		});
	}
	const api = await connect(this);
	const email = currentValue(this, 'account');
	const { task, problem } = await fetchTaskOnce(api, { taskId, account: email || undefined });
	if (problem) throw listError(this, problem, 'Image', 'ID');
	const choices = task.images.flatMap(({ workId, width, height, url }, position) => {
		if (!workId) return [];
		const size = width && height ? `, ${width} × ${height}` : '';
		return [{ name: `Image ${position + 1}${size} (${workId})`, value: workId, url }];
	});
	return { results: matching(choices, filter) };
}

function taskChoice(task: Task): INodeListSearchItems[] {
	const { taskId, type } = task;
	if (!taskId) return [];
	const count = task.images.length;
	const made = createdMs(task);
	const date = Number.isFinite(made)
		? new Date(made).toISOString().slice(0, 16).replace('T', ' ')
		: 'undated';
	const images = count === 1 ? '1 image' : `${count} images`;
	const facts = [date, type && kind(type), images, taskId];
	return [{ name: facts.filter(Boolean).join(' · '), value: taskId }];
}

/** "mmu_image_upscale_aiweb" reads as "image upscale"; what else the API may call a task is shown as it is. */
function kind(type: string): string {
	return type.replace(/^mmu_|_aiweb$/g, '').replaceAll('_', ' ');
}

function currentValue(n8n: ILoadOptionsFunctions, name: string): string {
	return String(n8n.getCurrentNodeParameter(name, { extractValue: true }) ?? '').trim();
}

function matching(choices: INodeListSearchItems[], filter?: string): INodeListSearchItems[] {
	const wanted = filter?.toLowerCase() ?? '';
	return choices.filter(({ name }) => name.toLowerCase().includes(wanted));
}

/** Says why there is no list and how to go on without it. */
function listError(
	n8n: ILoadOptionsFunctions,
	{ message, description }: Problem,
	field: string,
	key: string,
): KlingError {
	return klingError(n8n.getNode(), {
		message,
		description: `${description} You can continue without the list: set '${field}' to 'By ${key}'.`,
	});
}

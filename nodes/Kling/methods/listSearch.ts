import type {
	ILoadOptionsFunctions,
	INodeListSearchItems,
	INodeListSearchResult,
} from 'n8n-workflow';

import { klingError, type KlingError, type Problem } from '../runtime/problems';
import { readAccounts } from '../tasks/accounts';
import { fetchTaskOnce } from '../tasks/fetchTask';
import type { Task } from '../tasks/task';
import { TaskPages, type Cursor } from '../tasks/taskPages';
import { connect, type KlingApi } from '../transport/client';
import { imageChoices, taskChoice, type Choice } from './choices';

/** The connected Kling accounts, by email. */
export async function searchAccounts(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const api = await connect(this);
	const { accounts, problem } = readAccounts(await api.getAccounts());
	if (problem?.httpCode === '404') throw klingError(this.getNode(), problem);
	if (problem) throw listError(this, problem, 'Account', 'Email');
	const choices = accounts.map(({ email }) => ({ name: email, value: email, searched: email }));
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
		results: matching(
			tasks.flatMap((task) => taskChoice(task, this.getTimezone())),
			filter,
		),
		...(pages.cursor && { paginationToken: JSON.stringify(pages.cursor) }),
	};
}

/** The images of the task chosen above, with their size and whether they were upscaled before. */
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
	return { results: matching(imageChoices(task, await recentTasks(api, email)), filter) };
}

/** The newest image tasks, for what they tell of others; none where they cannot be read. */
async function recentTasks(api: KlingApi, email: string): Promise<Task[]> {
	const fail = ({ message }: Problem) => new Error(message);
	const query = { ...(email && { email }), contentType: 'image' };
	const pages = new TaskPages({ ask: api.getTasks, fail }, query);
	return (await pages.next().catch(() => undefined)) ?? [];
}

function currentValue(n8n: ILoadOptionsFunctions, name: string): string {
	return String(n8n.getCurrentNodeParameter(name, { extractValue: true }) ?? '').trim();
}

function matching(choices: Choice[], filter = ''): INodeListSearchItems[] {
	const wanted = filter.toLowerCase();
	return choices
		.filter(({ searched }) => searched.toLowerCase().includes(wanted))
		.map(({ name, value, url }) => ({ name, value, ...(url && { url }) }));
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

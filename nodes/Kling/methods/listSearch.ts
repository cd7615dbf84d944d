import type {
	IDataObject,
	ILoadOptionsFunctions,
	INodeListSearchItems,
	INodeListSearchResult,
} from 'n8n-workflow';

import { createdMs, TaskPages, type Cursor } from '../tasks/taskPages';
import { isTask, NOT_A_TASK } from '../tasks/fetchTask';
import { imagesOf, readTask } from '../tasks/task';
import { connect } from '../transport/client';
import { unwrap, klingError, vendorText, type KlingError, type Problem } from '../runtime/problems';
import type { ApiResult, TaskModel } from '../transport/types';

const NOT_ACCOUNTS: Problem = {
	message: 'The answer of useapi.net is not a list of accounts',
	description:
		"Try again in a moment. If this happens again, check the 'Base URL' of the credential.",
};

/** The connected Kling accounts, by email. */
export async function searchAccounts(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const api = await connect.call(this);
	const result = await api.getAccounts();
	// "404 when no Kling account is connected" (kling-api.md, "Around it"); assumes: no-account
	if (result.outcome === 'answered' && result.status === 404) {
		throw klingError(this.getNode(), {
			message: 'No Kling account is connected to useapi.net yet',
			description: `useapi.net says: "${vendorText(result.body) ?? 'nothing'}". Connect your Kling account there, then open this list again.`,
		});
	}
	// assumes: accounts-by-email
	const names = Object.keys(answerOrThrow.call(this, result, 'Account', 'Email'));
	const emails = names.filter((name) => name.includes('@'));
	if (emails.length === 0 && names.length > 0)
		throw listError.call(this, NOT_ACCOUNTS, 'Account', 'Email');
	return {
		results: matching(
			emails.map((email) => ({ name: email, value: email })),
			filter,
		),
	};
}

/** Image tasks, newest first. assumes: newest-first, content-type-filter */
export async function searchTasks(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const api = await connect.call(this);
	const email = currentValue.call(this, 'account');
	const history = new TaskPages(
		{ ask: api.getTasks, fail: (trouble) => listError.call(this, trouble, 'Task', 'ID') },
		{ ...(email && { email }), contentType: 'image' },
		{},
		paginationToken ? (JSON.parse(paginationToken) as Cursor) : undefined,
	);
	const tasks = (await history.next()) ?? [];
	return {
		results: matching(tasks.flatMap(taskChoice), filter),
		...(history.place && { paginationToken: JSON.stringify(history.place) }),
	};
}

/** The images of the task chosen above, with their size. */
export async function searchImages(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const taskId = currentValue.call(this, 'taskId');
	if (!/^\d+$/.test(taskId)) {
		throw klingError(this.getNode(), {
			message: 'Choose a task first',
			description:
				"The list shows the images of that task. You can also enter an image ID under 'By ID'.",
		});
	}
	const api = await connect.call(this);
	const email = currentValue.call(this, 'account');
	const model = answerOrThrow.call(
		this,
		await api.getTask(taskId, email || undefined),
		'Image',
		'ID',
	);
	if (!isTask(model)) throw listError.call(this, NOT_A_TASK, 'Image', 'ID');
	const choices = imagesOf(model).flatMap(({ workId, width, height, url }, position) => {
		if (!workId) return [];
		const size = width && height ? `, ${width} × ${height}` : '';
		return [{ name: `Image ${position + 1}${size} (${workId})`, value: workId, url }];
	});
	return { results: matching(choices, filter) };
}

function taskChoice(entry: TaskModel): INodeListSearchItems[] {
	const { taskId, type } = readTask(entry);
	if (!taskId) return [];
	const count = imagesOf(entry).length;
	const made = createdMs(entry);
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

function currentValue(this: ILoadOptionsFunctions, name: string): string {
	return String(this.getCurrentNodeParameter(name, { extractValue: true }) ?? '').trim();
}

function matching(choices: INodeListSearchItems[], filter?: string): INodeListSearchItems[] {
	const wanted = filter?.toLowerCase() ?? '';
	return choices.filter(({ name }) => name.toLowerCase().includes(wanted));
}

/** @throws KlingError, see `listError` */
function answerOrThrow(
	this: ILoadOptionsFunctions,
	result: ApiResult,
	field: string,
	key: string,
): IDataObject {
	const got = unwrap(result);
	if (got.trouble) throw listError.call(this, got.trouble, field, key);
	return got.body as IDataObject;
}

/** Says why there is no list and how to go on without it. */
function listError(
	this: ILoadOptionsFunctions,
	{ message, description }: Problem,
	field: string,
	key: string,
): KlingError {
	return klingError(this.getNode(), {
		message,
		description: `${description} You can continue without the list: set '${field}' to 'By ${key}'.`,
	});
}

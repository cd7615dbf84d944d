import type {
	IDataObject,
	ILoadOptionsFunctions,
	INodeListSearchItems,
	INodeListSearchResult,
} from 'n8n-workflow';

import { idText, imagesOf, readTask, record } from '../job/result';
import { connect } from '../transport/client';
import { bodyOrTrouble, klingError, vendorText } from '../transport/errors';
import type { ApiResult, TaskModel } from '../transport/types';

const PAGE_SIZE = 50;

/** The connected Kling accounts, by email. */
export async function searchAccounts(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const api = await connect.call(this);
	const result = await api.getAccounts();
	// "404 when no Kling account is connected" (kling-api.md, "Around it").
	if (result.outcome === 'answered' && result.status === 404) {
		throw klingError(this.getNode(), {
			message: 'No Kling account is connected to useapi.net yet',
			description: `useapi.net says: "${vendorText(result.body) ?? 'nothing'}". Connect your Kling account there, then open this list again.`,
		});
	}
	const accounts = answerOrThrow.call(this, result, 'Account', 'Email');
	return {
		results: matching(
			Object.keys(accounts).map((email) => ({ name: email, value: email })),
			filter,
		),
	};
}

/** Image tasks, newest first; a page ends where its last task was made. */
export async function searchTasks(
	this: ILoadOptionsFunctions,
	filter?: string,
	paginationToken?: string,
): Promise<INodeListSearchResult> {
	const api = await connect.call(this);
	const email = currentValue.call(this, 'account');
	const answer = answerOrThrow.call(
		this,
		await api.getTasks({
			...(email && { email }),
			...(paginationToken && { createdBefore: paginationToken }),
			contentType: 'image',
			pageSize: PAGE_SIZE,
		}),
		'Task',
		'ID',
	) as { history?: unknown };
	const history = Array.isArray(answer.history) ? (answer.history as TaskModel[]) : [];
	const oldest = history.map(createdMs).filter(Number.isFinite);
	return {
		results: matching(history.flatMap(taskChoice), filter),
		...(history.length >= PAGE_SIZE &&
			oldest.length > 0 && { paginationToken: String(Math.min(...oldest)) }),
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
				'The list shows the images of that task. You can also enter an image ID under By ID.',
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
	const choices = imagesOf(model as TaskModel).flatMap(
		({ workId, width, height, url }, position) => {
			if (!workId) return [];
			const size = width && height ? `, ${width} × ${height}` : '';
			return [{ name: `Image ${position + 1}${size} (${workId})`, value: workId, url }];
		},
	);
	return { results: matching(choices, filter) };
}

/** Each entry of `history` has the works of one task (kling-api.md, "Around it"); its own model may stand beside them. */
function taskChoice(entry: TaskModel): INodeListSearchItems[] {
	const work = firstWork(entry);
	const taskId = idText(work.taskId) ?? readTask(entry).taskId;
	if (!taskId) return [];
	const count = imagesOf(entry).length;
	const made = createdMs(entry);
	const date = Number.isFinite(made)
		? new Date(made).toISOString().slice(0, 16).replace('T', ' ')
		: 'undated';
	const images = count === 1 ? '1 image' : `${count} images`;
	const facts = [date, kind(work.type ?? readTask(entry).type), images, taskId];
	return [{ name: facts.filter(Boolean).join(' · '), value: taskId }];
}

/** "mmu_image_upscale_aiweb" reads as "image upscale"; what else the API may call a task is shown as it is. */
function kind(type: unknown): string | undefined {
	if (typeof type !== 'string') return undefined;
	return type.replace(/^mmu_|_aiweb$/g, '').replaceAll('_', ' ');
}

function firstWork(entry: TaskModel): Record<string, unknown> {
	const [work] = Array.isArray(entry.works) ? entry.works : [];
	return record(work);
}

const createdMs = (entry: TaskModel): number =>
	Number(firstWork(entry).createTime ?? record(entry.task).createTime ?? NaN);

function currentValue(this: ILoadOptionsFunctions, name: string): string {
	return String(this.getCurrentNodeParameter(name, { extractValue: true }) ?? '').trim();
}

function matching(choices: INodeListSearchItems[], filter?: string): INodeListSearchItems[] {
	const wanted = filter?.toLowerCase() ?? '';
	return choices.filter(({ name }) => name.toLowerCase().includes(wanted));
}

/** @throws KlingError that says why there is no list and how to go on without it */
function answerOrThrow(
	this: ILoadOptionsFunctions,
	result: ApiResult,
	field: string,
	key: string,
): IDataObject {
	const got = bodyOrTrouble(result);
	if (!got.trouble) return got.body as IDataObject;
	const { message, description } = got.trouble;
	throw klingError(this.getNode(), {
		message,
		description: `${description} You can go on without the list: set ${field} to By ${key}.`,
	});
}

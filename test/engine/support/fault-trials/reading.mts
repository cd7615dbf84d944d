import { stringify } from 'flatted';
import type { IDataObject, INodeListSearchResult } from 'n8n-workflow';

import {
	behindTls,
	idsIn,
	see,
	stage,
	STRAY,
	succeeded,
	type Seen,
	type Stage,
	type Trial,
	type Where,
} from '../fault-stage.mts';
import { getTask, getTasks } from '../kling.mts';
import { searchList } from '../n8n/engine.mts';
import { GET_TASK, GET_TASKS, DELETE_TASK } from './where.mts';

/** Tasks are read, listed and deleted, and the lists of the editor filled. */

export async function getting(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASK);
	kling.spoil();
	const parameters = getTask({ taskId: kling.source.taskId });
	return await behindTls(kling, trial, async () =>
		see(kling, await kling.run([{}], parameters), succeeded),
	);
}

export async function listing(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASKS);
	kling.spoil();
	return await behindTls(kling, trial, async () =>
		see(kling, await kling.run([{}], getTasks({ returnAll: true })), (outputs) =>
			idsIn(outputs).includes(kling.source.taskId),
		),
	);
}

export async function deleting(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, DELETE_TASK);
	kling.spoil();
	const parameters = getTask({ taskId: kling.source.taskId, operation: 'delete' });
	return await behindTls(kling, trial, async () =>
		see(
			kling,
			await kling.run([{}], parameters),
			([{ deleted, taskId }]) => deleted === true && taskId === kling.source.taskId,
		),
	);
}

export const picking =
	(method: string, where: Where, parameters: (kling: Stage) => IDataObject) =>
	async (trial: Trial): Promise<Seen> => {
		const kling = await stage(trial, where);
		kling.spoil();
		return await behindTls(kling, trial, async () => {
			let list: INodeListSearchResult = { results: [] };
			let error: { message: string; description: string } | undefined;
			try {
				list = await searchList(method, parameters(kling), kling.credentials);
			} catch (thrown) {
				error = thrown as typeof error;
			}
			return {
				asked: kling.asked(),
				posts: kling.posts(),
				strayed: kling.sandbox.requests.filter(({ path }) => path === STRAY).length,
				isGood: list.results.length > 0,
				ids: idsIn(list.results),
				told: error && `${error.message}\n${error.description}`,
				hints: [],
				isWaiting: false,
				kept: stringify(list) + stringify(error ?? {}),
			};
		});
	};

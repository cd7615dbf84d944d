// The task list as the API gives it: entries with the works of one task each.
import { createdMs } from '../../nodes/Kling/job/history.ts';
import { readTask, record, worksOf, type TaskState } from '../../nodes/Kling/job/result.ts';
import type { TaskModel } from '../../nodes/Kling/transport/types.ts';
import type { Question, Seen } from './seen.mts';

const UPSCALE_TYPE = 'mmu_image_upscale_aiweb';

export interface Entry extends TaskState {
	/** Epoch ms, NaN when it is not told. */
	createTime: number;
	/** Names of the entry's fields. */
	fields: string[];
	works: Array<Record<string, unknown>>;
}

/** `undefined` when there was no list. */
export function entriesOf(seen: Seen, question: Question): Entry[] | undefined {
	const history = seen.body(question)?.history;
	if (!Array.isArray(history)) return undefined;
	return history.map((one) => {
		const entry = record(one) as TaskModel;
		return {
			...readTask(entry),
			createTime: createdMs(entry),
			fields: Object.keys(entry),
			works: worksOf(entry),
		};
	});
}

/** The newest finished task with an image; one that is itself an upscale only if there is no other. */
export function newestImageTask(seen: Seen): Entry | undefined {
	const finished = (entriesOf(seen, 'tasks') ?? []).filter(
		({ taskId, images, status }) =>
			taskId && images[0]?.workId && ['succeed', 'unknown'].includes(status),
	);
	return finished.find(({ type }) => type !== UPSCALE_TYPE) ?? finished[0];
}

import { idText, record, records, text } from '../transport/json';
import type { Task } from './task';

/** What a task was made of and asked for, as far as the API tells it. assumes: task-tells-inputs */
export interface Origin {
	/** The images of Kling's that it was made from (`taskInfo.inputs[].fromWorkId`). */
	fromWorkIds: string[];
	inputUrls: string[];
	/** `taskInfo.arguments[]`, by name. */
	args: Record<string, string>;
}

/** It stands in the task and in each of its works (kling-api.md, "GET /v1/kling/tasks"). */
export function originOf({ raw }: Task): Origin {
	const infos = [record(raw.task), ...records(raw.works)].map(({ taskInfo }) => record(taskInfo));
	const inputs = infos.flatMap((info) => records(info.inputs));
	const args = infos.flatMap((info) => records(info.arguments));
	return {
		fromWorkIds: inputs.flatMap(({ fromWorkId }) => idText(fromWorkId) ?? []),
		inputUrls: inputs.flatMap(({ url }) => text(url) ?? []),
		args: Object.fromEntries(args.map(({ name, value }) => [text(name) ?? '', String(value)])),
	};
}

export const tellsInputs = ({ fromWorkIds, inputUrls }: Origin): boolean =>
	fromWorkIds.length > 0 || inputUrls.length > 0;

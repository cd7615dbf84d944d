import { idText, record, text } from '../transport/json';
import type { Task } from './task';

/** What a task was made of and asked for, as far as the API tells it. assumes: task-tells-inputs */
export interface Origin {
	/** The images of Kling's that it was made from (`taskInfo.inputs[].fromWorkId`). */
	fromWorkIds: string[];
	inputUrls: string[];
	/** `taskInfo.arguments[]`, by name. */
	args: Record<string, string>;
}

export const UNTOLD: Origin = { fromWorkIds: [], inputUrls: [], args: {} };

/** It stands in the task and in each of its works (kling-api.md, "GET /v1/kling/tasks"). */
export function originOf({ raw }: Task): Origin {
	const works = Array.isArray(raw.works) ? raw.works.map(record) : [];
	const infos = [record(raw.task), ...works].map(({ taskInfo }) => record(taskInfo));
	const inputs = infos.flatMap((info) => listOf(info.inputs));
	const args = infos.flatMap((info) => listOf(info.arguments));
	return {
		fromWorkIds: inputs.flatMap(({ fromWorkId }) => idText(fromWorkId) ?? []),
		inputUrls: inputs.flatMap(({ url }) => text(url) ?? []),
		args: Object.fromEntries(args.map(({ name, value }) => [text(name) ?? '', String(value)])),
	};
}

const listOf = (value: unknown) => (Array.isArray(value) ? value.map(record) : []);

export const tellsInputs = ({ fromWorkIds, inputUrls }: Origin): boolean =>
	fromWorkIds.length > 0 || inputUrls.length > 0;

import type { IWebhookFunctions } from 'n8n-workflow';

import { idText, parseJson, record, records } from '../transport/json';
import type { TaskModel } from '../transport/types';
import { parseTask } from './task';

/**
 * What somebody who called says. "No signature, retry policy, timeout or source address is documented" (kling-api.md,
 * "Callbacks"), so nothing of it is believed: it only says which task is worth a look.
 */
export interface Callback {
	/** The task it is about, if it names one. */
	taskId?: string;
	/** It says that the task still runs. */
	isProgress: boolean;
	/** It says that the task is finished. */
	isFinal: boolean;
	/** The reference that was sent with the job. */
	replyRef?: string;
}

/** Never throws, whatever was sent. The body is expected "as GET returns it". assumes: callback-model */
export function readCallback(n8n: IWebhookFunctions): Callback {
	const body = bodyOf(n8n);
	const { taskId, status, finished } = parseTask(body);
	const [work] = records(body.works);
	const says = status !== 'unknown' || finished;
	return {
		taskId: taskId ?? idText(work?.taskId),
		isProgress: says && !finished,
		isFinal: says && finished,
		replyRef: replyRefOf(body),
	};
}

/** From the text as it came: n8n's own parser rounds ids past 2^53, and a rounded id is another task's id. */
function bodyOf(n8n: IWebhookFunctions): TaskModel {
	const { rawBody } = n8n.getRequestObject() as { rawBody?: { toString(): string } };
	const body = rawBody ? parseJson(rawBody.toString()) : n8n.getBodyData();
	return record(body) as TaskModel;
}

/**
 * Where the reference stands in a Kling callback is not documented; "sibling APIs have it at top level, in `request` or
 * in `response`" (kling-api.md, "Callbacks").
 */
function replyRefOf(body: TaskModel): string | undefined {
	return [body, body.request, body.response]
		.map((place) => idText(record(place).replyRef))
		.find((replyRef) => replyRef !== undefined);
}

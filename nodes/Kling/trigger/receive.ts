import type { INodeExecutionData, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import { readCallback, type Callback } from '../tasks/callback';
import { openContext, type Context } from '../runtime/context';
import { buildItems } from '../job/output/items';
import type { Task, TaskRef } from '../tasks/task';
import { confirm } from './confirm';
import { claim, persist } from './deduplication';
import { readSettings, type Event, type TriggerSettings } from './parameters';

/**
 * A task to which nothing has happened for longer is no news: somebody sends an old call again. useapi.net calls while a
 * task runs and when it ends; a day leaves room for clocks that differ.
 * assumes: trigger-update-time, clock-skew
 */
const MAX_AGE_MS = 24 * 3_600_000;
/** Ids are digits (kling-api.md, "Ids are sent as strings"); nothing else is worth a question to the API. */
const TASK_ID = /^\d{1,30}$/;
/** `replyRef`: "at most 1024 characters" (kling-api.md, "Callbacks"). */
const MAX_REPLY_REF_LENGTH = 1_024;

const STILL_RUNNING = 'the call says that it is finished, useapi.net says that it still runs';

const NOTHING: IWebhookResponseData = { noWebhookResponse: true };

/**
 * Answers a call at once, and starts the workflow if the API confirms what the call is about.
 *
 * Never throws, whatever was sent: n8n would answer 500 and start the workflow all the same, with an empty item.
 */
export async function receive(n8n: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		// The same to everybody, so that a caller learns nothing; and before any work, so that nobody has to wait.
		n8n.getResponseObject().status(200).json({ received: true });
		const item = await itemFor(n8n, readCallback(n8n), readSettings(n8n));
		return item ? { ...NOTHING, workflowData: [[item]] } : NOTHING;
	} catch (error) {
		n8n.logger.warn(`"${n8n.getNode().name}" could not handle a call: ${(error as Error).message}`);
		return NOTHING;
	}
}

/** The item to start the workflow with, or `undefined` when the call is to start nothing. */
async function itemFor(
	n8n: IWebhookFunctions,
	callback: Callback,
	settings: TriggerSettings,
): Promise<INodeExecutionData | undefined> {
	const { taskId, isFinal: saysFinished } = callback;
	const { account } = settings;
	if (!taskId || !TASK_ID.test(taskId) || !isOfInterest(callback, settings)) return undefined;

	const context = await openContext(n8n);
	const key = [n8n.getWorkflow().id, context.node.id, taskId, saysFinished].join(':');
	const { problem, task } = await confirm(context.api, { key, taskId, account, saysFinished });
	if (problem) return tell(n8n, taskId, problem.message, problem.httpCode);

	const event = eventOf(task);
	if (!settings.events.includes(event)) {
		const isContradicted = saysFinished && event === 'progress';
		return isContradicted ? tell(n8n, taskId, STILL_RUNNING) : undefined;
	}
	// Taken before the file is fetched: repeats that come meanwhile find it taken.
	const isTest = n8n.getMode() === 'manual';
	const what = `${taskId} ${event === 'progress' ? task.status : event}`;
	if (!isTest && !(isRecent(task) && claim(n8n, what))) return undefined;

	const replyRef = callback.replyRef?.slice(0, MAX_REPLY_REF_LENGTH);
	const ref = { taskId, itemIndex: 0, account, replyRef };
	const item = await build(context, task, ref, settings);
	if (!isTest) persist(n8n);
	return item;
}

/** As far as the caller's own words go; they only save questions, and start nothing. */
function isOfInterest(
	{ isProgress, isFinal, replyRef }: Callback,
	{ events, replyRef: wantedRef }: TriggerSettings,
): boolean {
	if (wantedRef !== undefined && replyRef?.trim() !== wantedRef) return false;
	if (isProgress) return events.includes('progress');
	return isFinal ? events.some((event) => event !== 'progress') : events.length > 0;
}

/** What the API says; nothing that the caller said counts here. */
function eventOf({ finished, failed }: Task): Event {
	if (!finished) return 'progress';
	return failed ? 'failed' : 'succeed';
}

/** A task without any time on it counts as recent; what was started is remembered all the same. */
function isRecent({ updatedAt, createdAt }: Task): boolean {
	const lastChange = updatedAt ?? createdAt;
	return lastChange === undefined || Date.now() - Date.parse(lastChange) < MAX_AGE_MS;
}

/** As Upscale puts it out. A file that cannot be had must not lose the result: there is no second call. */
async function build(
	context: Context,
	task: Task,
	ref: TaskRef,
	{ output }: TriggerSettings,
): Promise<INodeExecutionData> {
	try {
		const [item] = await buildItems(context, task, ref, output);
		return item;
	} catch (error) {
		const [item] = await buildItems(context, task, ref, { output: output.output });
		item.json.downloadError = (error as Error).message;
		return item;
	}
}

/** For whoever looks into n8n's log to see why nothing started. A task that is not known is most likely made up. */
function tell(
	n8n: IWebhookFunctions,
	taskId: string,
	reason: string,
	httpCode?: string,
): undefined {
	const line = `"${n8n.getNode().name}" started nothing for task ${taskId}: ${reason}`;
	if (httpCode === '404') n8n.logger.info(line);
	else n8n.logger.warn(line);
}

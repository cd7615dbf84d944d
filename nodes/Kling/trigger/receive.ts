import type { INodeExecutionData, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import { readCallback, type Callback } from '../tasks/callback';
import { openKit, type Kit } from '../runtime/context';
import { buildItems, type TaskRef } from '../job/output/items';
import { readTask } from '../tasks/task';
import type { TaskModel } from '../transport/types';
import { lookPatiently } from './confirm';
import { readSettings, type Event, type TriggerSettings } from './parameters';
import { claim, store } from './deduplication';

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
export async function receive(this: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		// The same to everybody, so that a caller learns nothing; and before any work, so that nobody has to wait.
		this.getResponseObject().status(200).json({ received: true });
		const item = await itemFor.call(this, readCallback(this), readSettings(this));
		return item ? { ...NOTHING, workflowData: [[item]] } : NOTHING;
	} catch (error) {
		this.logger.warn(
			`"${this.getNode().name}" could not handle a call: ${(error as Error).message}`,
		);
		return NOTHING;
	}
}

/** The item to start the workflow with, or `undefined` when the call is to start nothing. */
async function itemFor(
	this: IWebhookFunctions,
	callback: Callback,
	settings: TriggerSettings,
): Promise<INodeExecutionData | undefined> {
	const { taskId, isFinal: saysFinished } = callback;
	const { account } = settings;
	if (!taskId || !TASK_ID.test(taskId) || !isOfInterest(callback, settings)) return undefined;

	const kit = await openKit(this);
	const key = [this.getWorkflow().id, this.getNode().id, taskId, saysFinished].join(':');
	const wanted = { key, taskId, account, saysFinished };
	const { trouble, model } = await lookPatiently(kit.api, wanted);
	if (trouble) return tell.call(this, taskId, trouble.message, trouble.httpCode);

	const event = eventOf(model);
	if (!settings.events.includes(event)) {
		const isContradicted = saysFinished && event === 'progress';
		return isContradicted ? tell.call(this, taskId, STILL_RUNNING) : undefined;
	}
	// Taken before the file is fetched: repeats that come meanwhile find it taken.
	const isTest = this.getMode() === 'manual';
	const what = `${taskId} ${event === 'progress' ? readTask(model).status : event}`;
	if (!isTest && !(isRecent(model) && claim.call(this, what))) return undefined;

	const replyRef = callback.replyRef?.slice(0, MAX_REPLY_REF_LENGTH);
	const item = await build.call(this, kit, model, { taskId, account, replyRef }, settings);
	if (!isTest) store.call(this);
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
function eventOf(model: TaskModel): Event {
	const { finished, failed } = readTask(model);
	if (!finished) return 'progress';
	return failed ? 'failed' : 'succeed';
}

/** A task without any time on it counts as recent; what was started is remembered all the same. */
function isRecent(model: TaskModel): boolean {
	const { updatedAt, createdAt } = readTask(model);
	const lastChange = updatedAt ?? createdAt;
	return lastChange === undefined || Date.now() - Date.parse(lastChange) < MAX_AGE_MS;
}

/** As Upscale puts it out. A file that cannot be had must not lose the result: there is no second call. */
async function build(
	this: IWebhookFunctions,
	kit: Kit,
	model: TaskModel,
	known: TaskRef,
	{ output }: TriggerSettings,
): Promise<INodeExecutionData> {
	try {
		const [item] = await buildItems.call(this, kit, model, known, output, 0);
		return item;
	} catch (error) {
		const [item] = await buildItems.call(this, kit, model, known, { output: output.output }, 0);
		item.json.downloadError = (error as Error).message;
		return item;
	}
}

/** For whoever looks into n8n's log to see why nothing started. A task that is not known is most likely made up. */
function tell(
	this: IWebhookFunctions,
	taskId: string,
	reason: string,
	httpCode?: string,
): undefined {
	const line = `"${this.getNode().name}" started nothing for task ${taskId}: ${reason}`;
	if (httpCode === '404') this.logger.info(line);
	else this.logger.warn(line);
}

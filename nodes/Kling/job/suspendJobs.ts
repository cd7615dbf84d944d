import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { unwrap } from '../runtime/problems';
import type { PaidRequest, TaskModel } from '../transport/types';
import type { Batch, Items } from '../runtime/runItems';
import { assertImages, buildItems, buildResult } from './output/items';
import { EMPTY_SUCCESS_MS, isEmptySuccess, isTask, runningJobs } from '../tasks/fetchTask';
import { readTask } from '../tasks/task';
import { taskRef, withoutReplyUrl, type JobParameters } from './paidJob';
import type { Submission } from './submission/attempt';
import type { Submitter } from './submission/submit';
import type { TaskPoller } from './waiting/poller';
import { earlierTimerMs, suspend, type PendingTask } from './waiting/suspend';

/** For this many tasks one list of running jobs is cheaper, and sooner read, than a look at each. */
const LIST_FROM = 3;

interface SentJob<R extends PaidRequest> {
	parameters: JobParameters<R>;
	itemIndex: number;
	submission: Submission;
	model: TaskModel;
}

/**
 * Sends all jobs and suspends the execution until useapi.net calls back, unless everything is finished by then.
 * `waiting/resume.ts` goes on from there.
 *
 * n8n refuses calls while an execution still runs, and nobody repeats a lost call. So between the last look at the tasks
 * and the suspension there is no work: files are fetched when the execution goes on.
 */
export async function suspendJobs<R extends PaidRequest>(
	context: IExecuteFunctions,
	items: Items<JobParameters<R>>,
	submitter: Submitter<R>,
	poller: TaskPoller,
): Promise<INodeExecutionData[]> {
	const { batch } = items;
	earlierTimerMs(context);
	const jobs = new Map<number, SentJob<R>>();
	await items.each(async (parameters, itemIndex) => {
		const submission = await submitter.submit(parameters, itemIndex);
		jobs.set(itemIndex, { parameters, itemIndex, submission, model: submission.model ?? {} });
		return undefined;
	});
	await items.each(async ({ timeoutMs }, itemIndex) => {
		const job = jobs.get(itemIndex)!;
		// Nobody calls this execution about a job that was sent elsewhere.
		if (!job.submission.callsBack && isRunning(job)) await poll(poller, job, timeoutMs);
		return undefined;
	});
	const called = [...jobs.values()].filter(({ submission }) => submission.callsBack);
	await lookUntilQuiet(context, batch, poller, called);
	batch.cancellation.throwIfAborted();

	const isOver = !called.some(isRunning);
	const pending: PendingTask[] = [];
	let limitMs = 0;
	await items.each(async (parameters, itemIndex) => {
		const job = jobs.get(itemIndex)!;
		const { settings } = parameters;
		const { submission, model } = job;
		const known = taskRef(parameters, submission);
		const build = async (current = settings) =>
			await buildItems.call(context, batch, model, known, current, itemIndex);
		if (!isRunning(job)) {
			submission.settle(model);
			if (isOver) return await buildResult.call(context, batch, model, known, settings, itemIndex);
			assertImages.call(context, model, known.taskId, itemIndex);
			if (!settings.binaryPropertyName) return await build();
		}
		if (!isRunning(job) || submission.callsBack) {
			pending.push(pendingTask(job));
			limitMs = Math.max(limitMs, parameters.timeoutMs);
		}
		return await build({ output: settings.output });
	});
	const outputs = items.finish();
	if (isOver) return outputs;
	await suspend(context, outputs, pending, batch.accepted, limitMs);
	return withoutFirstError(outputs);
}

/**
 * What is shown while the execution waits; what comes out later stands in the input items. n8n would run the node again
 * whose first item has an `error` (Retry On Fail), and refuse every call meanwhile.
 */
function withoutFirstError([first, ...others]: INodeExecutionData[]): INodeExecutionData[] {
	const { error, ...json } = first.json;
	return [{ ...first, json: error === undefined ? json : { failed: error, ...json } }, ...others];
}

const isRunning = ({ model }: SentJob<PaidRequest>) => !readTask(model).finished;

function pendingTask<R extends PaidRequest>({
	parameters,
	itemIndex,
	submission,
}: SentJob<R>): PendingTask {
	const { settings, timeoutMs } = parameters;
	const { sentAtMs } = submission;
	const request = withoutReplyUrl(parameters.request);
	const known = taskRef(parameters, submission);
	return { itemIndex, ...known, settings, sentAtMs, request, timeoutMs };
}

/** Looks at all tasks, and again at those that may have ended meanwhile, until none has. */
async function lookUntilQuiet<R extends PaidRequest>(
	context: IExecuteFunctions,
	batch: Batch,
	poller: TaskPoller,
	jobs: Array<SentJob<R>>,
): Promise<void> {
	const lookAtAll = async (some: Array<SentJob<R>>) =>
		await Promise.all(some.map(async (job) => await look(batch, poller, job)));
	let running = jobs.filter(isRunning);
	if (running.length >= LIST_FROM) await lookAtAll(running);
	for (;;) {
		batch.cancellation.throwIfAborted();
		running = running.filter(isRunning);
		if (running.length === 0) return;
		const timerMs = earlierTimerMs(context);
		if (timerMs === undefined) {
			await lookAtAll(await mayHaveEnded(batch, running));
			if (running.every(isRunning)) return;
		} else {
			const untilTimer = async (job: SentJob<R>) =>
				// What cannot be asked now may be told by a callback later.
				await poll(poller, job, timerMs - Date.now()).catch(
					async () => await batch.cancellation.sleepUntil(timerMs),
				);
			await Promise.all(running.map(untilTimer));
		}
	}
}

async function mayHaveEnded<R extends PaidRequest>(
	{ api }: Batch,
	running: Array<SentJob<R>>,
): Promise<Array<SentJob<R>>> {
	const listed = running.length < LIST_FROM ? undefined : await runningJobs(api);
	return running.filter(({ submission }) => !listed?.has(submission.taskId));
}

/** Trouble is no matter here: the callback, or the time limit, brings the execution on. */
async function look<R extends PaidRequest>(
	{ api }: Batch,
	poller: TaskPoller,
	job: SentJob<R>,
): Promise<void> {
	const { taskId } = job.submission;
	const got = unwrap(await api.getTask(taskId, job.parameters.request.email));
	const { body } = got as { body?: TaskModel };
	if (body && isTask(body)) job.model = body;
	// No further callback comes about a success that has yet to get its file.
	if (isEmptySuccess(job.model)) await poll(poller, job, EMPTY_SUCCESS_MS).catch(() => {});
}

/** Until the task is finished or the time is over. */
async function poll<R extends PaidRequest>(
	poller: TaskPoller,
	job: SentJob<R>,
	timeoutMs: number,
): Promise<void> {
	const { itemIndex, submission, parameters } = job;
	const { email: account } = parameters.request;
	const { taskId } = submission;
	const watch = { taskId, account, itemIndex, timeoutMs, justSubmitted: false };
	job.model = (await poller.waitUntil(watch)) ?? job.model;
}

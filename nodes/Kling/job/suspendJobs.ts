import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import type { Context } from '../runtime/context';
import type { Items } from '../runtime/runItems';
import { fetchTaskOnce, GRACE, runningJobs } from '../tasks/fetchTask';
import { parseTask, type Task } from '../tasks/task';
import { assertImages, buildItems, buildResult } from './output/items';
import type { JobParameters, Submission } from './submission/attempt';
import type { Submitter } from './submission/submit';
import type { TaskPoller } from './waiting/poller';
import { earlierTimerMs, suspend, type PendingTask } from './waiting/suspend';

/** For this many tasks one list of running jobs is cheaper, and sooner read, than a look at each. */
const LIST_FROM = 3;

interface SentJob {
	parameters: JobParameters;
	submission: Submission;
	/** As it was seen last. */
	task: Task;
}

/**
 * Sends all jobs and suspends the execution until useapi.net calls back, unless everything is finished by then.
 * `waiting/resume.ts` goes on from there.
 *
 * n8n refuses calls while an execution still runs, and nobody repeats a lost call. So between the last look at the tasks
 * and the suspension there is no work: files are fetched when the execution goes on.
 */
export async function suspendJobs(
	items: Items<JobParameters>,
	submitter: Submitter,
	poller: TaskPoller,
): Promise<INodeExecutionData[]> {
	const { context } = items;
	earlierTimerMs(context.n8n);
	const jobs = new Map<number, SentJob>();
	await items.each(async (parameters, itemIndex) => {
		const submission = await submitter.submit(parameters, itemIndex);
		jobs.set(itemIndex, { parameters, submission, task: submission.task ?? parseTask({}) });
		return undefined;
	});
	await items.each(async ({ timeoutMs }, itemIndex) => {
		const job = jobs.get(itemIndex)!;
		// Nobody calls this execution about a job that was sent elsewhere.
		if (!job.submission.callsBack && isRunning(job)) await poll(poller, job, timeoutMs);
		return undefined;
	});
	const called = [...jobs.values()].filter(({ submission }) => submission.callsBack);
	await lookUntilQuiet(context, poller, called);
	context.cancellation.throwIfAborted();

	const isOver = !called.some(isRunning);
	const pending: PendingTask[] = [];
	let limitMs = 0;
	await items.each(async ({ settings, timeoutMs }, itemIndex) => {
		const job = jobs.get(itemIndex)!;
		const { submission, task } = job;
		const { ref } = submission;
		if (!isRunning(job)) {
			submission.settle(task);
			if (isOver) return await buildResult(context, task, ref, settings);
			assertImages(context, task, ref);
			if (!settings.binaryPropertyName) return await buildItems(context, task, ref, settings);
		}
		if (!isRunning(job) || submission.callsBack) {
			pending.push(pendingTask(job));
			limitMs = Math.max(limitMs, timeoutMs);
		}
		return await buildItems(context, task, ref, { output: settings.output });
	});
	const outputs = items.finish();
	if (isOver) return outputs;
	await suspend(context.n8n, outputs, pending, submitter.items.accepted, limitMs);
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

const isRunning = ({ task }: SentJob) => !task.finished;

function pendingTask({ parameters, submission }: SentJob): PendingTask {
	const { settings, timeoutMs, spendingLimit } = parameters;
	const { ref, sentAtMs, call } = submission;
	// A resume URL carries n8n's signature, and calls an execution that may be over.
	const request = { ...call.request, replyUrl: undefined };
	return { ...ref, settings, sentAtMs, call: { ...call, request }, timeoutMs, spendingLimit };
}

/** Looks at all tasks, and again at those that may have ended meanwhile, until none has. */
async function lookUntilQuiet(
	context: Context<IExecuteFunctions>,
	poller: TaskPoller,
	jobs: SentJob[],
): Promise<void> {
	const { n8n, cancellation } = context;
	const lookAtAll = async (some: SentJob[]) =>
		await Promise.all(some.map(async (job) => await look(context, poller, job)));
	let running = jobs.filter(isRunning);
	if (running.length >= LIST_FROM) await lookAtAll(running);
	for (;;) {
		cancellation.throwIfAborted();
		running = running.filter(isRunning);
		if (running.length === 0) return;
		const timerMs = earlierTimerMs(n8n);
		if (timerMs === undefined) {
			await lookAtAll(await mayHaveEnded(context, running));
			if (running.every(isRunning)) return;
		} else {
			const untilTimer = async (job: SentJob) =>
				// What cannot be asked now may be told by a callback later.
				await poll(poller, job, timerMs - Date.now()).catch(
					async () => await cancellation.sleepUntil(timerMs),
				);
			await Promise.all(running.map(untilTimer));
		}
	}
}

async function mayHaveEnded({ api }: Context, running: SentJob[]): Promise<SentJob[]> {
	const listed = running.length < LIST_FROM ? undefined : await runningJobs(api);
	return running.filter(({ submission }) => !listed?.has(submission.ref.taskId));
}

/** A look that fails is no matter: the callback, or the time limit, brings the execution on. */
async function look({ api }: Context, poller: TaskPoller, job: SentJob): Promise<void> {
	const { task } = await fetchTaskOnce(api, job.submission.ref);
	if (task) job.task = task;
	// No further callback comes about a success that has yet to get its file.
	if (job.task.isEmpty) await poll(poller, job, GRACE.emptyMs).catch(() => {});
}

/** Until the task is finished or the time is over. */
async function poll(poller: TaskPoller, job: SentJob, timeoutMs: number): Promise<void> {
	const { ref } = job.submission;
	job.task = (await poller.waitUntil({ ref, timeoutMs, justSubmitted: false })) ?? job.task;
}

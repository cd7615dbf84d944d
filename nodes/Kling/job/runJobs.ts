import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import type { KlingApi } from '../transport/client';
import type { PaidRequest } from '../transport/types';
import { Items, type Batch } from '../runtime/runItems';
import { buildItems, buildResult } from './output/items';
import { taskRef, type JobParameters } from './paidJob';
import { isEmptySuccess, lookAtTask } from '../tasks/fetchTask';
import { readTask } from '../tasks/task';
import type { PaidOperation } from './submission/attempt';
import { Submitter } from './submission/submit';
import { suspendJobs } from './suspendJobs';
import { TaskPoller } from './waiting/poller';
import { suspendedBefore, type Pending } from './waiting/suspend';
import { suspendAgain } from './waiting/suspendAgain';

/** The addresses that n8n gives to Webhook and Form nodes while their workflow is being tested. */
const TEST_URL = /\/(webhook|form)-test\//;
const TEST_URL_HINT =
	"The 'Reply URL' is a test URL: n8n listens there only for a moment, while you test. Use the Production URL of the Kling Trigger or Webhook node, and publish its workflow.";

/**
 * Runs a paid operation: sends every item's job, then waits for all results together, as Wait for Result says. The first
 * item decides whether the execution is suspended, which it can only be as a whole.
 */
export async function runJobs<R extends PaidRequest>(
	context: IExecuteFunctions,
	operation: PaidOperation<R>,
	read: (itemIndex: number, api: KlingApi) => JobParameters<R>,
): Promise<INodeExecutionData[]> {
	const pending = suspendedBefore(context);
	if (pending) {
		return pending.executionId === context.getExecutionId()
			? await suspendAgain(context, pending)
			: await pollPending(context, operation, pending);
	}
	const items = await Items.read(context, read);
	const submitter = new Submitter(context, items.batch, operation);
	const { batch } = items;
	const poller = openPoller(context, batch);
	items.forEach((parameters, itemIndex) => submitter.recall(parameters, itemIndex));
	if (items.first?.wait === 'callback') return await suspendJobs(context, items, submitter, poller);
	await items.each(async (parameters, itemIndex) => {
		const { replyUrl } = parameters.request;
		if (replyUrl && TEST_URL.test(replyUrl)) batch.hints.add(TEST_URL_HINT);
		return await runJob({ context, batch, submitter, poller }, parameters, itemIndex);
	});
	return items.finish();
}

/** What all items of a run share. */
interface Run<R extends PaidRequest> {
	context: IExecuteFunctions;
	batch: Batch;
	submitter: Submitter<R>;
	poller: TaskPoller;
}

const openPoller = (context: IExecuteFunctions, { api, cancellation }: Batch) =>
	new TaskPoller(context.getNode(), api, cancellation);

async function runJob<R extends PaidRequest>(
	{ context, batch, submitter, poller }: Run<R>,
	parameters: JobParameters<R>,
	itemIndex: number,
): Promise<INodeExecutionData[]> {
	const { settings, timeoutMs, pollIntervalMs } = parameters;
	const submission = await submitter.submit(parameters, itemIndex);
	const known = taskRef(parameters, submission);
	const { taskId, account } = known;
	if (parameters.wait === 'none') {
		const { output } = settings;
		const current =
			submission.model ?? (await lookAtTask(context.getNode(), batch, taskId, account, itemIndex));
		return await buildItems.call(context, batch, current, known, { output }, itemIndex);
	}
	const { model, isNew: justSubmitted } = submission;
	const finished =
		model && readTask(model).finished && !isEmptySuccess(model)
			? model
			: await poller.waitFor({
					taskId,
					account,
					itemIndex,
					timeoutMs,
					pollIntervalMs,
					justSubmitted,
				});
	submission.settle(finished);
	return await buildResult.call(context, batch, finished, known, settings, itemIndex);
}

/**
 * A person retries an execution that was suspended: useapi.net would call the old one, so the tasks are polled. The input
 * items are the outputs of then, so nothing is read from the parameters.
 */
async function pollPending<R extends PaidRequest>(
	context: IExecuteFunctions,
	operation: PaidOperation<R>,
	{ tasks }: Pending,
): Promise<INodeExecutionData[]> {
	const input = context.getInputData();
	const items = await Items.read(context, (itemIndex) =>
		tasks.find((task) => task.itemIndex === itemIndex),
	);
	const { batch } = items;
	const submitter = new Submitter(context, batch, operation);
	const run = { context, batch, submitter, poller: openPoller(context, batch) };
	await items.each(async (task, item) => {
		if (!task?.request) return [{ ...input[item], pairedItem: { item } }];
		const { settings, timeoutMs = 0 } = task;
		const job = { request: task.request as R, timeoutMs, settings };
		const how = { wait: 'poll', reuse: false, callsBack: false } as const;
		return await runJob(run, { ...job, ...how }, item);
	});
	return items.finish();
}

import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import type { KlingApi } from '../transport/client';
import type { Context } from '../runtime/context';
import type { Advise } from '../runtime/problems';
import { Items } from '../runtime/runItems';
import { getTask } from '../tasks/fetchTask';
import { buildItems, buildResult } from './output/items';
import type { JobParameters } from './submission/attempt';
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
 *
 * @param advise what the operation knows to do about a refusal
 */
export async function runJobs(
	n8n: IExecuteFunctions,
	read: (itemIndex: number, api: KlingApi) => JobParameters | Promise<JobParameters>,
	advise?: Advise,
): Promise<INodeExecutionData[]> {
	const pending = suspendedBefore(n8n);
	if (pending) {
		return pending.executionId === n8n.getExecutionId()
			? await suspendAgain(n8n, pending)
			: await pollPending(n8n, pending, advise);
	}
	const items = await Items.read(n8n, read);
	const run = openRun(items, advise);
	items.forEach((parameters, itemIndex) => run.submitter.noteEarlier(parameters, itemIndex));
	if (items.first?.wait === 'callback') {
		return await suspendJobs(items, run.submitter, run.poller);
	}
	await items.each(async (parameters, itemIndex) => {
		const { replyUrl } = parameters.call.request;
		if (replyUrl && TEST_URL.test(replyUrl)) items.context.hints.add(TEST_URL_HINT);
		return await runJob(run, parameters, itemIndex);
	});
	return items.finish();
}

/** What all items share. */
interface Run {
	context: Context<IExecuteFunctions>;
	submitter: Submitter;
	poller: TaskPoller;
}

function openRun<P>(items: Items<P>, advise?: Advise): Run {
	const { context } = items;
	const submitter = new Submitter(context, advise);
	items.explainStop = (error) => submitter.items.explain(error);
	return { context, submitter, poller: new TaskPoller(context) };
}

async function runJob(
	{ context, submitter, poller }: Run,
	parameters: JobParameters,
	itemIndex: number,
): Promise<INodeExecutionData[]> {
	const { settings, timeoutMs, pollIntervalMs, reuse } = parameters;
	const submission = await submitter.submit(parameters, itemIndex);
	const { ref, task, isNew: justSubmitted } = submission;
	if (parameters.wait === 'none') {
		const { output } = settings;
		return await buildItems(context, task ?? (await getTask(context, ref)), ref, { output });
	}
	const finished =
		task?.finished && !task.isEmpty
			? task
			: await poller.waitFor({
					ref,
					timeoutMs,
					pollIntervalMs,
					justSubmitted,
					paysAgain: !reuse,
				});
	submission.settle(finished);
	return await buildResult(context, finished, ref, settings);
}

/**
 * A person retries an execution that was suspended: useapi.net would call the old one, so the tasks are polled. The input
 * items are the outputs of then, so nothing is read from the parameters.
 */
async function pollPending(
	n8n: IExecuteFunctions,
	{ tasks }: Pending,
	advise?: Advise,
): Promise<INodeExecutionData[]> {
	const input = n8n.getInputData();
	const items = await Items.read(n8n, (itemIndex) =>
		tasks.find((task) => task.itemIndex === itemIndex),
	);
	const run = openRun(items, advise);
	await items.each(async (pending, item) => {
		if (!pending?.call) return [{ ...input[item], pairedItem: { item } }];
		const { call, settings, timeoutMs = 0, spendingLimit } = pending;
		const how = { wait: 'poll', reuse: false, callsBack: false } as const;
		return await runJob(run, { call, timeoutMs, spendingLimit, settings, ...how }, item);
	});
	return items.finish();
}

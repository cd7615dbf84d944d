import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import { runItems, type Batch } from '../../job/batch';
import { remember } from '../../job/memory';
import { buildItems, buildResult } from '../../job/output';
import { park, type ParkedTask } from '../../job/pause';
import { readTask } from '../../job/result';
import { submitUpscale } from '../../job/submit';
import { isTask, lookAtTask } from '../../job/read';
import type { KlingApi } from '../../transport/client';
import { bodyOrTrouble } from '../../transport/errors';
import type { TaskModel, UpscaleRequest } from '../../transport/types';
import {
	accountField,
	downloadFields,
	imageField,
	pollIntervalOption,
	showFor,
	taskField,
	timeoutOption,
	withoutWatermarkOption,
} from '../fields';
import { Parameters } from '../parameters';

export const description: INodeProperties[] = showFor('image', 'upscale', [
	accountField,
	{ ...taskField, description: 'The finished Kling task that made the image' },
	imageField,
	{
		displayName: 'Wait for Result',
		name: 'wait',
		type: 'options',
		noDataExpression: true,
		default: 'poll',
		builderHint: {
			propertyHint:
				'Keep "poll" unless the user asks for something else. "callback" needs an n8n that can be reached from the internet, and a Kling node after it with resource "task", operation "get" and wait "poll" for calls that got lost. "none" gives no image, only the ID of the new task.',
		},
		options: [
			{
				name: 'Poll Until Finished',
				value: 'poll',
				description: 'Ask for the status until the task is finished, then go on with its result',
			},
			{
				name: 'Pause Until Called Back',
				value: 'callback',
				description: 'Put the execution to sleep until useapi.net calls this n8n about the result',
				displayOptions: { hide: { '@tool': [true] } },
			},
			{
				name: 'Return Immediately',
				value: 'none',
				description: 'Go on at once with the new task ID; useapi.net can call the Reply URL later',
			},
		],
	},
	{
		displayName:
			'This n8n must be reachable from the internet, since useapi.net calls it. If no call comes within the time limit, the workflow goes on with tasks that are not finished: put Task → Get after this node to be safe.',
		name: 'callbackNotice',
		type: 'notice',
		default: '',
		displayOptions: { show: { wait: ['callback'] }, hide: { '@tool': [true] } },
	},
	{
		displayName: 'Reply URL',
		name: 'replyUrl',
		type: 'string',
		default: '',
		placeholder: 'e.g. https://my-n8n.example.com/webhook/kling',
		description:
			'Where useapi.net reports the result: the Production URL of a Kling Trigger or an n8n Webhook node that starts another workflow',
		builderHint: {
			propertyHint:
				'Known only once the other workflow is there: the Production URL of its Kling Trigger. Never a test URL.',
		},
		displayOptions: { show: { wait: ['none'] } },
	},
	{
		displayName: 'Output',
		name: 'output',
		type: 'options',
		default: 'simplified',
		options: [
			{
				name: 'Raw',
				value: 'raw',
				description: 'Everything useapi.net answers',
			},
			{
				name: 'Simplified',
				value: 'simplified',
				description: 'Status, image links and IDs',
			},
		],
	},
	...downloadFields.map((field) => ({
		...field,
		// Nothing is there to download yet when the node does not wait.
		displayOptions: {
			...field.displayOptions,
			show: { ...field.displayOptions?.show, wait: ['poll', 'callback'] },
		},
	})),
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [
			{
				displayName: 'Max Jobs',
				name: 'maxJobs',
				type: 'number',
				default: 5,
				typeOptions: { minValue: 1, maxValue: 50 },
				description:
					"How many jobs the Kling account may run at once. Without this option the account's own limit counts.",
			},
			{ ...pollIntervalOption, displayOptions: { show: { '/wait': ['poll'] } } },
			{
				displayName: 'Reply Reference',
				name: 'replyRef',
				type: 'string',
				default: '',
				placeholder: 'e.g. order-1234',
				description:
					'A text of yours that useapi.net stores with the job and sends along to the Reply URL',
			},
			{
				...timeoutOption,
				description:
					'How long to wait while every job slot is taken, and then for the result. A task that takes longer goes on at Kling and can be fetched later.',
			},
			{
				...withoutWatermarkOption,
				displayOptions: {
					...withoutWatermarkOption.displayOptions,
					show: { '/wait': ['poll', 'callback'], '/download': [true] },
				},
			},
		],
	},
]);

/** The addresses that n8n gives to Webhook and Form nodes while their workflow is being tested. */
const TEST_URL = /\/(webhook|form)-test\//;
const TEST_URL_HINT =
	'The Reply URL is a test URL: n8n listens there only for a moment, while you test. Use the Production URL of the Kling Trigger or Webhook node, and publish its workflow.';

/** Sends every item's job and then waits for all results together, as Wait for Result says. */
export async function execute(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	if (new Parameters(this, 0).wait() === 'callback') return await upscaleAndPark.call(this);
	return await runItems(this, readParameters.bind(this), upscale.bind(this));
}

type Job = ReturnType<typeof readParameters>;

function readParameters(this: IExecuteFunctions, itemIndex: number, { baseUrl }: KlingApi) {
	const parameters = new Parameters(this, itemIndex);
	const wait = parameters.wait();
	const replyUrl = {
		poll: () => undefined,
		callback: () => parameters.resumeUrl(baseUrl),
		none: () => parameters.replyUrl(baseUrl),
	}[wait]();
	const account = parameters.account();
	const maxJobs = parameters.maxJobs();
	const replyRef = parameters.replyRef();
	const request: UpscaleRequest = {
		task_id: parameters.id('taskId', 'Task'),
		workId: parameters.id('workId', 'Image'),
		...(account && { email: account }),
		...(maxJobs && { maxJobs }),
		...(replyUrl && { replyUrl }),
		...(replyRef && { replyRef }),
	};
	const settings = parameters.output(['simplified', 'raw']);
	return {
		request,
		wait,
		timeoutMs: wait === 'callback' ? parameters.pauseLimitMs() : parameters.timeoutMs(),
		pollIntervalMs: wait === 'poll' ? parameters.pollIntervalMs() : undefined,
		settings: wait === 'none' ? { output: settings.output } : settings,
	};
}

async function upscale(
	this: IExecuteFunctions,
	batch: Batch,
	{ request, wait, timeoutMs, pollIntervalMs, settings }: Job,
	itemIndex: number,
): Promise<INodeExecutionData[]> {
	const { email: account, replyRef, replyUrl } = request;
	if (replyUrl && TEST_URL.test(replyUrl)) batch.hints.add(TEST_URL_HINT);
	const { taskId, model } = await submitUpscale.call(this, batch, request, itemIndex, timeoutMs);
	const known = { taskId, account, replyRef };
	if (wait === 'none') {
		// A task picked up from an earlier try of the node has no answer of its own to show.
		const current = model ?? (await lookAtTask(this.getNode(), batch, taskId, account, itemIndex));
		return await buildItems.call(this, batch, current, known, settings, itemIndex);
	}
	const finished = await batch.watcher.watch({
		taskId,
		account,
		itemIndex,
		timeoutMs,
		pollIntervalMs,
		justSubmitted: model !== undefined,
	});
	batch.gate(account).taskFinished();
	if (readTask(finished).failed) remember.call(this, itemIndex, request, { taskId, failed: true });
	return await buildResult.call(this, batch, finished, known, settings, itemIndex);
}

/** Sends all jobs and parks the execution, unless everything is finished by then. `job/resume.ts` takes it from there. */
async function upscaleAndPark(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const running: ParkedTask[] = [];
	let limitMs = 0;
	const outputs = await runItems(
		this,
		readParameters.bind(this),
		async (batch, { request, timeoutMs, settings }: Job, itemIndex) => {
			const { email: account, replyRef } = request;
			const { taskId, model } = await submitUpscale
				.call(this, batch, request, itemIndex, timeoutMs)
				.finally(() => batch.submissions.arrive());
			const sentAtMs = Date.now();
			await batch.submissions.everyone();
			batch.halt.check();

			// A task that was finished before the execution is parked has called in vain, so each is looked at once.
			const { body } = bodyOrTrouble(await batch.api.getTask(taskId, account)) as {
				body?: TaskModel;
			};
			const current = body && isTask(body) ? body : (model ?? {});
			const known = { taskId, account, replyRef };
			if (readTask(current).finished) {
				if (readTask(current).failed) {
					remember.call(this, itemIndex, request, { taskId, failed: true });
				}
				return await buildResult.call(this, batch, current, known, settings, itemIndex);
			}
			running.push({ itemIndex, taskId, account, replyRef, settings, sentAtMs });
			limitMs = Math.max(limitMs, timeoutMs);
			const { output } = settings;
			return await buildItems.call(this, batch, current, known, { output }, itemIndex);
		},
	);
	if (running.length > 0) await park.call(this, outputs, running, limitMs);
	return outputs;
}

import type { IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';

import { runJobs } from '../../job/runJobs';
import type { JobParameters } from '../../job/submission/attempt';
import type { Advise } from '../../runtime/problems';
import { UPSCALE_TYPE } from '../../tasks/task';
import { accountField, imageField, reuseOption, showFor, taskField } from '../fields';
import { paidFields } from './paidFields';
import { PaidParameters } from './paidParameters';

export const description: INodeProperties[] = showFor('image', 'upscale', [
	accountField,
	{ ...taskField, description: 'The finished Kling task that made the image' },
	imageField,
	...paidFields([reuseOption]),
]);

/** Sends every item's job and then waits for all results together, as Wait for Result says. */
export async function execute(n8n: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await runJobs(
		n8n,
		(itemIndex, { baseUrl }) => readParameters(n8n, itemIndex, baseUrl),
		advise,
	);
}

/** assumes: not-completed */
export const advise: Advise = (status, said) =>
	status === 400 && /not completed/i.test(said)
		? {
				description:
					"The source task is still running. Wait for it first: put a Kling node with Task → Get and 'Wait for Result' set to 'Wait Until Finished' before this one.",
				forAgent:
					'The source task is still running. Wait for it first (Task → Get shows its status), then call this again with the same values. Nothing was spent.',
			}
		: undefined;

function readParameters(n8n: IExecuteFunctions, itemIndex: number, baseUrl: string): JobParameters {
	const parameters = new PaidParameters(n8n, itemIndex, baseUrl);
	const { request, ...job } = parameters.job();
	const task_id = parameters.id('taskId', 'Task');
	const workId = parameters.id('workId', 'Image');
	return {
		...job,
		reuse: parameters.reuse(),
		call: {
			operation: 'upscale',
			request: { task_id, workId, ...request },
			// "The request has no scale and no prompt, so two upscales of one image are the same work" (kling-api.md).
			fingerprint: JSON.stringify({ task_id, workId }),
			wanted: { type: UPSCALE_TYPE, fromWorkId: workId, sourceTaskId: task_id },
		},
	};
}

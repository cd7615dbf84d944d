import type { IExecuteFunctions } from 'n8n-workflow';

import {
	answerTrouble,
	isRefusal,
	isSuccess,
	isTool,
	klingError,
	readTrouble,
	vendorText,
	type Trouble,
} from '../transport/errors';
import type { ApiResult, TaskModel, UpscaleRequest } from '../transport/types';
import type { Batch } from './batch';
import { oneAtATime, recall, remember } from './memory';
import { idText } from './result';

/** An accepted job. `model` is the API's answer to the submission; a task picked up from an earlier try has none. */
export interface Submission {
	taskId: string;
	model?: TaskModel;
}

/**
 * Sends one upscale job, waiting for a free job slot.
 *
 * The rule of this file: a POST that may have been accepted is never sent again, because it would spend credits twice
 * and the API has no key to prevent it (kling-api.md, "There is no idempotency key"). Only a 429, or a request that
 * never left this machine, may be followed by another.
 *
 * @param patienceMs how long every slot of the account may stay taken
 * @throws KlingError when the job was refused, when its outcome is unknown, or when no slot became free
 */
export async function submitUpscale(
	this: IExecuteFunctions,
	batch: Batch,
	request: UpscaleRequest,
	itemIndex: number,
	patienceMs: number,
): Promise<Submission> {
	return await oneAtATime(
		this,
		itemIndex,
		request,
		async () => await submitOnce.call(this, batch, request, itemIndex, patienceMs),
	);
}

async function submitOnce(
	this: IExecuteFunctions,
	batch: Batch,
	request: UpscaleRequest,
	itemIndex: number,
	patienceMs: number,
): Promise<Submission> {
	const sent = recall.call(this, itemIndex, request);
	if (sent?.trouble) throw klingError(this.getNode(), sent.trouble, itemIndex);
	if (sent?.taskId) {
		batch.accepted.set(itemIndex, sent.taskId);
		return { taskId: sent.taskId };
	}

	const result = await batch.gate(request.email).through(async () => {
		const answer = await batch.api.upscale(request);
		// assumes: full-takes-nothing
		return answer.outcome === 'answered' && answer.status === 429
			? { full: true, retryAfterMs: answer.retryAfterMs }
			: { full: false, answer };
	}, patienceMs);
	if (!result) throw klingError(this.getNode(), answerTrouble(429, undefined), itemIndex);

	const taskId = acceptedTaskId(result);
	if (taskId && result.outcome === 'answered') {
		remember.call(this, itemIndex, request, { taskId });
		batch.accepted.set(itemIndex, taskId);
		return { taskId, model: result.body as TaskModel };
	}
	const trouble = submitTrouble(result);
	// An agent that is told to wait for the source task may ask again then: a refusal has spent nothing.
	const mayAskAgain = result.outcome === 'unsent' || (isTool(this.getNode()) && isRefusal(trouble));
	if (!mayAskAgain) remember.call(this, itemIndex, request, { trouble });
	// A cancel cuts requests short; it must not look like a failure of the API.
	if (batch.halt.isCanceled) batch.halt.check();
	throw klingError(this.getNode(), trouble, itemIndex);
}

function acceptedTaskId(result: ApiResult): string | undefined {
	if (result.outcome !== 'answered' || !isSuccess(result.status)) return undefined;
	// assumes: task-id
	return idText((result.body as TaskModel).task?.id);
}

function submitTrouble(result: ApiResult): Trouble {
	if (result.outcome === 'unsent') return readTrouble(result);
	if (result.outcome === 'lost') return unknownOutcome(result.reason);
	const { status, body } = result;
	if (isSuccess(status)) return unknownOutcome('the answer names no task');
	// A gateway's 502, 503 or 504 does not tell what became of the request behind it; 500 is the API's own word. assumes: refusal-takes-nothing
	if (status > 500) return unknownOutcome(vendorText(body) ?? `HTTP ${status}`, status);
	return answerTrouble(status, body);
}

function unknownOutcome(reason: string, status?: number): Trouble {
	return {
		message: `It is unknown whether the upscale job was accepted (${reason})`,
		description:
			'The request was sent but its answer was lost. It is not sent again by itself, since that could spend credits twice. Look up your tasks first (with Task → Get Many or on the Kling website), and send this item again, in a new execution, only if the task is not there.',
		forAgent:
			'The request was sent but its answer was lost. Do not ask for this image again, since that could spend credits twice; it is not sent again in this execution. Look for a new task in the list of tasks, or tell the user to look it up.',
		...(status && { httpCode: String(status) }),
	};
}

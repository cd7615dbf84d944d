import type { IExecuteFunctions } from 'n8n-workflow';

import { answerProblem, isAnswer } from '../../runtime/problems';
import { isSuccess, type ApiResult, type PaidRequest, type TaskModel } from '../../transport/types';
import type { Batch } from '../../runtime/runItems';
import { idText } from '../../tasks/task';
import { JobSlots } from './jobSlots';
import { Attempt, type PaidJob, type PaidOperation, type Submission } from './attempt';
import { SentJobs } from './takeOver';
import { submitProblem } from './problems';

/**
 * Sends the jobs of one call of the node.
 *
 * The rule of this file: a POST that may have been accepted is never sent again, because it would spend credits twice
 * and the API has no key to prevent it (kling-api.md, "There is no idempotency key"). Only a 429, or a request that
 * never left this machine, may be followed by another. What was sent before is taken over, see `SentJobs`.
 */
export class Submitter<R extends PaidRequest> {
	private readonly sent: SentJobs;
	/** Job slots are counted per Kling account. */
	private readonly gates = new Map<string, JobSlots>();

	constructor(
		private readonly context: IExecuteFunctions,
		private readonly batch: Batch,
		private readonly operation: PaidOperation<R>,
	) {
		this.sent = new SentJobs(context.getNode(), batch);
	}

	/**
	 * Waits for a free job slot and sends the job, unless it was sent before.
	 *
	 * @throws KlingError when the job was refused, when its outcome is unknown, or when no slot became free
	 */
	async submit(job: PaidJob<R>, itemIndex: number): Promise<Submission> {
		const { context, batch, operation } = this;
		const attempt = new Attempt(context, batch, operation, job, itemIndex);
		const submission = await attempt.ledger.serialize(
			attempt.fingerprint,
			async () => (await this.sent.takeOver(attempt)) ?? (await this.send(attempt)),
		);
		batch.accepted.set(itemIndex, submission.taskId);
		batch.unknown.delete(itemIndex);
		return submission;
	}

	/** What earlier tries have sent is told if an item fails before its turn comes. */
	recall(job: PaidJob<R>, itemIndex: number): void {
		const attempt = new Attempt(this.context, this.batch, this.operation, job, itemIndex);
		const { entry } = attempt;
		if (!entry || !attempt.isOwn(entry)) return;
		if (entry.state === 'accepted') this.batch.accepted.set(itemIndex, entry.taskId);
		if (entry.state === 'unknown') this.batch.unknown.add(itemIndex);
	}

	private async send(attempt: Attempt<R>): Promise<Submission> {
		const { batch, operation } = this;
		const { request, timeoutMs } = attempt.job;
		const gate = this.gateOf(request.email);
		let sentAtMs = 0;
		const result = await gate.run(async () => {
			sentAtMs = Date.now();
			const answer = await operation.send(batch.api, request);
			// assumes: full-takes-nothing
			return answer.outcome === 'answered' && answer.status === 429
				? { full: true, retryAfterMs: answer.retryAfterMs }
				: { full: false, isTaken: acceptedTaskId(answer) !== undefined, answer };
		}, timeoutMs);
		if (!result) throw attempt.error(answerProblem(429, undefined, 'job'));

		const taskId = acceptedTaskId(result);
		if (taskId && result.outcome === 'answered') {
			const submission = attempt.accept({ taskId }, sentAtMs);
			const settle = (finished: TaskModel) => {
				submission.settle(finished);
				gate.taskFinished();
			};
			return { ...submission, model: result.body as TaskModel, isNew: true, settle };
		}
		const trouble = submitProblem(result, operation.name);
		if (result.outcome !== 'unsent') {
			if (!isAnswer(trouble)) return await this.sent.findLost(attempt, trouble, sentAtMs);
			attempt.note({ state: 'refused', trouble }, sentAtMs);
		}
		// A cancel cuts requests short; it must not look like a failure of the API.
		if (batch.cancellation.isCanceled) batch.cancellation.throwIfAborted();
		throw attempt.error(trouble);
	}

	private gateOf(account = ''): JobSlots {
		const gate = this.gates.get(account) ?? new JobSlots(this.batch.cancellation);
		this.gates.set(account, gate);
		return gate;
	}
}

function acceptedTaskId(result: ApiResult): string | undefined {
	if (result.outcome !== 'answered' || !isSuccess(result.status)) return undefined;
	// assumes: task-id
	return idText((result.body as TaskModel).task?.id);
}

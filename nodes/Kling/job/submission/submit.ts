import type { IExecuteFunctions } from 'n8n-workflow';

import type { Context } from '../../runtime/context';
import type { Advise } from '../../runtime/problems';
import { parseTask } from '../../tasks/task';
import { isSuccess } from '../../transport/client';
import { idText } from '../../transport/json';
import type { ApiResult, TaskModel } from '../../transport/types';
import { Uploads } from '../input/uploads';
import { Attempt, ItemJobs, type PaidJob, type Submission } from './attempt';
import { JobSlots } from './jobSlots';
import { SentCount } from './ledger';
import { ACCOUNT_FULL, isUnknown, limitReached, submitProblem } from './problems';
import { SentJobs } from './takeOver';

/**
 * Sends the jobs of one call of the node.
 *
 * The rule of this file: a POST that may have been accepted is never sent again, because it would spend credits twice
 * and the API has no key to prevent it (kling-api.md, "There is no idempotency key"). Only a 429, or a request that
 * never left this machine, may be followed by another. What was sent before is taken over, see `SentJobs`.
 */
export class Submitter {
	readonly items = new ItemJobs();
	private readonly uploads: Uploads;
	private readonly sent: SentJobs;
	/** Job slots are counted per Kling account. */
	private readonly slots = new Map<string | undefined, JobSlots>();

	constructor(
		private readonly context: Context<IExecuteFunctions>,
		private readonly advise: Advise = () => undefined,
	) {
		this.uploads = new Uploads(context);
		this.sent = new SentJobs(context);
	}

	/**
	 * Waits for a free job slot and sends the job, unless it was sent before.
	 *
	 * @throws KlingError when the job was refused, when its outcome is unknown, or when no slot became free
	 */
	async submit(job: PaidJob, itemIndex: number): Promise<Submission> {
		const attempt = new Attempt(this.context, this.items, job, itemIndex);
		const submission = await attempt.ledger.serialize(attempt.fingerprint, async () => {
			const earlier = attempt.mayBeSentAlready ? await this.sent.takeOver(attempt) : undefined;
			return earlier ?? (await this.send(attempt));
		});
		this.items.accept(itemIndex, submission.ref.taskId);
		return submission;
	}

	/** What earlier tries have sent is told if an item fails before its turn comes. */
	noteEarlier(job: PaidJob, itemIndex: number): void {
		const attempt = new Attempt(this.context, this.items, job, itemIndex);
		const { entry } = attempt;
		if (!entry || !attempt.isOwn(entry)) return;
		if (entry.state === 'accepted') this.items.accept(itemIndex, entry.taskId);
		if (entry.state === 'unknown') this.items.doubt(itemIndex);
	}

	private async send(attempt: Attempt): Promise<Submission> {
		const { api, cancellation } = this.context;
		const { timeoutMs, spendingLimit = Infinity } = attempt.job;
		const slots = this.slotsOf(attempt.account);
		let sentAtMs = 0;
		const count = new SentCount(this.context.n8n);
		const result = await slots.run(async () => {
			if (!(await count.begin(spendingLimit, cancellation))) {
				throw attempt.error(limitReached(count.sent));
			}
			let answer: ApiResult | undefined;
			try {
				await this.upload(attempt);
				sentAtMs = Date.now();
				answer = await api.submit(attempt.call.operation, attempt.call.request);
			} finally {
				count.end(answer !== undefined && mayBePaid(answer));
			}
			// assumes: full-takes-nothing
			return answer.outcome === 'answered' && answer.status === 429
				? { full: true, retryAfterMs: answer.retryAfterMs }
				: { full: false, isTaken: acceptedTaskId(answer) !== undefined, answer };
		}, timeoutMs);
		if (!result) throw attempt.error(ACCOUNT_FULL);

		const taskId = acceptedTaskId(result);
		if (taskId && result.outcome === 'answered') {
			const submission = attempt.accept({ taskId }, sentAtMs);
			return {
				...submission,
				task: parseTask(result.body as TaskModel),
				isNew: true,
				settle: (finished) => {
					submission.settle(finished);
					slots.taskFinished();
				},
			};
		}
		const problem = submitProblem(result, attempt.call.operation, this.advise);
		if (isUnknown(result)) return await this.sent.findLost(attempt, problem, sentAtMs);
		if (result.outcome !== 'unsent') attempt.note({ state: 'refused', problem }, sentAtMs);
		throw attempt.error(problem);
	}

	/** Not before its job's turn has come, and to the account that gets the job. @throws KlingError */
	private async upload(attempt: Attempt): Promise<void> {
		const { call, account, itemIndex } = attempt;
		if (!call.upload) return;
		const uploaded = await this.uploads.upload(call.upload, itemIndex, account);
		if ('problem' in uploaded) throw attempt.error(uploaded.problem);
		attempt.call = attempt.linkedCall({ inputUrl: uploaded.link });
	}

	private slotsOf(account?: string): JobSlots {
		const slots = this.slots.get(account) ?? new JobSlots(this.context.cancellation);
		this.slots.set(account, slots);
		return slots;
	}
}

function acceptedTaskId(result: ApiResult): string | undefined {
	if (result.outcome !== 'answered' || !isSuccess(result.status)) return undefined;
	// assumes: task-id
	return idText((result.body as TaskModel).task?.id);
}

const mayBePaid = (result: ApiResult): boolean =>
	acceptedTaskId(result) !== undefined || isUnknown(result);

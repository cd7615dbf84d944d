import type { IExecuteFunctions } from 'n8n-workflow';

import {
	answerTrouble,
	bodyOrTrouble,
	isAnswer,
	isRefusal,
	isSuccess,
	isTool,
	klingError,
	type KlingError,
	type Trouble,
} from '../../transport/errors';
import type { ApiResult, PaidRequest, TaskModel } from '../../transport/types';
import type { Batch } from '../batch';
import { askPatiently } from '../patience';
import { idText, readTask } from '../result';
import { SlotGate } from '../slots';
import { EarlierJobs, type Wanted } from './earlierJobs';
import { Ledger, type LedgerEntry, type Outcome } from './ledger';
import { LISTED_AFTER_MS, LostJobs } from './lostJobs';
import type { PaidOperation } from './operation';
import { couldNotLook, submitTrouble, unknownOutcome } from './troubles';

/** What one item wants to have sent. */
export interface PaidJob<R extends PaidRequest> {
	request: R;
	/** How long every job slot may stay taken, and how long to look for a job whose answer was lost, in ms. */
	timeoutMs: number;
	/** Take a job of the same image that runs or has succeeded, whoever sent it. */
	reuse: boolean;
	/** The request names this execution's resume URL. */
	callsBack: boolean;
}

/** An accepted job: sent just now, or found. */
export interface Submission {
	taskId: string;
	/** What the API last said about the task; of a job that was found it may have said nothing yet. */
	model?: TaskModel;
	/** Sent just now, so it is not finished yet. */
	isNew: boolean;
	/** Taken from another execution, or from kling.ai, by Reuse Earlier Result. */
	reused: boolean;
	/** useapi.net calls this execution back about it. */
	callsBack: boolean;
	/** Epoch ms. */
	sentAtMs: number;
	/** To be told of the finished task: gives the job slot back, and notes a failure. */
	settle(finished: TaskModel): void;
}

interface Attempt<R extends PaidRequest> extends PaidJob<R> {
	key: string;
	itemIndex: number;
}

type Accepted = Extract<LedgerEntry, { state: 'accepted' }>;
type Unknown = Extract<LedgerEntry, { state: 'unknown' }>;

const SAME_JOB_HINT =
	'Some items name the same image, so they share one job and its result. Reply Reference and Reply URL of the job that was sent first count.';
const UNTOLD_HINT =
	'Reuse Earlier Result could not check every earlier job: useapi.net does not tell which image some of them are of.';

/**
 * Sends the jobs of one call of the node.
 *
 * The rule of this file: a POST that may have been accepted is never sent again, because it would spend credits twice
 * and the API has no key to prevent it (kling-api.md, "There is no idempotency key"). Only a 429, or a request that
 * never left this machine, may be followed by another. What was sent before stands in the ledger of the execution; what
 * the ledger does not know is looked up in the API's own lists.
 */
export class Submitter<R extends PaidRequest> {
	private readonly ledger: Ledger;
	private readonly earlier: EarlierJobs;
	private readonly lost: LostJobs;
	/** Job slots are counted per Kling account. */
	private readonly gates = new Map<string, SlotGate>();
	/** Jobs that this call of the node has looked for in vain, by fingerprint. */
	private readonly missed = new Set<string>();

	constructor(
		private readonly context: IExecuteFunctions,
		private readonly batch: Batch,
		private readonly operation: PaidOperation<R>,
	) {
		const node = context.getNode();
		this.ledger = new Ledger(context);
		this.earlier = new EarlierJobs(node, batch);
		this.lost = new LostJobs(node, batch);
	}

	/**
	 * Waits for a free job slot and sends the job, unless it was sent before.
	 *
	 * @throws KlingError when the job was refused, when its outcome is unknown, or when no slot became free
	 */
	async submit(job: PaidJob<R>, itemIndex: number): Promise<Submission> {
		const key = this.operation.fingerprint(job.request);
		const attempt = { ...job, key, itemIndex };
		const submission = await this.ledger.serialize(
			key,
			async () => (await this.takeOver(attempt)) ?? (await this.send(attempt)),
		);
		this.batch.accepted.set(itemIndex, submission.taskId);
		return submission;
	}

	/** @returns the job as it was sent before, by this execution or elsewhere; `undefined` when it is to be sent */
	private async takeOver(attempt: Attempt<R>): Promise<Submission | undefined> {
		const entry = this.ledger.find(attempt.key);
		if (!entry) {
			// An execution that was killed has noted nothing, but may have sent the job.
			const isRetry = this.context.getMode() === 'retry';
			return attempt.reuse || isRetry ? await this.findEarlier(attempt, true) : undefined;
		}
		const isFromHere = entry.runIndex === this.runIndex(attempt) && this.isOwn(entry);
		if (entry.reply !== replyOf(attempt)) {
			const isSameItem = isFromHere && entry.itemIndex === attempt.itemIndex;
			if (this.isOwn(entry) && !isSameItem) this.batch.hints.add(SAME_JOB_HINT);
		}
		// For an agent every call, and every try of it, is a run of its own.
		const isSameRun = isFromHere || (this.isTool && this.isOwn(entry));
		if (entry.state === 'unknown') return await this.findUnknown(entry, attempt);
		return entry.state === 'accepted'
			? await this.goOnWith(entry, attempt, isSameRun)
			: await this.askAgain(entry, attempt, isSameRun);
	}

	/** A task that failed may be sent again by a later run or by hand, not by an automatic try. */
	private async goOnWith(
		entry: Accepted,
		attempt: Attempt<R>,
		isSameRun: boolean,
	): Promise<Submission | undefined> {
		if (isSameRun) return this.submission(entry, attempt);
		if (!entry.failed) {
			const { api, halt } = this.batch;
			const { email } = attempt.request;
			const look = await askPatiently(halt, async () => await api.getTask(entry.taskId, email));
			const { body: model } = bodyOrTrouble(look) as { body?: TaskModel };
			if (!model || !readTask(model).failed) return { ...this.submission(entry, attempt), model };
			this.ledger.recordFailure(attempt.key, entry.taskId);
		}
		const looksFirst = attempt.reuse || !this.isOwn(entry);
		return looksFirst ? await this.findEarlier(attempt, attempt.reuse) : undefined;
	}

	/** A refusal holds for this run; a later run, or a person, may have put right what it was for. */
	private async askAgain(
		{ trouble, ...entry }: Extract<LedgerEntry, { state: 'refused' }>,
		attempt: Attempt<R>,
		isSameRun: boolean,
	): Promise<Submission | undefined> {
		// An agent is told to wait for the source task and to ask again.
		const isAgent = this.isTool && isRefusal(trouble);
		if (isSameRun && !isAgent) throw this.error(trouble, attempt);
		if (isRefusal(trouble) && this.isOwn(entry) && !attempt.reuse) return undefined;
		return await this.findEarlier(attempt, attempt.reuse || !isRefusal(trouble));
	}

	/**
	 * Looks for a job of the same image, whoever sent it.
	 *
	 * @param isNeeded without a look nothing may be sent
	 */
	private async findEarlier(
		attempt: Attempt<R>,
		isNeeded: boolean,
	): Promise<Submission | undefined> {
		const sighting = await this.earlier.find(this.wanted(attempt));
		if (sighting.is === 'found') {
			const { taskId } = sighting;
			const { reuse: reused } = attempt;
			return this.accept({ taskId, reused, callsBack: false }, attempt, Date.now());
		}
		if (sighting.is === 'unreadable' && isNeeded) {
			throw this.error(couldNotLook(sighting.trouble), attempt);
		}
		if (sighting.is === 'untold' && attempt.reuse) this.batch.hints.add(UNTOLD_HINT);
		return undefined;
	}

	/** @returns `undefined` when nothing was accepted after all, and a person has asked to send it again */
	private async findUnknown(entry: Unknown, attempt: Attempt<R>): Promise<Submission | undefined> {
		const { sentAtMs, trouble } = entry;
		if (!this.missed.has(attempt.key)) {
			const isListed = () => Date.now() >= sentAtMs + LISTED_AFTER_MS;
			const wanted = this.wanted(attempt, sentAtMs);
			const sighting = isListed()
				? await this.earlier.find(wanted)
				: await this.lost.find(wanted, attempt.timeoutMs);
			if (sighting.is === 'found') {
				const callsBack = entry.callsBack && this.isOwn(entry);
				return this.accept({ taskId: sighting.taskId, callsBack }, attempt, sentAtMs);
			}
			if (sighting.is === 'absent' && isListed() && !this.isOwn(entry)) return undefined;
			this.missed.add(attempt.key);
		}
		this.batch.unknown.add(attempt.itemIndex);
		throw this.error(trouble, attempt);
	}

	private async send(attempt: Attempt<R>): Promise<Submission> {
		const { batch, operation } = this;
		const { request, callsBack, timeoutMs, itemIndex } = attempt;
		const gate = this.gateOf(request.email);
		let sentAtMs = 0;
		const result = await gate.through(async () => {
			sentAtMs = Date.now();
			const answer = await operation.send(batch.api, request);
			return answer.outcome === 'answered' && answer.status === 429
				? { full: true, retryAfterMs: answer.retryAfterMs }
				: { full: false, isTaken: acceptedTaskId(answer) !== undefined, answer };
		}, timeoutMs);
		if (!result) throw this.error(answerTrouble(429, undefined, 'job'), attempt);

		const taskId = acceptedTaskId(result);
		if (taskId && result.outcome === 'answered') {
			const submission = this.accept({ taskId, callsBack }, attempt, sentAtMs);
			const settle = (finished: TaskModel) => {
				submission.settle(finished);
				gate.taskFinished();
			};
			return { ...submission, model: result.body as TaskModel, isNew: true, settle };
		}
		const trouble = submitTrouble(result, operation.name);
		const isUnknown = result.outcome !== 'unsent' && !isAnswer(trouble);
		if (isUnknown) return await this.findLost(trouble, attempt, sentAtMs);
		if (result.outcome !== 'unsent') this.note({ state: 'refused', trouble }, attempt, sentAtMs);
		// A cancel cuts requests short; it must not look like a failure of the API.
		if (batch.halt.isCanceled) batch.halt.check();
		throw this.error(trouble, { itemIndex });
	}

	private async findLost(
		trouble: Trouble,
		attempt: Attempt<R>,
		sentAtMs: number,
	): Promise<Submission> {
		const { callsBack, itemIndex, timeoutMs } = attempt;
		const { unknown } = this.batch;
		unknown.add(itemIndex);
		this.note({ state: 'unknown', trouble: unknownOutcome(trouble) }, attempt, sentAtMs);
		const sighting = await this.lost.find(this.wanted(attempt, sentAtMs), timeoutMs);
		if (sighting.is === 'found') {
			unknown.delete(itemIndex);
			return this.accept({ taskId: sighting.taskId, callsBack }, attempt, sentAtMs);
		}
		this.missed.add(attempt.key);
		const told = unknownOutcome(trouble, sighting);
		this.note({ state: 'unknown', trouble: told }, attempt, sentAtMs);
		throw this.error(told, attempt);
	}

	private accept(
		found: { taskId: string; reused?: boolean; callsBack: boolean },
		attempt: Attempt<R>,
		sentAtMs: number,
	): Submission {
		const { taskId, reused, callsBack } = found;
		const outcome: Outcome = { state: 'accepted', taskId, ...(reused && { reused }) };
		const entry = this.note(outcome, { ...attempt, callsBack }, sentAtMs);
		return this.submission(entry as Accepted, attempt);
	}

	private note(outcome: Outcome, attempt: Attempt<R>, sentAtMs: number): LedgerEntry {
		const { key, itemIndex, callsBack } = attempt;
		const entry: LedgerEntry = {
			...outcome,
			executionId: this.context.getExecutionId(),
			runIndex: this.runIndex(attempt),
			itemIndex,
			sentAtMs,
			callsBack,
			reply: replyOf(attempt),
		};
		this.ledger.record(key, entry);
		return entry;
	}

	private submission(entry: Accepted, { key }: Attempt<R>): Submission {
		const { taskId, reused = false, callsBack, sentAtMs } = entry;
		return {
			taskId,
			isNew: false,
			reused,
			callsBack: callsBack && this.isOwn(entry),
			sentAtMs,
			settle: (finished) => {
				if (readTask(finished).failed) this.ledger.recordFailure(key, taskId);
			},
		};
	}

	private wanted({ request }: Attempt<R>, sinceMs?: number): Wanted {
		return { ...this.operation.wanted(request), account: request.email, sinceMs };
	}

	private gateOf(account = ''): SlotGate {
		const gate = this.gates.get(account) ?? new SlotGate(this.batch.halt);
		this.gates.set(account, gate);
		return gate;
	}

	private runIndex({ itemIndex }: Attempt<R>): number {
		return Number(this.context.getWorkflowDataProxy(itemIndex).$runIndex);
	}

	private isOwn({ executionId }: Pick<LedgerEntry, 'executionId'>): boolean {
		return executionId === this.context.getExecutionId();
	}

	private get isTool(): boolean {
		return isTool(this.context.getNode());
	}

	private error(trouble: Trouble, { itemIndex }: { itemIndex: number }): KlingError {
		return klingError(this.context.getNode(), trouble, itemIndex);
	}
}

function acceptedTaskId(result: ApiResult): string | undefined {
	if (result.outcome !== 'answered' || !isSuccess(result.status)) return undefined;
	return idText((result.body as TaskModel).task?.id);
}

/** What of a request says how useapi.net reports back. The resume URL is left out: n8n signs it, and it is always the same. */
const replyOf = ({ request, callsBack }: PaidJob<PaidRequest>): string =>
	JSON.stringify([callsBack ? 'resume' : (request.replyUrl ?? ''), request.replyRef ?? '']);

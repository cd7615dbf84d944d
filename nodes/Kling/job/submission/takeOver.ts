import type { INode } from 'n8n-workflow';

import { unwrap, isRefusal, type Problem } from '../../runtime/problems';
import type { PaidRequest, TaskModel } from '../../transport/types';
import type { Kit } from '../../runtime/context';
import { retryTransient } from '../../runtime/retry';
import { readTask } from '../../tasks/task';
import type { AcceptedEntry, Attempt, Submission } from './attempt';
import { EarlierJobs } from './earlierJobs';
import type { LedgerEntry } from './ledger';
import { LISTED_AFTER_MS, LostJobs } from './lostJobs';
import { couldNotLook, unknownOutcome } from './problems';

const SAME_JOB_HINT =
	"Some items name the same image, so they share one job and its result. The 'Reply Reference' and 'Reply URL' of the job that was sent first apply.";
const UNTOLD_HINT =
	"'Reuse Earlier Result' could not check every earlier task: useapi.net does not tell which image some of them were made from.";

/** Finds jobs that were sent before: in the ledger of the execution, and where that does not tell in the API's lists. */
export class SentJobs {
	private readonly earlier: EarlierJobs;
	private readonly lost: LostJobs;
	/** Jobs that this call of the node has looked for in vain, by fingerprint. */
	private readonly missed = new Set<string>();

	constructor(node: INode, kit: Pick<Kit, 'api' | 'cancellation'>) {
		this.earlier = new EarlierJobs(node, kit);
		this.lost = new LostJobs(node, kit);
	}

	/**
	 * @returns the job as it was sent before, by this execution or elsewhere; `undefined` when it is to be sent
	 * @throws KlingError when it must not be sent
	 */
	async takeOver<R extends PaidRequest>(attempt: Attempt<R>): Promise<Submission | undefined> {
		const { entry, job } = attempt;
		if (!entry) {
			// An execution that was killed has noted nothing, but may have sent the job.
			const isRetry = attempt.context.getMode() === 'retry';
			return job.reuse || isRetry ? await this.findEarlier(attempt, true) : undefined;
		}
		const isOfAnotherItem = attempt.isOwn(entry) && !attempt.isOfThisItem(entry);
		if (isOfAnotherItem && entry.reply !== attempt.reply) attempt.batch.hints.add(SAME_JOB_HINT);
		switch (entry.state) {
			case 'accepted':
				return await this.goOnWith(entry, attempt);
			case 'refused':
				return await this.askAgain(entry, attempt);
			case 'unknown':
				return await this.findUnknown(entry, attempt);
		}
	}

	/**
	 * Looks for a job whose answer was lost just now.
	 *
	 * @param sentAtMs epoch ms
	 * @throws KlingError when it is not found
	 */
	async findLost<R extends PaidRequest>(
		attempt: Attempt<R>,
		trouble: Problem,
		sentAtMs: number,
	): Promise<Submission> {
		const { job, batch } = attempt;
		attempt.note({ state: 'unknown', trouble: unknownOutcome(trouble) }, sentAtMs);
		// Until it is found, or if a cancel ends the search.
		batch.unknown.add(attempt.itemIndex);
		const sighting = await this.lost.find(attempt.wanted(sentAtMs), job.timeoutMs);
		if (sighting.is === 'found') return attempt.accept(sighting, sentAtMs);
		this.missed.add(attempt.fingerprint);
		// Before the lists must show it, an absence means nothing.
		const isEarly = sighting.is === 'absent' && Date.now() < sentAtMs + LISTED_AFTER_MS;
		const told = unknownOutcome(trouble, isEarly ? { is: 'untold' } : sighting);
		attempt.note({ state: 'unknown', trouble: told }, sentAtMs);
		throw attempt.error(told);
	}

	/** A task that failed may be sent again by a later run or by hand, not by an automatic try. */
	private async goOnWith<R extends PaidRequest>(
		entry: AcceptedEntry,
		attempt: Attempt<R>,
	): Promise<Submission | undefined> {
		if (attempt.isOfThisRun(entry)) return attempt.submission(entry);
		const { batch, job } = attempt;
		if (!entry.failed) {
			const { email } = job.request;
			const result = await retryTransient(
				batch.cancellation,
				async () => await batch.api.getTask(entry.taskId, email),
			);
			const { body: model } = unwrap(result) as { body?: TaskModel };
			if (!model || !readTask(model).failed) return { ...attempt.submission(entry), model };
			attempt.ledger.recordFailure(attempt.fingerprint, entry.taskId);
		}
		const looksFirst = job.reuse || !attempt.isOwn(entry);
		return looksFirst ? await this.findEarlier(attempt, job.reuse) : undefined;
	}

	/** A refusal holds for this run; a later run, or a person, may have put right what it was for. */
	private async askAgain<R extends PaidRequest>(
		entry: Extract<LedgerEntry, { state: 'refused' }>,
		attempt: Attempt<R>,
	): Promise<Submission | undefined> {
		const { trouble } = entry;
		const { reuse } = attempt.job;
		// An agent is told to wait for the source task and to ask again.
		const mayAskAgain = attempt.isTool && isRefusal(trouble);
		if (attempt.isOfThisRun(entry) && !mayAskAgain) throw attempt.error(trouble);
		if (isRefusal(trouble) && attempt.isOwn(entry) && !reuse) return undefined;
		return await this.findEarlier(attempt, reuse || !isRefusal(trouble));
	}

	/** @returns `undefined` when nothing was accepted after all, and a person has asked to send it again */
	private async findUnknown<R extends PaidRequest>(
		entry: Extract<LedgerEntry, { state: 'unknown' }>,
		attempt: Attempt<R>,
	): Promise<Submission | undefined> {
		const { sentAtMs, trouble } = entry;
		const { fingerprint, batch, job } = attempt;
		if (!this.missed.has(fingerprint)) {
			const isListed = () => Date.now() >= sentAtMs + LISTED_AFTER_MS;
			const wanted = attempt.wanted(sentAtMs);
			const sighting = isListed()
				? await this.earlier.find(wanted)
				: await this.lost.find(wanted, job.timeoutMs);
			if (sighting.is === 'found') {
				return attempt.accept(sighting, sentAtMs, entry.callsBack && attempt.isOwn(entry));
			}
			if (sighting.is === 'absent' && isListed() && !attempt.isOwn(entry)) return undefined;
			this.missed.add(fingerprint);
		}
		batch.unknown.add(attempt.itemIndex);
		throw attempt.error(trouble);
	}

	/**
	 * Looks for a job of the same image, whoever sent it.
	 *
	 * @param isNeeded without a look nothing may be sent
	 */
	private async findEarlier<R extends PaidRequest>(
		attempt: Attempt<R>,
		isNeeded: boolean,
	): Promise<Submission | undefined> {
		const { reuse } = attempt.job;
		const sighting = await this.earlier.find(attempt.wanted());
		if (sighting.is === 'found') {
			return attempt.accept({ ...sighting, reused: reuse }, Date.now(), false);
		}
		if (sighting.is === 'unreadable' && isNeeded) {
			throw attempt.error(couldNotLook(sighting.trouble));
		}
		if (sighting.is === 'untold' && reuse) attempt.batch.hints.add(UNTOLD_HINT);
		return undefined;
	}
}

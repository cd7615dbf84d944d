import type { Context } from '../../runtime/context';
import { isRefusal, type Problem } from '../../runtime/problems';
import { fetchTask } from '../../tasks/fetchTask';
import type { AcceptedEntry, Attempt, Submission } from './attempt';
import { EarlierJobs } from './earlierJobs';
import type { LedgerEntry } from './ledger';
import { LISTED_AFTER_MS, LostJobs } from './lostJobs';
import { couldNotLook, unknownOutcome } from './problems';

const SAME_JOB_HINT =
	"Some items name the same image, so they share one job and its result. The 'Reply Reference' and 'Reply URL' of the job that was sent first apply.";
const UNTOLD_HINT =
	"'Reuse Earlier Result' could not check every earlier task: useapi.net does not tell which image some of them were made from.";

/** A link may lead to something else later, so only jobs of so long ago are taken for a job of what it leads to now. */
const SAME_LINK_MS = 24 * 3600 * 1000;

/** Finds jobs that were sent before: in the ledger of the execution, and where that does not tell in the API's lists. */
export class SentJobs {
	private readonly earlier: EarlierJobs;
	private readonly lost: LostJobs;
	/** Jobs that this call of the node has looked for in vain, by fingerprint. */
	private readonly missed = new Set<string>();

	constructor(private readonly context: Context) {
		this.earlier = new EarlierJobs(context);
		this.lost = new LostJobs(context);
	}

	/**
	 * For what may be sent already, see `Attempt.mayBeSentAlready`.
	 *
	 * @returns the job as it was sent before, by this execution or elsewhere; `undefined` when it is to be sent
	 * @throws KlingError when it must not be sent
	 */
	async takeOver(attempt: Attempt): Promise<Submission | undefined> {
		const { entry } = attempt;
		if (!entry) return await this.findEarlier(attempt, true);
		if (attempt.isOfAnotherItem(entry) && entry.reply !== attempt.reply) {
			this.context.hints.add(SAME_JOB_HINT);
		}
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
	async findLost(attempt: Attempt, problem: Problem, sentAtMs: number): Promise<Submission> {
		attempt.note({ state: 'unknown', problem: unknownOutcome(problem) }, sentAtMs);
		// Until it is found, or if a cancel ends the search.
		attempt.items.doubt(attempt.itemIndex);
		const sighting = await this.lost.find(attempt.wanted(sentAtMs), attempt.job.timeoutMs);
		if (sighting.is === 'found') return attempt.accept(sighting, sentAtMs);
		this.missed.add(attempt.fingerprint);
		// Before the lists must show it, an absence means nothing.
		const isEarly = sighting.is === 'absent' && Date.now() < sentAtMs + LISTED_AFTER_MS;
		const told = unknownOutcome(problem, isEarly ? undefined : sighting);
		attempt.note({ state: 'unknown', problem: told }, sentAtMs);
		throw attempt.error(told);
	}

	/** A task that failed may be sent again by a later run or by hand, not by an automatic try. */
	private async goOnWith(entry: AcceptedEntry, attempt: Attempt): Promise<Submission | undefined> {
		if (attempt.isOfThisRun(entry)) return attempt.submission(entry);
		const { account, job } = attempt;
		if (!entry.failed) {
			const { task } = await fetchTask(this.context, { taskId: entry.taskId, account });
			if (!task?.failed) return { ...attempt.submission(entry), task };
			attempt.ledger.recordFailure(attempt.fingerprint, entry.taskId);
		}
		const looksFirst = job.reuse || !attempt.isOwn(entry);
		return looksFirst ? await this.findEarlier(attempt, job.reuse) : undefined;
	}

	/** A refusal holds for this run; a later run, or a person, may have put right what it was for. */
	private async askAgain(
		entry: Extract<LedgerEntry, { state: 'refused' }>,
		attempt: Attempt,
	): Promise<Submission | undefined> {
		const { problem } = entry;
		const { reuse } = attempt.job;
		// An agent is told to wait for the source task and to ask again.
		const mayAskAgain = attempt.isTool && isRefusal(problem);
		if (attempt.isOfThisRun(entry) && !mayAskAgain) throw attempt.error(problem);
		if (isRefusal(problem) && attempt.isOwn(entry) && !reuse) return undefined;
		return await this.findEarlier(attempt, reuse || !isRefusal(problem));
	}

	/** @returns `undefined` when nothing was accepted after all, and a person has asked to send it again */
	private async findUnknown(
		entry: Extract<LedgerEntry, { state: 'unknown' }>,
		attempt: Attempt,
	): Promise<Submission | undefined> {
		const { sentAtMs, problem } = entry;
		const { fingerprint, job } = attempt;
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
		attempt.items.doubt(attempt.itemIndex);
		throw attempt.error(problem);
	}

	/**
	 * Looks for a job of the same image, whoever sent it. A file that was never uploaded has no link to look for.
	 *
	 * @param isNeeded without a look nothing may be sent
	 */
	private async findEarlier(attempt: Attempt, isNeeded: boolean): Promise<Submission | undefined> {
		const { job, entry } = attempt;
		const { reuse } = job;
		const { inputUrl, fromWorkId } = attempt.wanted();
		if (!inputUrl && !fromWorkId) return undefined;
		const sinceMs = inputUrl ? (entry?.sentAtMs ?? Date.now() - SAME_LINK_MS) : undefined;
		const sighting = await this.earlier.find(attempt.wanted(sinceMs));
		if (sighting.is === 'found') {
			return attempt.accept({ ...sighting, reused: reuse }, Date.now(), false);
		}
		if (sighting.is === 'unreadable' && isNeeded) {
			throw attempt.error(couldNotLook(sighting.problem));
		}
		if (sighting.is === 'untold' && reuse) this.context.hints.add(UNTOLD_HINT);
		return undefined;
	}
}

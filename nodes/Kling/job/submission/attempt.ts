import type { IExecuteFunctions } from 'n8n-workflow';

import type { KlingApi } from '../../transport/client';
import { isTool, klingError, type KlingError, type Problem } from '../../runtime/problems';
import type { ApiResult, PaidRequest, TaskModel } from '../../transport/types';
import type { Batch } from '../../runtime/runItems';
import { readTask } from '../../tasks/task';
import type { Wanted } from './earlierJobs';
import { Ledger, type LedgerEntry, type Outcome } from './ledger';

/** What an operation that spends credits is, beyond its fields. */
export interface PaidOperation<R extends PaidRequest> {
	/** In messages, e.g. "upscale". */
	name: string;
	send(api: KlingApi, request: R): Promise<ApiResult>;
	/** What is paid for, but for the account: requests of one account with the same fingerprint are the same job. */
	fingerprint(request: R): string;
	/** How the API's lists show the job of a request. */
	wanted(request: R): Pick<Wanted, 'matches' | 'type' | 'sourceTaskId'>;
}

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

/** One item's way to its submission. */
export class Attempt<R extends PaidRequest> {
	readonly fingerprint: string;
	readonly ledger: Ledger;
	readonly isTool: boolean;
	private readonly executionId: string;
	private readonly runIndex: number;

	constructor(
		readonly context: IExecuteFunctions,
		readonly batch: Batch,
		readonly operation: PaidOperation<R>,
		readonly job: PaidJob<R>,
		readonly itemIndex: number,
	) {
		this.ledger = new Ledger(context);
		this.fingerprint = operation.fingerprint(job.request);
		this.isTool = isTool(context.getNode());
		this.executionId = context.getExecutionId();
		this.runIndex = Number(context.getWorkflowDataProxy(itemIndex).$runIndex);
	}

	/** What the ledger has about this job. */
	get entry(): LedgerEntry | undefined {
		return this.ledger.find(this.fingerprint, this.job.request.email);
	}

	/** Of this execution, not of one that a person has retried. */
	isOwn({ executionId }: LedgerEntry): boolean {
		return executionId === this.executionId;
	}

	/** Of this run of the node: another try of it, or an equal item. For an agent every call is a run of its own. */
	isOfThisRun(entry: LedgerEntry): boolean {
		return this.isOwn(entry) && (this.isTool || entry.runIndex === this.runIndex);
	}

	/** Sent by this very item, perhaps in an earlier try. */
	isOfThisItem(entry: LedgerEntry): boolean {
		const { runIndex, itemIndex } = entry;
		return this.isOwn(entry) && runIndex === this.runIndex && itemIndex === this.itemIndex;
	}

	/** Where useapi.net reports to, and with which words. n8n signs the resume URL, and it is always the same. */
	get reply(): string {
		const { request, callsBack } = this.job;
		return JSON.stringify([
			callsBack ? 'resume' : (request.replyUrl ?? ''),
			request.replyRef ?? '',
		]);
	}

	/** What to look for in the API's lists. @param sinceMs epoch ms */
	wanted(sinceMs?: number): Wanted {
		const { request } = this.job;
		return { ...this.operation.wanted(request), account: request.email, sinceMs };
	}

	note(outcome: Outcome, sentAtMs: number, callsBack = this.job.callsBack): LedgerEntry {
		const { executionId, runIndex, itemIndex, reply } = this;
		const entry = { ...outcome, executionId, runIndex, itemIndex, sentAtMs, callsBack, reply };
		this.ledger.record(this.fingerprint, this.job.request.email, entry);
		return entry;
	}

	/** Notes an accepted job. */
	accept(
		found: { taskId: string; reused?: boolean },
		sentAtMs: number,
		callsBack = this.job.callsBack,
	): Submission {
		const { taskId, reused } = found;
		const outcome: Outcome = { state: 'accepted', taskId, ...(reused && { reused }) };
		return this.submission(this.note(outcome, sentAtMs, callsBack) as AcceptedEntry);
	}

	submission(entry: AcceptedEntry): Submission {
		const { taskId, reused = false, callsBack, sentAtMs } = entry;
		return {
			taskId,
			isNew: false,
			reused,
			callsBack: callsBack && this.isOwn(entry),
			sentAtMs,
			settle: (finished) => {
				if (readTask(finished).failed) this.ledger.recordFailure(this.fingerprint, taskId);
			},
		};
	}

	error(trouble: Problem): KlingError {
		return klingError(this.context.getNode(), trouble, this.itemIndex);
	}
}

export type AcceptedEntry = Extract<LedgerEntry, { state: 'accepted' }>;

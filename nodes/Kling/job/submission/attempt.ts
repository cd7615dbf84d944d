import type { IExecuteFunctions } from 'n8n-workflow';

import type { Context } from '../../runtime/context';
import { isTool, klingError, type KlingError, type Problem } from '../../runtime/problems';
import type { Task, TaskRef } from '../../tasks/task';
import type { PaidOperation, PaidRequest } from '../../transport/types';
import type { ImageFile } from '../input/imageFile';
import type { OutputSettings } from '../output/items';
import type { Wanted } from './earlierJobs';
import { Ledger, type LedgerEntry, type Outcome } from './ledger';

/** A request that spends credits, and what it pays for. */
export interface PaidCall {
	operation: PaidOperation;
	request: PaidRequest;
	/** What is paid for, but for the account: calls of one account with the same fingerprint are the same job. */
	fingerprint: string;
	/** How the API's lists show the job. */
	wanted: Pick<Wanted, 'fromWorkId' | 'inputUrl' | 'type' | 'otherArgs' | 'sourceTaskId'>;
	/** A file that the job is of. Once it is uploaded its link stands in the request under this name, and this is gone. */
	upload?: ImageFile & { linkName: string };
}

/** What one item wants to have sent. */
export interface PaidJob {
	call: PaidCall;
	/** How long every job slot may stay taken, and how long to look for a job whose answer was lost, in ms. */
	timeoutMs: number;
	/** Take a job of the same image that runs or has succeeded, whoever sent it. */
	reuse: boolean;
	/** The request names this execution's resume URL. */
	callsBack: boolean;
	/** The most jobs that the node sends in one execution, over all runs and tries. */
	spendingLimit?: number;
}

/** One item of a paid operation, as its parameters say. */
export interface JobParameters extends PaidJob {
	wait: 'poll' | 'callback' | 'none';
	pollIntervalMs?: number;
	settings: OutputSettings;
}

/** An accepted job: sent just now, or found. */
export interface Submission {
	ref: TaskRef;
	/** What the API last said about the task; of a job that was found it may have said nothing yet. */
	task?: Task;
	/** Sent just now, so it is not finished yet. */
	isNew: boolean;
	/** useapi.net calls this execution back about it. */
	callsBack: boolean;
	/** Epoch ms. */
	sentAtMs: number;
	/** As it was sent. */
	call: PaidCall;
	/** To be told of the finished task: gives the job slot back, and notes a failure. */
	settle(finished: Task): void;
}

/** More task IDs than this nobody reads in an error. */
const MAX_TASKS_TOLD = 20;

/** What became of each item's job, to be told when the node stops on an error. */
export class ItemJobs {
	/** Of which it is unknown whether their job was accepted. */
	readonly unknown = new Set<number>();

	/** @param accepted the tasks that were accepted, by item */
	constructor(readonly accepted = new Map<number, string>()) {}

	accept(itemIndex: number, taskId: string): void {
		this.accepted.set(itemIndex, taskId);
		this.unknown.delete(itemIndex);
	}

	doubt(itemIndex: number): void {
		this.unknown.add(itemIndex);
	}

	/** Credits that were spent, or may have been, are not lost: the results can be fetched. */
	explain(error: KlingError): KlingError {
		const own = error.context?.itemIndex;
		const said = `${error.message} ${error.description ?? ''}`;
		const tasks = [...this.accepted]
			.filter(([itemIndex, taskId]) => itemIndex !== own || !said.includes(taskId))
			.map(([itemIndex, taskId]) => `item ${itemIndex}: ${taskId}`);
		const items = [...this.unknown].filter((itemIndex) => itemIndex !== own).map(String);
		if (tasks.length + items.length === 0) return error;
		const told = [
			error.description,
			tasks.length > 0 &&
				`Tasks that were already created can be fetched with Task → Get (${list(tasks)}).`,
			items.length > 0 &&
				`It is unknown whether the jobs of these items were accepted: ${list(items)}. Look for their tasks with Task → Get Many before you send them again.`,
			"To let the other items continue, set 'On Error' to 'Continue' in this node's settings.",
		];
		error.description = told.filter(Boolean).join(' ');
		return error;
	}
}

function list(names: string[]): string {
	const more = names.length - MAX_TASKS_TOLD;
	return [...names.slice(0, MAX_TASKS_TOLD), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

/** One item's way to its submission. */
export class Attempt {
	/** What is sent. */
	call: PaidCall;
	readonly ledger: Ledger;
	readonly isTool: boolean;
	private readonly executionId: string;
	private readonly runIndex: number;

	constructor(
		readonly context: Context<IExecuteFunctions>,
		readonly items: ItemJobs,
		readonly job: PaidJob,
		readonly itemIndex: number,
	) {
		const { n8n } = context;
		this.call = job.call;
		this.ledger = new Ledger(n8n);
		this.isTool = isTool(context.node);
		this.executionId = n8n.getExecutionId();
		this.runIndex = Number(n8n.getWorkflowDataProxy(itemIndex).$runIndex);
	}

	get fingerprint(): string {
		return this.call.fingerprint;
	}

	get account(): string | undefined {
		return this.call.request.email;
	}

	/** Nothing is to be looked up for what this execution is the first to send. An execution that was killed has noted nothing. */
	get mayBeSentAlready(): boolean {
		const isRetry = this.context.n8n.getMode() === 'retry';
		return this.entry !== undefined || this.job.reuse || isRetry;
	}

	/** What the ledger has about this job. */
	get entry(): LedgerEntry | undefined {
		return this.ledger.find(this.fingerprint, this.account);
	}

	/** Of this execution, not of one that a person has retried. */
	isOwn({ executionId }: LedgerEntry): boolean {
		return executionId === this.executionId;
	}

	/** Of this run of the node: another try of it, or an equal item. For an agent every call is a run of its own. */
	isOfThisRun(entry: LedgerEntry): boolean {
		return this.isOwn(entry) && (this.isTool || entry.runIndex === this.runIndex);
	}

	/** Sent in this execution, by another item or in another run. */
	isOfAnotherItem(entry: LedgerEntry): boolean {
		const { runIndex, itemIndex } = entry;
		return this.isOwn(entry) && (runIndex !== this.runIndex || itemIndex !== this.itemIndex);
	}

	/** Where useapi.net reports to, and with which words. n8n signs the resume URL, and it is always the same. */
	get reply(): string {
		const { replyUrl, replyRef } = this.call.request;
		return JSON.stringify([this.job.callsBack ? 'resume' : replyUrl, replyRef]);
	}

	/**
	 * What to look for in the API's lists, of a file by the link that was sent.
	 *
	 * @param sinceMs epoch ms
	 */
	wanted(sinceMs?: number): Wanted {
		const { ledger, fingerprint, account } = this;
		const isOther = (taskId: string) => ledger.isOfAnother(fingerprint, taskId);
		return { ...this.linkedCall(this.entry).wanted, account, sinceMs, isOther };
	}

	note(outcome: Outcome, sentAtMs: number, callsBack = this.job.callsBack): LedgerEntry {
		const { executionId, runIndex, itemIndex, reply } = this;
		const { inputUrl } = this.linkedCall(this.entry).wanted;
		const sent = { executionId, runIndex, itemIndex, sentAtMs, callsBack, reply };
		const entry = { ...outcome, ...sent, ...(inputUrl && { inputUrl }) };
		this.ledger.record(this.fingerprint, this.account, entry);
		return entry;
	}

	/** The call with the link of its file, once that is uploaded. */
	linkedCall({ inputUrl }: Pick<LedgerEntry, 'inputUrl'> = {}): PaidCall {
		const { upload, ...call } = this.call;
		if (!upload || !inputUrl) return this.call;
		const request = { ...call.request, [upload.linkName]: inputUrl };
		return { ...call, request, wanted: { ...call.wanted, inputUrl } };
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
		const { taskId, reused, callsBack, sentAtMs } = entry;
		const { itemIndex, account } = this;
		const call = this.linkedCall(entry);
		const { replyRef } = call.request;
		return {
			ref: { taskId, itemIndex, account, replyRef, ...(reused && { reused }) },
			isNew: false,
			callsBack: callsBack && this.isOwn(entry),
			sentAtMs,
			call,
			settle: (finished) => {
				if (finished.failed) this.ledger.recordFailure(this.fingerprint, taskId);
			},
		};
	}

	error(problem: Problem): KlingError {
		return klingError(this.context.node, problem, this.itemIndex);
	}
}

export type AcceptedEntry = Extract<LedgerEntry, { state: 'accepted' }>;

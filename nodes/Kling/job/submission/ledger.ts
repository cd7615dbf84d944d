import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import type { Cancellation } from '../../runtime/cancellation';
import { CREDENTIAL } from '../../transport/credential';
import { isAnswer, type Problem } from '../../runtime/problems';

/**
 * - `accepted`: the API made a task; `failed` once Kling has ended it without a result.
 * - `refused`: the API's word that no task was made.
 * - `unknown`: sent, but nobody knows whether a task was made.
 */
export type Outcome =
	| { state: 'accepted'; taskId: string; failed?: boolean; reused?: boolean }
	| { state: 'refused'; problem: Problem }
	| { state: 'unknown'; problem: Problem };

/** One job that was sent in this execution, and what came of it. */
export type LedgerEntry = Outcome & {
	executionId: string;
	runIndex: number;
	itemIndex: number;
	/** Epoch ms. */
	sentAtMs: number;
	/** useapi.net was given the resume URL of that execution. */
	callsBack: boolean;
	/** Reply URL and Reply Reference as they were sent: equal jobs may differ in them. */
	reply: string;
	/** The link of the file that was uploaded for it: it has another one at each upload. */
	inputUrl?: string;
};

interface OldEntry {
	job: string;
	executionId: string;
	sent: { taskId?: string; failed?: boolean; trouble?: Problem };
}

const CONTEXT_KEY = 'paidByKling';

/** What waits for an earlier submission of the same job, by the context data it is noted in. */
const queues = new WeakMap<IDataObject, Map<string, Promise<unknown>>>();

/**
 * What this execution has paid for, by what it is paid for: one entry for each fingerprint.
 *
 * It is kept in n8n's context data of the execution, so all items, tries, runs of a loop and branches find it, and so does
 * an execution that a person retries by hand, which gets a new execution ID but keeps the data. A new execution begins
 * empty: `EarlierJobs` is for that.
 */
export class Ledger {
	private readonly entries: IDataObject;
	private readonly scope: string;

	constructor(private readonly n8n: IExecuteFunctions) {
		const data = n8n.getContext('flow');
		data[CONTEXT_KEY] ??= {};
		this.entries = data[CONTEXT_KEY] as IDataObject;
		// The same IDs under another credential are another customer's.
		this.scope = n8n.getNode().credentials?.[CREDENTIAL]?.id ?? '';
	}

	/**
	 * An empty account is the only one there is, so it is the same as any other.
	 *
	 * @param fingerprint what is paid for, see `PaidCall`
	 */
	find(fingerprint: string, account = ''): LedgerEntry | undefined {
		const jobs = this.jobs(fingerprint);
		const others = account === '' ? Object.values(jobs) : [jobs['']];
		return (
			jobs[account.toLowerCase()] ??
			others.find((entry) => entry && entry.state !== 'refused') ??
			this.findInOldShape(fingerprint, account)
		);
	}

	record(fingerprint: string, account = '', entry: LedgerEntry): void {
		const jobs = { ...this.jobs(fingerprint), [account.toLowerCase()]: { ...entry } };
		this.entries[this.key(fingerprint)] = jobs as unknown as IDataObject;
	}

	/** Kling ended the task without a result, so a later run may send the job again. */
	recordFailure(fingerprint: string, taskId: string): void {
		for (const [account, entry] of Object.entries(this.jobs(fingerprint))) {
			if (entry.state === 'accepted' && entry.taskId === taskId) {
				this.record(fingerprint, account, { ...entry, failed: true });
			}
		}
	}

	/** Whether the task is known to be of another job; under another credential the same job is none. */
	isOfAnother(fingerprint: string, taskId: string): boolean {
		return Object.entries(this.entries).some(
			([key, jobs]) =>
				!key.endsWith(` ${fingerprint}`) &&
				Object.values(jobs as unknown as Record<string, LedgerEntry>).some(
					(entry) => entry.state === 'accepted' && entry.taskId === taskId,
				),
		);
	}

	/** By account. */
	private jobs(fingerprint: string): Record<string, LedgerEntry> {
		return (this.entries[this.key(fingerprint)] ?? {}) as unknown as Record<string, LedgerEntry>;
	}

	/** Lets equal jobs pass one after another, so that the second finds what the first has noted. Agents call in parallel. */
	async serialize<T>(fingerprint: string, send: () => Promise<T>): Promise<T> {
		const queue = queues.get(this.entries) ?? new Map<string, Promise<unknown>>();
		queues.set(this.entries, queue);
		const key = this.key(fingerprint);
		const before = queue.get(key) ?? Promise.resolve();
		const mine = before.then(send, send);
		queue.set(key, mine);
		return await mine;
	}

	/** Version 1.0.0 kept one entry for each run and item in the node's context; executions that it began may still run. */
	private findInOldShape(fingerprint: string, account: string): LedgerEntry | undefined {
		const { sentByKling = {} } = this.n8n.getContext('node') as {
			sentByKling?: Record<string, OldEntry>;
		};
		const same = Object.values(sentByKling).filter(({ job }) => {
			const { email = '', ...rest } = JSON.parse(job) as { email?: string };
			return email === account && JSON.stringify(rest) === fingerprint;
		});
		const found = same.find(({ sent }) => sent.taskId && !sent.failed) ?? same[0];
		if (!found) return undefined;
		const { taskId, failed, trouble: problem } = found.sent;
		const origin = {
			executionId: found.executionId,
			runIndex: 0,
			itemIndex: 0,
			sentAtMs: 0,
			// Whether it does is not known, so the task is asked for.
			callsBack: false,
			reply: '',
		};
		if (taskId) return { ...origin, state: 'accepted', taskId, failed };
		return problem && { ...origin, state: isAnswer(problem) ? 'refused' : 'unknown', problem };
	}

	private key(fingerprint: string): string {
		return `${this.scope} ${fingerprint}`;
	}
}

const COUNT_KEY = 'jobsSentByKling';

/** Jobs that are being sent, by the context data they are counted in. */
const underWay = new WeakMap<IDataObject, number>();

/**
 * How many jobs a node has sent in this execution, over all runs and tries: those that were accepted, or may have been.
 * An execution that a person retries begins at zero.
 */
export class SentCount {
	private readonly counts: IDataObject;
	private readonly key: string;

	constructor(n8n: IExecuteFunctions) {
		const data = n8n.getContext('flow');
		data[COUNT_KEY] ??= {};
		this.counts = data[COUNT_KEY] as IDataObject;
		this.key = `${n8n.getExecutionId()} ${n8n.getNode().id}`;
	}

	get sent(): number {
		return Number(this.counts[this.key] ?? 0) - this.underWay;
	}

	/**
	 * Counts a job that is about to be sent, unless the limit is reached. Waits while that rests on jobs under way.
	 *
	 * @returns whether it may be sent; then `end` must follow
	 * @throws the reason to stop
	 */
	async begin(limit: number, cancellation: Cancellation): Promise<boolean> {
		await cancellation.waitFor(() => this.sent >= limit || this.sent + this.underWay < limit);
		if (this.sent >= limit) return false;
		this.add(1, 1);
		return true;
	}

	/** @param counts whether the job was accepted, or may have been */
	end(counts: boolean): void {
		this.add(counts ? 0 : -1, -1);
	}

	private get underWay(): number {
		return underWay.get(this.counts) ?? 0;
	}

	private add(count: number, more: number): void {
		this.counts[this.key] = Number(this.counts[this.key] ?? 0) + count;
		underWay.set(this.counts, this.underWay + more);
	}
}

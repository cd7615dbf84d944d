import type { Cancellation } from '../../runtime/cancellation';

/** POSTs under way at once for one account: enough to fill its slots quickly, few enough not to be refused in vain when they are full. */
const MAX_PARALLEL_SUBMITS = 4;
/** "vendor scripts wait 10 s and try again" (kling-api.md, status 429). assumes: retry-when-full, no-retry-after */
const RETRY_WHEN_FULL_MS = 10_000;
/** Where our own tasks fill the account, and their ends are seen, this only finds slots that somebody else has freed. */
const RETRY_WHEN_OURS_MS = 60_000;

/** What sending one request came to: the account was full, or it gave an answer, and perhaps took a slot for the job. */
export type SlotResult<T> =
	| { full: true; retryAfterMs?: number }
	| { full: false; isTaken: boolean; answer: T };

interface Waiter {
	ticket: number;
	/** Makes it the one at the front, who looks whether it may send. */
	lead: () => void;
}

/**
 * The way to one Kling account's job slots. Items pass in the order they came. When the account is full (429) they wait
 * until one of our own tasks ends, or for Retry-After, and then try one by one, so that a full account is not flooded
 * and a freed slot is taken at once. What the account has held so far is taken for what it can hold.
 */
export class JobSlots {
	private nextTicket = 0;
	/** By ticket. Only the first one keeps looking; the others sleep until they are first, however many they are. */
	private readonly waiting: Waiter[] = [];
	private inFlight = 0;
	private concurrency = MAX_PARALLEL_SUBMITS;
	/** Our tasks that run now, as far as their ends are told to `taskFinished`. */
	private running = 0;
	/** How many of them the account had when it last refused one; unknown before that. */
	private capacity = Infinity;
	/** From when on it is worth trying although the account seems to be full. Epoch ms. */
	private probeAtMs = 0;
	private finishedTasks = 0;
	/** Since when the account has refused everything; not while it takes or finishes our tasks. Epoch ms. */
	private fullSinceMs = Infinity;
	/** When it last refused. Epoch ms. */
	private refusedAtMs = 0;

	constructor(private readonly cancellation: Cancellation) {}

	/** One of our tasks ended, so a slot is free. */
	taskFinished(): void {
		this.finishedTasks++;
		this.running--;
		this.fullSinceMs = Infinity;
	}

	/**
	 * Sends when it is this caller's turn, again while the account is full.
	 *
	 * @param maxWaitMs how long the account may stay full, without taking or finishing any of our tasks
	 * @returns the answer, or `undefined` when that time was over: then nothing was accepted
	 */
	async run<T>(send: () => Promise<SlotResult<T>>, maxWaitMs: number): Promise<T | undefined> {
		const ticket = this.nextTicket++;
		while (await this.turn(ticket, maxWaitMs)) {
			const finishedBefore = this.finishedTasks;
			const result = await send().finally(() => this.inFlight--);
			if (!result.full) {
				if (result.isTaken) this.taken();
				return result.answer;
			}
			this.concurrency = 1;
			// A task of ours that ended meanwhile has freed a slot since this refusal: try again at once.
			if (this.finishedTasks !== finishedBefore) continue;
			this.refusedAtMs = Date.now();
			this.fullSinceMs = Math.min(this.fullSinceMs, this.refusedAtMs);
			this.capacity = this.running;
			// Whatever the pause, there is one last try when that time is over.
			this.probeAtMs = Math.min(
				this.refusedAtMs + (result.retryAfterMs ?? this.retryMs()),
				this.fullSinceMs + maxWaitMs,
			);
		}
		return undefined;
	}

	private taken(): void {
		this.running++;
		this.fullSinceMs = Infinity;
		this.concurrency = Math.min(this.concurrency + 1, MAX_PARALLEL_SUBMITS);
		// More room than there seemed to be: somebody else's task has ended, perhaps more than one.
		if (this.running > this.capacity) {
			this.capacity = this.running;
			this.probeAtMs = 0;
		}
	}

	private retryMs(): number {
		const seesEnds = this.finishedTasks > 0 && this.running > 0;
		return seesEnds ? RETRY_WHEN_OURS_MS : RETRY_WHEN_FULL_MS;
	}

	/** @returns whether the caller may send now, and is counted as under way; `false` when that time was over */
	private async turn(ticket: number, maxWaitMs: number): Promise<boolean> {
		const first = new Promise<void>((lead) => this.waiting.push({ ticket, lead }));
		// A ticket that was refused comes back to its old place.
		this.waiting.sort((a, b) => a.ticket - b.ticket);
		this.wakeFirst();
		await first;
		try {
			let passes = false;
			await this.cancellation.waitFor(() => {
				if (this.isTimeUp(maxWaitMs)) return true;
				passes = this.maySend(ticket);
				// Counted in the same step as asked, before the next one is woken and asks too.
				if (passes) this.inFlight++;
				return passes;
			});
			return passes;
		} finally {
			this.waiting.splice(
				this.waiting.findIndex((waiter) => waiter.ticket === ticket),
				1,
			);
			this.wakeFirst();
		}
	}

	private wakeFirst(): void {
		this.waiting[0]?.lead();
	}

	private maySend(ticket: number): boolean {
		return (
			this.waiting[0].ticket === ticket &&
			this.inFlight < this.concurrency &&
			(this.running + this.inFlight < this.capacity ||
				(this.inFlight === 0 && Date.now() >= this.probeAtMs))
		);
	}

	/** Not before the last try was answered. Those who wait behind need none of their own. */
	private isTimeUp(maxWaitMs: number): boolean {
		return this.refusedAtMs >= this.fullSinceMs + maxWaitMs;
	}
}

import type { Halt } from './halt';

/** POSTs under way at once for one account: enough to fill its slots quickly, few enough not to knock in vain when they are full. */
const MAX_PARALLEL_SUBMITS = 5;
/** "vendor scripts wait 10 s and try again" (kling-api.md, status 429). */
const RETRY_WHEN_FULL_MS = 10_000;

/** What sending one request came to: the account was full and took nothing, or it gave an answer. */
export type Knock<T> = { full: true; retryAfterMs?: number } | { full: false; answer: T };

interface Waiter {
	ticket: number;
	/** Makes it the one at the front, who looks whether it may send. */
	lead: () => void;
}

/**
 * The way to one Kling account's job slots. Items pass in the order they came. When the account is full (429) they wait
 * until one of our own tasks ends, or for Retry-After, and then knock one by one, so that a full account is not flooded
 * and a freed slot is taken at once.
 */
export class SlotGate {
	private nextTicket = 0;
	/** By ticket. Only the first one keeps looking; the others sleep until they are first, however many they are. */
	private readonly waiting: Waiter[] = [];
	private inFlight = 0;
	private width = MAX_PARALLEL_SUBMITS;
	private closedUntilMs = 0;
	private finishedTasks = 0;
	/** Since when the account has refused everything; `undefined` while it takes or finishes our tasks. */
	private fullSinceMs: number | undefined;

	constructor(private readonly halt: Halt) {}

	/** One of our tasks ended, so a slot is free. */
	taskFinished(): void {
		this.finishedTasks++;
		this.closedUntilMs = 0;
		this.fullSinceMs = undefined;
	}

	/**
	 * Sends when it is this caller's turn, again while the account is full.
	 *
	 * @param patienceMs how long the account may stay full, without taking or finishing any of our tasks
	 * @returns the answer, or `undefined` when patience ran out: then nothing was accepted
	 */
	async through<T>(send: () => Promise<Knock<T>>, patienceMs: number): Promise<T | undefined> {
		const ticket = this.nextTicket++;
		while (await this.turn(ticket, patienceMs)) {
			const finishedBefore = this.finishedTasks;
			const knock = await send().finally(() => this.inFlight--);
			if (!knock.full) {
				this.fullSinceMs = undefined;
				this.width = Math.min(this.width + 1, MAX_PARALLEL_SUBMITS);
				return knock.answer;
			}
			this.width = 1;
			// A task of ours that ended meanwhile has freed a slot since this refusal: knock again at once.
			if (this.finishedTasks !== finishedBefore) continue;
			this.fullSinceMs ??= Date.now();
			const giveUpMs = this.fullSinceMs + patienceMs;
			if (Date.now() >= giveUpMs) return undefined;
			// Whatever the pause, there is one last knock when patience ends.
			this.closedUntilMs = Math.min(
				Date.now() + (knock.retryAfterMs ?? RETRY_WHEN_FULL_MS),
				giveUpMs,
			);
		}
		return undefined;
	}

	/** @returns whether the caller may send now, and is counted as under way; `false` when patience ran out */
	private async turn(ticket: number, patienceMs: number): Promise<boolean> {
		const first = new Promise<void>((lead) => this.waiting.push({ ticket, lead }));
		// A ticket that was refused comes back to its old place.
		this.waiting.sort((a, b) => a.ticket - b.ticket);
		this.wakeFirst();
		await first;
		try {
			let passes = false;
			await this.halt.until(() => {
				passes = this.mayPass(ticket);
				// Counted in the same step as asked, before the next one is woken and asks too.
				if (passes) this.inFlight++;
				return passes || this.outOfPatience(patienceMs);
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

	private mayPass(ticket: number): boolean {
		return (
			this.waiting[0]?.ticket === ticket &&
			this.inFlight < this.width &&
			Date.now() >= this.closedUntilMs
		);
	}

	/** Not while the last knock is under way: it may yet be let in. */
	private outOfPatience(patienceMs: number): boolean {
		return (
			this.inFlight === 0 &&
			this.fullSinceMs !== undefined &&
			Date.now() > this.fullSinceMs + patienceMs
		);
	}
}

/** So many of the latest tasks count; longer ago Kling may have been busier. */
const REMEMBERED = 40;
/** Of the times known, the one that a fifth of the tasks stayed below: better a look too early than a result too late. */
const QUANTILE = 0.2;
/** Where a task was last seen running long before its end, or never, it is taken to have run for at least this part. */
const EARLIER = 0.8;
/** Where the API's times are of no use, one of so many tasks is looked at early, so that the estimate can come down. */
const EARLY_EVERY = 10;
const EARLY = 0.95;

/** What was seen of one task, in ms since it was accepted. */
export interface Observation {
	/** A look at the task itself saw it running; 0 if none did. */
	ranMs: number;
	/** The list of running jobs named it, which may lag; 0 if it never did. */
	listedMs: number;
	/** The look that saw it finished. */
	seenMs: number;
	/** By the API's own times. */
	toldMs?: number;
}

/** What one batch has learned about how long Kling takes for a task. */
export class DurationEstimate {
	private readonly latest: number[] = [];
	private isTold = true;
	private count = 0;

	/**
	 * The API's times count only where they fit what was seen: what is learned from a late look must not make the next look
	 * later still. A time that moves with every read is never before the look.
	 */
	add({ ranMs, listedMs, seenMs, toldMs = NaN }: Observation): void {
		this.isTold = toldMs >= ranMs && toldMs <= seenMs;
		const leastMs = Math.max(ranMs, listedMs, seenMs * EARLIER);
		this.latest.push(this.isTold ? toldMs : (leastMs + seenMs) / 2);
		if (this.latest.length > REMEMBERED) this.latest.shift();
	}

	/** In ms; 0 as long as nothing is known. */
	get expectedMs(): number {
		const sorted = this.latest.toSorted((a, b) => a - b);
		return sorted[Math.floor(sorted.length * QUANTILE)] ?? 0;
	}

	/** When to look at the next task for the first time, in ms. */
	firstLookMs(): number {
		const isEarly = !this.isTold && ++this.count % EARLY_EVERY === 0;
		return this.expectedMs * (isEarly ? EARLY : 1);
	}
}

/** So many of the latest tasks count; longer ago Kling may have been busier. */
const REMEMBERED = 40;
/** Of the times known, the one that a tenth of the tasks stayed below: better a look too early than a result too late. */
const QUANTILE = 0.1;

/** What one batch has learned about how long Kling takes for a task. */
export class DurationEstimate {
	private readonly latest: number[] = [];

	/** @param ms from the job's acceptance to the task's end */
	add(ms: number): void {
		this.latest.push(ms);
		if (this.latest.length > REMEMBERED) this.latest.shift();
	}

	/** In ms; 0 as long as nothing is known. */
	get expectedMs(): number {
		const sorted = this.latest.toSorted((a, b) => a - b);
		return sorted[Math.floor(sorted.length * QUANTILE)] ?? 0;
	}
}

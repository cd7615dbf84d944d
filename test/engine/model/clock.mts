/** Virtual time: it stands still while anything real is under way, and then jumps to the next timer. */

/** Whatever waits for a stream or for n8n's own bookkeeping is through after so many turns of the event loop. */
const QUIET_TURNS = 3;
const UNTOUCHED = [
	'hrtime',
	'nextTick',
	'performance',
	'queueMicrotask',
	'setImmediate',
	'clearImmediate',
] as const;

export class Clock {
	private underWay = 0;

	constructor() {
		jest.useFakeTimers({ doNotFake: [...UNTOUCHED], now: Date.UTC(2026, 0, 1) });
		// As Node does it. jest would take half a millisecond for none, and time would stand still for ever.
		const fake = globalThis.setTimeout;
		globalThis.setTimeout = ((run: () => void, ms?: number, ...args: []) =>
			fake(run, Math.max(1, Math.trunc(ms ?? 0)), ...args)) as typeof setTimeout;
	}

	/** No timer outlives its sequence. */
	close() {
		jest.clearAllTimers();
		jest.useRealTimers();
	}

	/** What is no matter of timers: time waits for it. */
	async real<T>(work: () => Promise<T>): Promise<T> {
		this.underWay++;
		try {
			return await work();
		} finally {
			this.underWay--;
		}
	}

	async pass(ms: number): Promise<void> {
		const untilMs = Date.now() + ms;
		setTimeout(() => {}, ms);
		await this.until(() => Date.now() >= untilMs, ms);
	}

	/** Lets time pass until `condition()`. @returns whether it came to that within `limitMs` */
	async until(condition: () => boolean, limitMs: number): Promise<boolean> {
		const deadlineMs = Date.now() + limitMs;
		for (;;) {
			await this.idle();
			if (condition()) return true;
			if (Date.now() > deadlineMs || jest.getTimerCount() === 0) return false;
			jest.advanceTimersToNextTimer();
		}
	}

	private async idle(): Promise<void> {
		for (let quiet = 0; quiet < QUIET_TURNS; ) {
			await new Promise((resolve) => setImmediate(resolve));
			quiet = this.underWay > 0 ? 0 : quiet + 1;
		}
	}
}

import type { Cancellation } from './cancellation';

/** Lets so many at a time do something; the others wait. */
export class Semaphore {
	private active = 0;

	constructor(
		private readonly cancellation: Cancellation,
		private readonly max: number,
	) {}

	/** @throws the reason to stop */
	async run<T>(work: () => Promise<T>): Promise<T> {
		// Counted in the same step as asked, so that two who ask at once do not both take the last turn.
		await this.cancellation.waitFor(() => {
			const free = this.active < this.max;
			if (free) this.active++;
			return free;
		});
		try {
			return await work();
		} finally {
			this.active--;
		}
	}
}

import type { Context } from '../../runtime/context';
import { EarlierJobs, type KnownJob, type Sighting, type Wanted } from './earlierJobs';

/** A job that was accepted so long ago is in the lists. assumes: list-shows-new-tasks */
export const LISTED_AFTER_MS = 55_000;
/** When to look for a job whose answer was lost, after the loss. */
const LOOKS_AFTER_MS = [1_000, 4_000, 10_000, 25_000, LISTED_AFTER_MS];

interface Search {
	wanted: Wanted;
	/** Epoch ms of each look to come. */
	looksAtMs: number[];
	resolve(sighting: Sighting): void;
	reject(error: unknown): void;
}

/**
 * Looks for jobs that may have been accepted although their answer was lost: several times, since a new job may not be
 * listed at once, and with one look for all that are missing.
 */
export class LostJobs {
	private readonly searches = new Set<Search>();
	private readonly read = new Map<string, KnownJob>();
	private isRunning = false;

	constructor(private readonly context: Context) {}

	/**
	 * @param limitMs the last look is no later than this
	 * @returns what the last look saw, or the first one that surely found the job
	 * @throws the reason to stop
	 */
	async find(wanted: Wanted, limitMs: number): Promise<Sighting> {
		const lostAtMs = Date.now();
		const looksAtMs = LOOKS_AFTER_MS.filter((ms) => ms < limitMs).map((ms) => lostAtMs + ms);
		if (looksAtMs.length < LOOKS_AFTER_MS.length) looksAtMs.push(lostAtMs + limitMs);
		const found = new Promise<Sighting>((resolve, reject) => {
			this.searches.add({ wanted, looksAtMs, resolve, reject });
		});
		if (!this.isRunning) void this.run();
		return await found;
	}

	private async run(): Promise<void> {
		this.isRunning = true;
		try {
			while (this.searches.size > 0) {
				// A search that is added meanwhile may be due earlier.
				await this.context.cancellation.waitFor(() => this.isDue());
				await this.look();
			}
		} catch (error) {
			this.searches.forEach(({ reject }) => reject(error));
			this.searches.clear();
		} finally {
			this.isRunning = false;
		}
	}

	private isDue(): boolean {
		const nowMs = Date.now();
		return [...this.searches].some(({ looksAtMs }) => looksAtMs[0] <= nowMs);
	}

	private async look(): Promise<void> {
		const earlier = new EarlierJobs(this.context, this.read);
		await Promise.all(
			[...this.searches].map(async (search) => {
				const sighting = await earlier.find(search.wanted);
				const nowMs = Date.now();
				search.looksAtMs = search.looksAtMs.filter((atMs) => atMs > nowMs);
				// An older job of the same image may stand in for the one that is not listed yet.
				const isFound = sighting.is === 'found' && sighting.isSure;
				if (!isFound && search.looksAtMs.length > 0) return;
				this.searches.delete(search);
				search.resolve(sighting);
			}),
		);
	}
}

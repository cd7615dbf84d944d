// What n8n's process takes: memory as the kernel counts it, what of it is in use, and processor time.
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningN8n } from '../tools/n8n/process.mts';

/** n8n holds on to some of a run for a while. */
const SETTLE_MS = 5_000;
const SETTLED_WITHIN_BYTES = 500_000;
const SETTLE_LIMIT_MS = 60_000;

/** The module that n8n is started with, so that the probe can ask it. */
export const COLLECTOR = new URL('./collect.mjs', import.meta.url).href;

/** As collect.mjs tells it. */
type Reading = Record<'cpuMs' | 'peakBytes' | 'sizeBytes' | 'usedBytes', number>;

export class Probe {
	constructor(private readonly n8n: RunningN8n) {}

	/** At rest: waits until n8n lets go of no more, then has it give back what it can. */
	async rest(): Promise<Reading> {
		const deadline = Date.now() + SETTLE_LIMIT_MS;
		let before = Infinity;
		for (;;) {
			await pause(SETTLE_MS);
			const reading = await this.read('tidy');
			const isSettled = before - reading.usedBytes <= SETTLED_WITHIN_BYTES;
			if (isSettled || Date.now() > deadline) return reading;
			before = reading.usedBytes;
		}
	}

	/** What some work costs n8n. Collects no garbage, so times may be taken of it. */
	async around<T>(work: () => Promise<T>) {
		const before = await this.read('look');
		const result = await work();
		const { cpuMs, peakBytes } = await this.read('look');
		return { result, cost: { cpuMs: cpuMs - before.cpuMs, peakBytes } };
	}

	/** The most that is in use meanwhile. Collecting garbage takes n8n's time: no work to take times of. */
	async use(work: () => Promise<unknown>, everyMs: number): Promise<number> {
		let [peak, over] = [0, false];
		const working = work().finally(() => (over = true));
		// Awaited below; until then a failure is not unhandled.
		working.catch(() => undefined);
		while (!over) {
			peak = Math.max(peak, (await this.read('use')).usedBytes);
			await pause(everyMs);
		}
		await working;
		return peak;
	}

	private async read(how: 'look' | 'use' | 'tidy'): Promise<Reading> {
		const { process } = this.n8n;
		const [reading] = await Promise.all([process.getOneMessage(), process.sendMessage(how)]);
		return reading as Reading;
	}
}

// What n8n's process takes: memory as the kernel counts it, what of it is in use, processor time, and its longest stall.
// Linux only; elsewhere every figure is NaN, which the report shows as "–".
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** n8n holds on to some of a run for a while. */
const SETTLE_MS = 5_000;
const SETTLED_WITHIN_BYTES = 500_000;
const SETTLE_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 600_000;
const LOOK_AGAIN_MS = 20;
const BYTES_PER_KB = 1024;
const CAN_TELL = process.platform === 'linux';

/** The module that n8n is started with, so that the probe can ask it. */
export const COLLECTOR = new URL('./collect.mjs', import.meta.url).href;

/** As collect.mjs writes it; the stall is the longest since the reading before. */
type Reading = { cpuMs: number; stallMs: number; usedBytes: number };

export class Probe {
	/** @param file where collect.mjs writes */
	constructor(
		private readonly pid: number,
		private readonly file: string,
	) {}

	/** At rest: waits until n8n lets go of no more, then has it give back what it can. */
	async rest(): Promise<{ sizeBytes: number; usedBytes: number }> {
		const deadline = Date.now() + SETTLE_LIMIT_MS;
		let [before, usedBytes] = [Infinity, Infinity];
		do {
			before = usedBytes;
			await pause(SETTLE_MS);
			({ usedBytes } = await this.read('tidy'));
		} while (before - usedBytes > SETTLED_WITHIN_BYTES && Date.now() < deadline);
		return { sizeBytes: await this.size('VmRSS'), usedBytes };
	}

	/**
	 * What some work costs n8n. Collects no garbage, so times may be taken of it. The peak is the largest size of the process
	 * (RSS) as the kernel noted it: no sampling, so none is missed.
	 */
	async around<T>(work: () => Promise<T>) {
		const before = await this.read('look');
		if (CAN_TELL) await writeFile(`/proc/${this.pid}/clear_refs`, '5');
		const result = await work();
		const peakBytes = await this.size('VmHWM');
		const { cpuMs, stallMs } = await this.read('look');
		return { result, cost: { cpuMs: cpuMs - before.cpuMs, stallMs, peakBytes } };
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

	private async size(field: 'VmRSS' | 'VmHWM'): Promise<number> {
		if (!CAN_TELL) return NaN;
		const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
		return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * BYTES_PER_KB;
	}

	private async read(how: 'look' | 'use' | 'tidy'): Promise<Reading> {
		if (!CAN_TELL) return { cpuMs: NaN, stallMs: NaN, usedBytes: NaN };
		await rm(this.file, { force: true });
		await writeFile(`${this.file}.asked`, how);
		process.kill(this.pid, 'SIGUSR2');
		const deadline = Date.now() + ANSWER_LIMIT_MS;
		for (;;) {
			const text = await readFile(this.file, 'utf8').catch(() => undefined);
			if (text) return JSON.parse(text) as Reading;
			if (Date.now() > deadline) throw new Error('n8n does not tell how it is doing');
			await pause(LOOK_AGAIN_MS);
		}
	}
}

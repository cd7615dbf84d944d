// How n8n's process is doing, as n8n's own metrics have it.
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningN8n } from '../../tools/n8n/process.mts';
import { answered } from './jobs.mts';

const SAMPLE_EVERY_MS = 500;
/** For the last answers to go out and for the collection itself. */
const SETTLE_MS = 3_000;
const BYTES_PER_MB = 1_000_000;

export interface Memory {
	/** Resident memory of the process, in MB: what the system's tools show. */
	residentMb: number;
	/** JavaScript objects, in MB. */
	heapMb: number;
}
export interface Vitals extends Memory {
	/** The longest that n8n did not get to anything else since the sample before, in ms. */
	stallMs: number;
	/** Processor time since the start, in ms. */
	cpuMs: number;
}

/** From the text of n8n's /metrics. */
export function readMetrics(text: string): Vitals {
	const value = (name: string) => Number(new RegExp(`^n8n_${name} (\\S+)$`, 'm').exec(text)?.[1]);
	return {
		residentMb: value('process_resident_memory_bytes') / BYTES_PER_MB,
		heapMb: value('nodejs_heap_size_used_bytes') / BYTES_PER_MB,
		stallMs: value('nodejs_eventloop_lag_max_seconds') * 1_000,
		cpuMs: value('process_cpu_seconds_total') * 1_000,
	};
}

/** A busy n8n may answer that it is not ready, or nothing. */
async function sample({ url }: RunningN8n): Promise<Vitals> {
	return await answered(async () => {
		const response = await fetch(`${url}/metrics`);
		const text = await response.text();
		if (!response.ok) throw new Error(text);
		return readMetrics(text);
	});
}

/** At rest: what n8n holds once its garbage is collected. */
export async function atRest(n8n: RunningN8n): Promise<Memory> {
	await pause(SETTLE_MS);
	// Windows has no such signal; there the garbage counts.
	if (process.platform !== 'win32') process.kill(n8n.pid, 'SIGUSR2');
	await pause(SETTLE_MS);
	return await sample(n8n);
}

/** The highest values while the work goes on, and the processor time that it took. */
export async function during<T>(
	n8n: RunningN8n,
	work: () => Promise<T>,
): Promise<{ result: T; vitals: Vitals }> {
	// The longest stall before the work is not the work's.
	const before = { ...(await sample(n8n)), stallMs: 0 };
	const samples = [before];
	let over = false;
	const sampling = (async () => {
		while (!over) {
			await pause(SAMPLE_EVERY_MS);
			samples.push(await sample(n8n));
		}
	})();
	let result: T;
	try {
		result = await work();
	} finally {
		over = true;
		await sampling;
	}
	const highest = (of: keyof Vitals) => Math.max(...samples.map((each) => each[of]));
	const vitals = {
		residentMb: highest('residentMb'),
		heapMb: highest('heapMb'),
		stallMs: highest('stallMs'),
		cpuMs: highest('cpuMs') - before.cpuMs,
	};
	return { result, vitals };
}

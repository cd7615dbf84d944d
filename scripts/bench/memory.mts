// What n8n's process takes of the machine's memory, as the kernel counts it, and how much of that is in use. Linux only.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { UserError } from '../../tools/terminal.mts';
import type { Memory } from './results.mts';

/** n8n holds on to some of a run for a while. */
const SETTLE_MS = 5_000;
const SETTLED_WITHIN_BYTES = 500_000;
const SETTLE_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 30_000;
const LOOK_AGAIN_MS = 20;
const BYTES_PER_KB = 1024;

/** n8n's process with collect.mjs in it. */
export interface Watched {
	pid: number | undefined;
	/** Where it writes, when asked, what is in use. */
	memoryFile: string;
}

/** What came of the work. Memory is `undefined` where the system does not tell. */
interface WithMemory<T> {
	result: T;
	memory: Memory | undefined;
}

export const COLLECTOR = new URL('./collect.mjs', import.meta.url).href;

const canTell = ({ pid }: Watched): boolean => process.platform === 'linux' && pid !== undefined;

async function resident({ pid }: Watched): Promise<{ now: number; peak: number }> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8');
	const read = (field: string) =>
		Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * BYTES_PER_KB;
	return { now: read('VmRSS'), peak: read('VmHWM') };
}

/** Collects n8n's garbage; answers what is in use then. */
async function collect({ pid, memoryFile }: Watched, how: 'use' | 'tidy'): Promise<number> {
	await rm(memoryFile, { force: true });
	await writeFile(`${memoryFile}.asked`, how);
	process.kill(pid!, 'SIGUSR2');
	const deadline = Date.now() + ANSWER_LIMIT_MS;
	for (;;) {
		const bytes = await readFile(memoryFile, 'utf8').catch(() => undefined);
		if (bytes) return Number(bytes);
		if (Date.now() > deadline) {
			throw new UserError(
				`n8n did not tell its memory within ${ANSWER_LIMIT_MS / 1000} s. Run the same command again when the machine has less to do.`,
			);
		}
		await pause(LOOK_AGAIN_MS);
	}
}

/** Waits until n8n lets go of no more, then has it tidy up; answers what is in use. */
async function settle(watched: Watched): Promise<number> {
	const deadline = Date.now() + SETTLE_LIMIT_MS;
	let used = Infinity;
	for (;;) {
		const before = used;
		await pause(SETTLE_MS);
		used = await collect(watched, 'tidy');
		if (before - used < SETTLED_WITHIN_BYTES || Date.now() > deadline) return used;
	}
}

/** The size of the process (RSS), garbage that V8 has not collected included. */
export async function watchSize<T>(
	watched: Watched,
	work: () => Promise<T>,
): Promise<WithMemory<T>> {
	if (!canTell(watched)) return { result: await work(), memory: undefined };
	await settle(watched);
	// The kernel notes the highest value anew from here on: no sampling, so no peak is missed.
	await writeFile(`/proc/${watched.pid}/clear_refs`, '5');
	const { now: before } = await resident(watched);
	const result = await work();
	const { peak } = await resident(watched);
	await pause(SETTLE_MS);
	return { result, memory: { before, peak, after: (await resident(watched)).now } };
}

/** What is in use, looked at again and again. Collecting garbage takes n8n's time: no run to take times from. */
export async function watchUse<T>(
	watched: Watched,
	work: () => Promise<T>,
	everyMs: number,
): Promise<WithMemory<T>> {
	if (!canTell(watched)) return { result: await work(), memory: undefined };
	const before = await settle(watched);
	let peak = before;
	const over = new AbortController();
	const looking = (async () => {
		while (!over.signal.aborted) {
			peak = Math.max(peak, await collect(watched, 'use'));
			await pause(everyMs, undefined, { signal: over.signal }).catch(() => undefined);
		}
	})();
	const [result] = await Promise.all([work().finally(() => over.abort()), looking]);
	return { result, memory: { before, peak, after: await settle(watched) } };
}

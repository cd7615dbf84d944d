// What n8n's process takes of the machine's memory, as the kernel counts it, and how much of that is in use. Linux only.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { PlainError } from '../npm.mjs';
import type { Memory } from './results.mts';

/** n8n tidies up after a run for a moment. */
const SETTLE_MS = 5_000;
const COLLECT_EVERY_MS = 3_000;
const ANSWER_LIMIT_MS = 30_000;
const LOOK_AGAIN_MS = 20;
const BYTES_PER_KB = 1024;

/** n8n's process with collect.mjs in it. */
export interface Watched {
	pid: number | undefined;
	/** Where it writes, when asked, what is in use. */
	memoryFile: string;
}

/** Runs `work`; memory is `undefined` where the system does not tell. */
type Watch = <T>(
	watched: Watched,
	work: () => Promise<T>,
) => Promise<{ result: T; memory: Memory | undefined }>;

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
			throw new PlainError(
				`n8n did not tell its memory within ${ANSWER_LIMIT_MS / 1000} s. Run the same command again when the machine has less to do.`,
			);
		}
		await pause(LOOK_AGAIN_MS);
	}
}

/** The size of the process (RSS), garbage that V8 has not collected included. */
export const watchSize: Watch = async (watched, work) => {
	if (!canTell(watched)) return { result: await work(), memory: undefined };
	await pause(SETTLE_MS);
	await collect(watched, 'tidy');
	// The kernel notes the highest value anew from here on: no sampling, so no peak is missed.
	await writeFile(`/proc/${watched.pid}/clear_refs`, '5');
	const { now: before } = await resident(watched);
	const result = await work();
	const { peak } = await resident(watched);
	await pause(SETTLE_MS);
	return { result, memory: { before, peak, after: (await resident(watched)).now } };
};

/** What is in use, looked at every few seconds. Collecting garbage takes n8n's time: no run to take times from. */
export const watchUse: Watch = async (watched, work) => {
	if (!canTell(watched)) return { result: await work(), memory: undefined };
	await pause(SETTLE_MS);
	await collect(watched, 'tidy');
	const before = await collect(watched, 'use');
	let peak = before;
	const over = new AbortController();
	const looking = (async () => {
		while (!over.signal.aborted) {
			peak = Math.max(peak, await collect(watched, 'use'));
			await pause(COLLECT_EVERY_MS, undefined, { signal: over.signal }).catch(() => undefined);
		}
	})();
	const [result] = await Promise.all([work().finally(() => over.abort()), looking]);
	await pause(SETTLE_MS);
	return { result, memory: { before, peak, after: await collect(watched, 'use') } };
};

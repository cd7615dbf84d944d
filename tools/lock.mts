import { lock } from 'proper-lockfile';

/** A process that died loses its lock after this time. */
const STALE_MS = 10_000;
export const STALE_S = STALE_MS / 1_000;

/** Takes the lock of a path from all clones; answers how to give it back. @throws ELOCKED when it is not free in time */
export async function takeLock(path: string, waitS: number): Promise<() => Promise<void>> {
	const retries = { retries: waitS, factor: 1, minTimeout: 1_000 };
	const options = { realpath: false, stale: STALE_MS, onCompromised: () => undefined, retries };
	const unlock = await lock(path, options);
	return async () => await unlock().catch(() => undefined);
}

import { lock } from 'proper-lockfile';

/** A process that died loses its lock after this time. */
const STALE_S = 10;

/** Takes the lock of a path from all clones; answers how to give it back. @throws ELOCKED when it is not free in time */
export async function takeLock(path: string, waitS = STALE_S + 2, onWait = () => {}) {
	const tryFor = async (seconds: number) => {
		const retries = { retries: seconds, factor: 1, minTimeout: 1_000 };
		const options = { stale: STALE_S * 1_000, onCompromised: () => undefined, retries };
		return await lock(path, { realpath: false, ...options });
	};
	const unlock = await tryFor(0).catch(async (error) => {
		if (error.code !== 'ELOCKED') throw error;
		onWait();
		return await tryFor(waitS);
	});
	return async () => await unlock().catch(() => undefined);
}

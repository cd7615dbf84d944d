import { lock, unlockSync } from 'proper-lockfile';

/** A process that died loses its lock after this time. */
export const STALE_S = 10;

/** Takes the lock of a path from all clones; answers how to give it back. @throws ELOCKED when it is not free in time */
export async function takeLock(path: string, waitS = 3_600, onWait = () => {}) {
	// proper-lockfile's own exit handler is deaf in a process that also loads execa: both patch process.emit.
	const onExit = () => unlockSync(path, { realpath: false });
	const onCompromised = () => void process.off('exit', onExit);
	const tryFor = async (seconds: number) => {
		const retries = { retries: seconds, factor: 1, minTimeout: 1_000 };
		return await lock(path, { realpath: false, stale: STALE_S * 1_000, onCompromised, retries });
	};
	const unlock = await tryFor(0).catch(async (error) => {
		if (error.code !== 'ELOCKED') throw error;
		onWait();
		return await tryFor(waitS);
	});
	process.on('exit', onExit);
	return async () => {
		process.off('exit', onExit);
		await unlock().catch(() => undefined);
	};
}

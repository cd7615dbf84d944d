/** How long a finished piece of work is remembered, for callers who come while n8n has not resumed the execution yet. */
const REMEMBER_MS = 10_000;

interface Work {
	/** Somebody came while it was under way: what they know may be newer than what it has seen. */
	again: boolean;
	/** Epoch ms, once the work is done for good. */
	doneAtMs?: number;
}

const works = new Map<string, Work>();

/**
 * Lets many who call at once do a piece of work together: one does it, the others join and go away at once.
 *
 * Whoever joins makes the work start over once it is through without a result, so that no wake-up is lost: it may have
 * come just after the work looked. All of it lives in this process alone. Several processes (queue mode) may do the
 * same work at once; n8n then resumes the execution for one of them only.
 *
 * @param work gives `undefined` as long as there is no result
 * @returns the result, for exactly one caller; `undefined` for everyone else
 * @throws what `work` throws, unless somebody joined meanwhile: then it is tried once more
 */
export async function coalesce<T>(
	key: string,
	work: () => Promise<T | undefined>,
): Promise<T | undefined> {
	forgetOld();
	const underWay = works.get(key);
	if (underWay) {
		underWay.again = true;
		return undefined;
	}
	const mine: Work = { again: false };
	works.set(key, mine);
	try {
		for (;;) {
			mine.again = false;
			const [outcome] = await Promise.allSettled([work()]);
			if (outcome.status === 'fulfilled' && outcome.value !== undefined) {
				mine.doneAtMs = Date.now();
				return outcome.value;
			}
			if (mine.again) continue;
			return outcome.status === 'fulfilled' ? undefined : await Promise.reject(outcome.reason);
		}
	} finally {
		if (mine.doneAtMs === undefined) works.delete(key);
	}
}

/** Without a timer, which a community node may not have. */
function forgetOld(): void {
	const beforeMs = Date.now() - REMEMBER_MS;
	for (const [key, { doneAtMs }] of works) {
		if (doneAtMs !== undefined && doneAtMs < beforeMs) works.delete(key);
	}
}

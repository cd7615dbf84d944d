import { isTransient } from './problems';
import type { ApiResult } from '../transport/types';
import type { Cancellation } from './cancellation';

/** Before each further try. */
const PAUSES_MS = [1_000, 3_000, 6_000];
/** Who is told to stay away for longer than this had better hear of it. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Asks again, a few times, while the answer is of a kind that may pass. Only for calls that spend nothing.
 *
 * @returns the last answer, whatever it says
 * @throws the reason to stop
 */
export async function retryTransient(
	cancellation: Cancellation,
	ask: () => Promise<ApiResult>,
): Promise<ApiResult> {
	for (let attempt = 0; ; attempt++) {
		const result = await ask();
		// A cancel cuts requests short; it must not look like a failure.
		cancellation.throwIfAborted();
		const retryAfterMs = (result.outcome === 'answered' && result.retryAfterMs) || 0;
		const givesUp = attempt >= PAUSES_MS.length || retryAfterMs > MAX_RETRY_AFTER_MS;
		if (!isTransient(result) || givesUp) return result;
		await cancellation.sleepUntil(Date.now() + Math.max(PAUSES_MS[attempt], retryAfterMs));
	}
}

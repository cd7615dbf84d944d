// How an assumption is written: as a jest test, whose name begins with its id and with where the claim comes from.
import type { Live } from './live.mts';

type Check = (live: Live) => void | Promise<void>;

export interface Assumption {
	id: string;
	name: string;
	/** Absent where no request that is safe to send could show it. */
	check?: Check;
}

export const assumptions: Assumption[] = [];

/**
 * The code that rests on a claim names its id in a comment (`assumes: <id>`). Its mark is D, V, T, I as in
 * docs/kling-api.md, or own for what only this project's code says.
 *
 * @param name `<id> (<mark>): <claim>`
 */
export function test(name: string, check?: Check): void {
	const [, id] = /^([a-z0-9-]+) \((?:D|V|T|I|own)\): ./.exec(name) ?? [];
	if (!id || assumptions.some((one) => one.id === id)) throw new Error(`No new id: ${name}`);
	assumptions.push({ id, name, check });
}

/** There is nothing to see: the test counts as skipped, and its name tells why (environment.mjs). */
export function unseen(reason: string): never {
	throw Object.assign(new Error(reason), { name: 'Unseen' });
}

export function need(condition: unknown, reason: string): asserts condition {
	if (!condition) unseen(reason);
}

export const NEEDS_SPEND = 'needs KLING_SPEND=1';
export const NEEDS_TASK = 'needs a finished image task in the account';

/** What goes wrong is told without the token, email addresses, or what stands behind a link's "?". */
export async function run({ check }: Assumption, live: Live): Promise<void> {
	try {
		await check?.(live);
	} catch (error) {
		const { name, message, stack = '' } = error as Error;
		const told = { name, stack: live.hide(stack) };
		throw Object.assign(new Error(live.hide(message)), told);
	}
}

/**
 * Virtual time, for all tests on n8n's engine. It passes only while somebody waits for it, stands still while anything real
 * is under way, and then jumps to the next timer.
 */

/** Whatever waits for a stream or for n8n's own bookkeeping is through after so many turns of the event loop. */
const QUIET_TURNS = 3;
const UNTOUCHED = [
	'hrtime',
	'nextTick',
	'performance',
	'queueMicrotask',
	'setImmediate',
	'clearImmediate',
] as const;

const underWay = new Set<symbol>();
const waiting = new Set<symbol>();
/** What a test that took too long still does has no clock any more. */
let isStarted = false;
let isPassing = false;
interface Condition {
	condition: () => boolean;
	deadlineMs: number;
	resolve: (isMet: boolean) => void;
}
const conditions = new Set<Condition>();
/** Requests that nobody is about to answer: time need not wait for those. */
const keptBack = new Set<() => number>();

/** For `beforeEach`. */
export function startClock(now = Date.now()): void {
	isStarted = true;
	waiting.clear();
	underWay.clear();
	keptBack.clear();
	conditions.clear();
	jest.useFakeTimers({ doNotFake: [...UNTOUCHED], now });
	// As Node does it. jest would take half a millisecond for none, and time would stand still for ever.
	const fake = globalThis.setTimeout;
	globalThis.setTimeout = ((run: () => void, ms?: number, ...args: []) =>
		fake(run, Math.max(1, Math.trunc(ms ?? 0)), ...args)) as typeof setTimeout;
}

/** For `afterEach`: no timer outlives its test. */
export function stopClock(): void {
	isStarted = false;
	jest.clearAllTimers();
	jest.useRealTimers();
}

/** Something real begins. @returns what is to be called at its end, if only after the end of the test */
export function begin(): () => void {
	const what = Symbol('under way');
	underWay.add(what);
	return () => void underWay.delete(what);
}

/** What is no matter of timers: time waits for it. */
export async function real<T>(work: () => Promise<T>): Promise<T> {
	const end = begin();
	try {
		return await work();
	} finally {
		end();
	}
}

/** @param count how many of the requests that are under way are not going to be answered */
export const keepsBack = (count: () => number): unknown => keptBack.add(count);

/** Lets time pass until the work is done. */
export async function passing<T>(work: () => Promise<T>): Promise<T> {
	const who = Symbol('waiting');
	waiting.add(who);
	void passOn();
	try {
		return await work();
	} finally {
		waiting.delete(who);
	}
}

export const pass = async (ms: number): Promise<void> =>
	await passing(async () => await new Promise((resolve) => setTimeout(resolve, ms)));

/** Lets time pass until `condition()`, and not longer. @returns whether it came to that within `limitMs` */
export async function passUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
	const deadlineMs = Date.now() + limitMs;
	const wanted = async () =>
		await new Promise<boolean>(
			(resolve) => void conditions.add({ condition, deadlineMs, resolve }),
		);
	return await passing(wanted);
}

async function passOn(): Promise<void> {
	if (isPassing) return;
	isPassing = true;
	for (let quiet = 0; isStarted && waiting.size > 0; ) {
		await new Promise((resolve) => setImmediate(resolve));
		if (!isStarted || waiting.size === 0) break;
		const isBusy = underWay.size > countKeptBack();
		quiet = settleConditions() || isBusy ? 0 : quiet + 1;
		if (quiet < QUIET_TURNS) continue;
		giveUpConditions();
		jest.advanceTimersToNextTimer();
		quiet = 0;
	}
	isPassing = false;
}

/** @returns whether somebody has something to do now */
function settleConditions(): boolean {
	const met = [...conditions].filter(({ condition }) => condition());
	met.forEach((one) => conditions.delete(one) && one.resolve(true));
	return met.length > 0;
}

function giveUpConditions(): void {
	const isNothingToCome = jest.getTimerCount() === 0;
	for (const one of conditions) {
		if (!isNothingToCome && Date.now() <= one.deadlineMs) continue;
		conditions.delete(one);
		one.resolve(false);
	}
}

const countKeptBack = () => [...keptBack].reduce((sum, count) => sum + count(), 0);

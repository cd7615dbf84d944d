// What an assumption is, and the three things that can be said of one.
import { told, type Answer, type Seen } from './seen.mts';

/** D, V, T, I as in docs/kling-api.md; "own" is assumed by this project's code alone. */
export type Mark = 'D' | 'V' | 'T' | 'I' | 'own';

export interface Verdict {
	verdict: 'confirmed' | 'refuted' | 'unseen';
	/** What was seen, or what it would take to see it. Printed only by way of `Words`, which hides what is private. */
	evidence: string;
}

/** A file of this repository and words that stand in it. */
export interface Place {
	file: string;
	words: string;
}

export interface Assumption {
	id: string;
	text: string;
	mark: Mark;
	/** Where it is written down. */
	source: Place;
	/** Where the code leans on it. */
	builtOn: Place;
	check(seen: Seen): Verdict;
}

export const confirmed = (evidence: string): Verdict => ({ verdict: 'confirmed', evidence });
export const refuted = (evidence: string): Verdict => ({ verdict: 'refuted', evidence });
export const unseen = (evidence: string): Verdict => ({ verdict: 'unseen', evidence });

/** For a fact that was seen either way. */
export const judge = (holds: boolean, evidence: string): Verdict =>
	holds ? confirmed(evidence) : refuted(evidence);

/** These have reasons of their own, whatever was asked: no subscription, too many calls, a fault of the server. */
const isAccident = (status: number) => status === 402 || status === 429 || status >= 500;

/** For a question whose answer's status tells. */
export function judgeStatus(
	answer: Answer | undefined,
	expected: number,
	otherwise = 'no answer came',
): Verdict {
	if (!answer) return unseen(otherwise);
	return isAccident(answer.status) && answer.status !== expected
		? unseen(told(answer))
		: judge(answer.status === expected, told(answer));
}

export const NEEDS_SPEND = 'needs --spend';
export const NEEDS_MORE_ACCOUNTS = 'needs several Kling accounts';
export const NEEDS_TASK = 'needs a finished image task in the account';
export const NEEDS_REFUSED_POST = 'the only request that could show it is a second, refused POST';

export const API_DOC = 'docs/kling-api.md';
export const SANDBOX_DOC = 'sandbox/README.md';

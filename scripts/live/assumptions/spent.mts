// What the assumptions about the one upscale have in common.
import { record } from '../../../nodes/Kling/job/result.ts';
import { NEEDS_SPEND, unseen, type Verdict } from '../assumption.mts';
import { records, told, type Answer, type Seen } from '../seen.mts';

export function whenSent(seen: Seen, check: (post: Answer) => Verdict): Verdict {
	const post = seen.get('upscale');
	return post ? check(post) : unseen(seen.spent ? 'the answer to the POST was lost' : NEEDS_SPEND);
}

/** For what an accepted POST shows. */
export const whenAccepted = (
	seen: Seen,
	check: (task: Record<string, unknown>) => Verdict,
): Verdict =>
	whenSent(seen, (post) =>
		post.status === 200 ? check(record(post.body)) : unseen(`the POST was refused: ${told(post)}`),
	);

export function whenFinished(
	seen: Seen,
	check: (task: Record<string, unknown>) => Verdict,
): Verdict {
	const task = seen.finished();
	if (task) return check(task);
	return unseen(seen.spent ? 'the upscale was not seen to its end' : NEEDS_SPEND);
}

/** The running job that carries our reference. */
export const ourJob = (seen: Seen) =>
	records(seen.get('schedulerAfter')?.body).find(
		({ replyRef }) => replyRef !== undefined && replyRef === seen.spent?.reference,
	);

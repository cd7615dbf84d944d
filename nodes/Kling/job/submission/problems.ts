import {
	answerProblem,
	readProblem,
	tellsOutcome,
	vendorText,
	type Advise,
	type Problem,
} from '../../runtime/problems';
import { isSuccess } from '../../transport/client';
import type { ApiResult } from '../../transport/types';
import type { Sighting } from './earlierJobs';

/** assumes: job-limit-body */
export const ACCOUNT_FULL: Problem = {
	httpCode: '429',
	message: 'Every Kling account is at its job limit',
	description:
		"Nothing was spent on this item. Raise 'Max Jobs' or 'Time Limit' under 'Options', or send fewer images at once.",
	forAgent:
		'Nothing was spent. Call this again with the same values later, when other jobs are finished.',
};

/** What a 500 most likely means for a job. assumes: moderation */
const MODERATION = {
	description:
		"This often means that Kling's moderation refused the image: try another image. The job was sent once and is not sent again automatically.",
	forAgent:
		"This often means that Kling's moderation refused the image. Choose another image: asking for this one again brings the same answer.",
};

/** What a submission that brought no task came to. */
export function submitProblem(result: ApiResult, operation: string, advise: Advise): Problem {
	const reason = doubtAbout(result);
	if (reason !== undefined) {
		return {
			message: `It is unknown whether the ${operation} job was accepted (${reason})`,
			description: '',
			...(result.outcome === 'answered' &&
				!isSuccess(result.status) && { httpCode: String(result.status) }),
		};
	}
	if (result.outcome !== 'answered') return readProblem(result);
	const { status, body } = result;
	return {
		...answerProblem(status, body),
		...(status === 500 && MODERATION),
		...advise(status, vendorText(body) ?? ''),
	};
}

/** Whether it is unknown what became of the job. */
export const isUnknown = (result: ApiResult): boolean => doubtAbout(result) !== undefined;

/** `undefined` where the answer tells the outcome, or nothing was sent. */
function doubtAbout(result: ApiResult): string | undefined {
	if (result.outcome === 'unsent') return undefined;
	if (result.outcome === 'lost') return result.reason;
	const { status, body } = result;
	if (isSuccess(status)) return 'the answer names no task';
	return tellsOutcome(status) ? undefined : (vendorText(body) ?? `HTTP ${status}`);
}

const NEVER_AGAIN =
	'The job was sent, but the answer was lost. It is not sent again automatically, since that could spend credits twice.';

/** @param sighting what the API's lists say about it, once they have been read */
export function unknownOutcome(problem: Problem, sighting?: Sighting): Problem {
	if (sighting?.is === 'absent') {
		return {
			...problem,
			message: `${problem.message}, most likely it was not`,
			description: `${NEVER_AGAIN} The lists of useapi.net show other jobs but not this one, so it was most likely not accepted. To send it, retry this execution or run the workflow again.`,
			forAgent:
				'The job was sent, but the answer was lost. The lists of useapi.net show other jobs but not this one, so it was most likely not accepted. It is not sent again in this execution. Tell the user, who can ask for it in a new message.',
		};
	}
	const lists =
		sighting?.is === 'unreadable'
			? `The lists of useapi.net could not be read: ${sighting.problem.message}.`
			: 'The lists of useapi.net do not show whether it was accepted.';
	return {
		...problem,
		description: `${NEVER_AGAIN} ${lists} Check your tasks first, with Task → Get Many or on the Kling website. Only if the task is not there, send this item again in a new execution.`,
		forAgent: `The job was sent, but the answer was lost. ${lists} Do not ask for this image again, since that could spend credits twice; it is not sent again in this execution. Look for a new task in the list of tasks, or ask the user to look for it.`,
	};
}

/** An earlier job is to be taken, or must not be sent twice, and there is no way to see whether there is one. */
export const couldNotLook = (problem: Problem): Problem => ({
	...problem,
	message: `Could not check for an earlier task of this image: ${problem.message}`,
	description: `Nothing was sent, so nothing was spent. ${problem.description}`,
	forAgent: `Nothing was sent, so nothing was spent. Call this again later with the same values.`,
});

/** @param sent how many jobs the node has sent in this execution */
export const limitReached = (sent: number): Problem => ({
	message: `The 'Spending Limit' of this node is reached: it has sent ${sent} ${sent === 1 ? 'job' : 'jobs'} in this execution`,
	description:
		"Nothing was spent for this item. To send more, raise 'Spending Limit' under 'Options', or run the workflow again for the items that are left.",
	forAgent:
		'Nothing was spent for this image. Do not ask for more images in this execution: tell the user that the limit is reached, who can ask for the others in a new message or raise it.',
	details: { sent },
});

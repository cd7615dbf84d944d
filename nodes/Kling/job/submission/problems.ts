import {
	answerProblem,
	readProblem,
	tellsOutcome,
	vendorText,
	type Advise,
	type KlingError,
	type Problem,
} from '../../runtime/problems';
import { isSuccess } from '../../transport/client';
import type { ApiResult } from '../../transport/types';
import type { Sighting } from './earlierJobs';

/** What a submission that brought no task came to. Whether its outcome is known is told by `isAnswer`. */
export function submitProblem(result: ApiResult, operation: string, advise: Advise): Problem {
	if (result.outcome === 'unsent') return readProblem(result);
	const { httpCode, reason } = lossOf(result);
	if (reason === undefined && result.outcome === 'answered') {
		const { status, body } = result;
		return { ...answerProblem(status, body, 'job'), ...advise(status, vendorText(body) ?? '') };
	}
	return {
		message: `It is unknown whether the ${operation} job was accepted (${reason})`,
		description: '',
		...(httpCode && { httpCode }),
	};
}

/** `reason` is undefined for an answer that tells the outcome. */
function lossOf(result: Exclude<ApiResult, { outcome: 'unsent' }>): {
	reason?: string;
	httpCode?: string;
} {
	if (result.outcome === 'lost') return { reason: result.reason };
	const { status, body } = result;
	if (isSuccess(status)) return { reason: 'the answer names no task' };
	if (tellsOutcome(status)) return {};
	return { reason: vendorText(body) ?? `HTTP ${status}`, httpCode: String(status) };
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

/** More task IDs than this nobody reads in an error. */
const MAX_TASKS_TOLD = 20;

/** What became of each item's job, to be told when the node stops on an error. */
export class ItemJobs {
	/** Of which it is unknown whether their job was accepted. */
	readonly unknown = new Set<number>();

	/** @param accepted the tasks that were accepted, by item */
	constructor(readonly accepted = new Map<number, string>()) {}

	accept(itemIndex: number, taskId: string): void {
		this.accepted.set(itemIndex, taskId);
		this.unknown.delete(itemIndex);
	}

	doubt(itemIndex: number): void {
		this.unknown.add(itemIndex);
	}

	/** Credits that were spent, or may have been, are not lost: the results can be fetched. */
	explain(error: KlingError): KlingError {
		const own = error.context?.itemIndex;
		const said = `${error.message} ${error.description ?? ''}`;
		const tasks = [...this.accepted]
			.filter(([itemIndex, taskId]) => itemIndex !== own || !said.includes(taskId))
			.map(([itemIndex, taskId]) => `item ${itemIndex}: ${taskId}`);
		const items = [...this.unknown].filter((itemIndex) => itemIndex !== own).map(String);
		if (tasks.length + items.length === 0) return error;
		const told = [
			error.description,
			tasks.length > 0 &&
				`Tasks that were already created can be fetched with Task → Get (${list(tasks)}).`,
			items.length > 0 &&
				`It is unknown whether the jobs of these items were accepted: ${list(items)}. Look for their tasks with Task → Get Many before you send them again.`,
			"To let the other items continue, set 'On Error' to 'Continue' in this node's settings.",
		];
		error.description = told.filter(Boolean).join(' ');
		return error;
	}
}

function list(names: string[]): string {
	const more = names.length - MAX_TASKS_TOLD;
	return [...names.slice(0, MAX_TASKS_TOLD), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

import type { INode, JsonObject } from 'n8n-workflow';
import { NodeApiError, NodeOperationError } from 'n8n-workflow';

import { isSuccess } from '../transport/client';
import type { ApiResult } from '../transport/types';

/** Longer texts are not for reading, and errors are kept with the execution. */
const MAX_TEXT_LENGTH = 2_000;

/** What an error tells a user: what happened (`message`), what to do next (`description`), and facts for a workflow to act on. */
export interface Problem {
	message: string;
	description: string;
	/** The next step for an AI agent, where it is another one: an agent can call again, but it cannot change settings or wires. */
	forAgent?: string;
	/** HTTP status of the answer, if there was one. */
	httpCode?: string;
	/** Ids and states that later nodes can use, e.g. `{ taskId }`. */
	details?: JsonObject;
}

export type KlingError = (NodeApiError | NodeOperationError) & { problem?: Problem };

/** n8n runs a node that an AI agent uses under a type of its own, with "Tool" at its end. */
export const isTool = (node: INode): boolean => node.type.endsWith('Tool');

/**
 * An error for n8n's output panel, about one item.
 *
 * n8n replaces a message that contains an errno ("EPERM" in "approvePermissions") by a text of its own, so the message
 * is set again once n8n is done with it: the vendor's words stay whole.
 */
export function klingError(node: INode, problem: Problem, itemIndex?: number): KlingError {
	const { httpCode } = problem;
	const description = (isTool(node) && problem.forAgent) || problem.description;
	// An agent is given the message alone, and it too needs to know what to do next.
	const message = isTool(node) ? `${problem.message}. ${description}` : problem.message;
	const error: KlingError = httpCode
		? new NodeApiError(node, { message }, { message, description, httpCode, itemIndex })
		: new NodeOperationError(node, message, { description, itemIndex });
	error.message = message;
	error.description = description;
	error.problem = problem;
	return error;
}

/** A 4xx: what is wrong with the request can be put right. */
export const isRefusal = (problem: Problem): boolean =>
	isAnswer(problem) && problem.httpCode!.startsWith('4');

/**
 * Whether an answer is the API's own word on a job: a 4xx, a redirect, or its own 500. A gateway's 502 to 504, and the
 * 408 of one that gave up, do not tell what became of the request behind it. assumes: refusal-takes-nothing
 */
export const tellsOutcome = (status: number): boolean => status <= 500 && status !== 408;

/** What went wrong is the API's own word that no task was made. */
export const isAnswer = ({ httpCode }: Problem): boolean => tellsOutcome(Number(httpCode));

/**
 * The vendor's own words: `error` first, since `message` "most often has very generic and perhaps misleading text" (the vendor's page).
 * assumes: error-words, failed-says-why
 */
export function vendorText(body: unknown): string | undefined {
	if (typeof body !== 'object' || body === null) return undefined;
	const { error, message } = body as { error?: unknown; message?: unknown };
	for (const candidate of [error, (error as { message?: unknown } | null)?.message, message]) {
		if (typeof candidate === 'string' && candidate.trim() !== '') {
			return candidate.trim().slice(0, MAX_TEXT_LENGTH);
		}
	}
	return undefined;
}

/** What an operation knows better than `answerProblem` about an answer and the vendor's words in it. */
export type Advise = (status: number, said: string) => Partial<Problem> | undefined;

/** What an answer that is not a success means (kling-api.md, status table). */
export function answerProblem(status: number, body: unknown): Problem {
	const said = vendorText(body);
	return { httpCode: String(status), ...meaningOf(status, said) };
}

function meaningOf(status: number, said?: string): Problem {
	const quoted = said ? `useapi.net says: "${said}". ` : '';
	switch (status) {
		// assumes: field-errors, email-required
		case 400:
			return {
				message: said ?? 'useapi.net refused the request as invalid',
				description:
					"Check 'Task', 'Image' and 'Account'. With several Kling accounts connected to useapi.net, 'Account' must be filled in.",
			};
		case 401:
			return {
				message: 'The API token was refused',
				description: `${quoted}Open the useapi.net credential of this node, enter the API token again and test it.`,
			};
		// assumes: no-subscription
		case 402:
			return {
				message: 'There is no active useapi.net subscription',
				description: `${quoted}Subscribe or renew at https://useapi.net/docs/subscription, then run the workflow again.`,
			};
		// assumes: other-account, unknown-account
		case 404:
			return {
				message: said ?? 'useapi.net does not know this task, image or account',
				description:
					"The task may have been deleted, refused by moderation or stopped for lack of credits, or it belongs to another Kling account. Check the IDs and 'Account'.",
			};
		case 429:
			return {
				message: said ?? 'useapi.net received too many requests',
				description: 'This request spent no credits. Run the workflow again in a moment.',
			};
		case 500:
			return {
				message: said ?? 'useapi.net failed to process the request',
				description: 'This request spent no credits. Run the workflow again later.',
			};
	}
	return isRedirect(status)
		? {
				message: `useapi.net redirected to another address (HTTP ${status})`,
				description:
					"The redirect was not followed, so that the API token goes nowhere else. Check the 'Base URL' of the credential.",
			}
		: {
				message: said ?? `useapi.net answered with the unexpected HTTP status ${status}`,
				description: `The HTTP status was ${status}. Try again later. If this happens again, check the 'Base URL' of the credential.`,
			};
}

const isRedirect = (status: number): boolean => status >= 300 && status < 400;

/** Whether asking again later may bring another answer. For calls that spend nothing: see `job/submission/submit.ts` for the others. */
export const isTransient = (result: ApiResult): boolean =>
	result.outcome !== 'answered' || result.status === 429 || result.status >= 500;

/** What a call which spends nothing (a GET) brought, or what kept it from that. */
export function unwrap(
	result: ApiResult,
): { body: unknown; problem?: undefined } | { problem: Problem } {
	if (result.outcome !== 'answered') return { problem: readProblem(result) };
	const { status, body } = result;
	return isSuccess(status) ? { body } : { problem: answerProblem(status, body) };
}

/** For a success that does not hold what was asked for. */
export const oddAnswer = (message: string): Problem => ({
	message,
	description:
		"Try again in a moment. If this happens again, check the 'Base URL' of the credential.",
});

/** What it means that a call which spends nothing (a GET) brought no usable answer. */
export function readProblem(result: Exclude<ApiResult, { outcome: 'answered' }>): Problem {
	return result.outcome === 'unsent'
		? {
				message: `Could not connect to useapi.net (${result.reason})`,
				description:
					"Nothing was sent. Check the 'Base URL' of the credential and whether this n8n can reach the internet.",
			}
		: {
				message: `useapi.net gave no usable answer (${result.reason})`,
				description: 'This request spent no credits. Try again in a moment.',
			};
}

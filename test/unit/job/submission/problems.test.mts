import type { Sighting } from '../../../../nodes/Kling/job/submission/earlierJobs.ts';
import {
	ACCOUNT_FULL,
	couldNotLook,
	isUnknown,
	limitReached,
	submitProblem,
	unknownOutcome,
} from '../../../../nodes/Kling/job/submission/problems.ts';
import type { ApiResult } from '../../../../nodes/Kling/transport/types.ts';
import { answered, lost, unsent } from '../../../support/fakes.mts';

/** What people read of a job that was not accepted, or of which nobody knows; an agent reads `forAgent` instead. */

const problemOf = (result: ApiResult) => submitProblem(result, 'upscale', () => undefined);

test.each<[string, ApiResult, boolean, RegExp, RegExp]>([
	['no connection', unsent, false, /^Could not connect/, /^Nothing was sent/],
	['a refusal', answered(400, { error: 'No' }), false, /^No$/, /^Check 'Task', 'Image'/],
	[
		'its own 500',
		answered(500, { error: 'No' }),
		false,
		/^No$/,
		/moderation refused the image: try another image\. .* not sent again/,
	],
	[
		'its own 500 without words',
		answered(500, {}),
		false,
		/failed to process the request/,
		/try another image/,
	],
	[
		'a lost answer',
		lost,
		true,
		/^It is unknown whether the upscale job was accepted \(ECONNRESET\)$/,
		/^$/,
	],
	[
		'a gateway’s answer',
		answered(502, { error: 'Bad gateway' }),
		true,
		/accepted \(Bad gateway\)$/,
		/^$/,
	],
	['a gateway’s answer without words', answered(504, {}), true, /accepted \(HTTP 504\)$/, /^$/],
	[
		'a success without a task',
		answered(200, {}),
		true,
		/accepted \(the answer names no task\)$/,
		/^$/,
	],
])('%s', (_name, result, unknown, message, description) => {
	expect(isUnknown(result)).toBe(unknown);
	const problem = problemOf(result);
	expect(problem.message).toMatch(message);
	expect(problem.description).toMatch(description);
});

test('an agent is told that a refused image stays refused', () => {
	expect(problemOf(answered(500, {})).forAgent).toMatch(/Choose another image/);
	expect(problemOf(answered(400, {})).forAgent).toBeUndefined();
});

test('a full account has spent nothing, and there is something to do about it', () => {
	const { httpCode, message, description, forAgent } = ACCOUNT_FULL;
	expect([httpCode, message]).toEqual(['429', 'Every Kling account is at its job limit']);
	expect(description).toMatch(/^Nothing was spent .* Raise 'Max Jobs'/);
	expect(forAgent).toMatch(/^Nothing was spent\. Call this again/);
});

test('the status of an answer is told', () => {
	expect(problemOf(answered(502, {}))).toHaveProperty('httpCode', '502');
	expect(problemOf(lost)).not.toHaveProperty('httpCode');
});

test('an operation may know better what to do about a refusal', () => {
	const refused = answered(400, { error: 'Not completed' });
	const problem = submitProblem(refused, 'upscale', (status, said) => ({
		description: `${status}: ${said}`,
	}));
	expect(problem).toMatchObject({ message: 'Not completed', description: '400: Not completed' });
	const silent = submitProblem(answered(400, {}), 'upscale', (_status, said) => ({
		description: `"${said}"`,
	}));
	expect(silent.description).toBe('""');
});

describe('an outcome that is unknown', () => {
	const told = (sighting?: Sighting) => unknownOutcome(problemOf(lost), sighting);
	const unreadable = {
		is: 'unreadable',
		problem: { message: 'No lists', description: '' },
	} as const;

	test('most likely was not accepted where the lists show other jobs but not this one', () => {
		const { message, description, forAgent } = told({ is: 'absent' });
		expect(message).toMatch(/\(ECONNRESET\), most likely it was not$/);
		expect(description).toMatch(/^The job was sent.* To send it, retry this execution or run the/);
		expect(forAgent).toMatch(/not sent again in this execution\. Tell the user/);
	});

	test.each<[string, Sighting | undefined, RegExp]>([
		['do not tell', { is: 'untold' }, /The lists of useapi\.net do not show whether it was acc/],
		['have not been read yet', undefined, /The lists of useapi\.net do not show whether it was/],
		['cannot be read', unreadable, /The lists of useapi\.net could not be read: No lists\./],
	])('is to be looked up where the lists %s', (_name, sighting, lists) => {
		const { message, description, forAgent } = told(sighting);
		expect(message).toMatch(/\(ECONNRESET\)$/);
		expect(description).toMatch(lists);
		expect(description).toMatch(/^The job was sent.* not sent again auto.* Check your tasks first/);
		expect(forAgent).toMatch(lists);
		expect(forAgent).toMatch(/^The job was sent.* Do not ask for this image again/);
	});

	test('keeps what else is known of it', () => {
		const problem = { ...problemOf(answered(502, {})), details: { taskId: '1' } };
		for (const is of ['absent', 'untold'] as const) {
			expect(unknownOutcome(problem, { is })).toMatchObject({
				httpCode: '502',
				details: { taskId: '1' },
			});
		}
	});
});

test('a look that is needed and fails says that nothing was spent, and why', () => {
	const reason = { message: 'No', description: 'Mend it.', httpCode: '401' };
	const { message, description, forAgent, httpCode } = couldNotLook(reason);
	expect(message).toBe('Could not check for an earlier task of this image: No');
	expect(description).toBe('Nothing was sent, so nothing was spent. Mend it.');
	expect(forAgent).toMatch(/^Nothing was sent.* Call this again later with the same values\.$/);
	expect(httpCode).toBe('401');
});

test.each([
	[1, /it has sent 1 job in this/],
	[2, /it has sent 2 jobs in this/],
])('a spending limit of %d says so, and how to go on', (sent, message) => {
	const problem = limitReached(sent);
	expect(problem.message).toMatch(message);
	expect(problem.description).toMatch(/^Nothing was spent for this item\..*raise 'Spending Limit'/);
	expect(problem.forAgent).toMatch(/^Nothing was spent.* tell the user/);
	expect(problem.details).toEqual({ sent });
});

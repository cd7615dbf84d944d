import type { INode } from 'n8n-workflow';

import {
	answerProblem,
	unwrap,
	isRefusal,
	klingError,
	isTransient,
	readProblem,
	vendorText,
} from '../../../nodes/Kling/runtime/problems.ts';
import type { ApiResult } from '../../../nodes/Kling/transport/types.ts';

/** What people are told about each answer: what happened, and what to do next. */

const ours = { name: 'Kling', type: 'n8n-nodes-useapi-kling.kling' } as INode;
const tool = { name: 'Kling', type: 'n8n-nodes-useapi-kling.klingTool' } as INode;
const says = { error: 'Words of theirs' };

test.each<[number, unknown, RegExp, RegExp]>([
	[400, says, /^Words of theirs$/, /^Check 'Task', 'Image' and 'Account'\./],
	[400, undefined, /refused the request as invalid/, /^Check 'Task', 'Image' and 'Account'\./],
	[401, says, /token was refused/, /^useapi\.net says: "Words of theirs"\. Open the .* credential/],
	[401, undefined, /token was refused/, /^Open the .* credential/],
	[
		402,
		says,
		/no active useapi\.net subscription/,
		/^useapi\.net says: "W.*"\. Subscribe or renew/,
	],
	[
		404,
		says,
		/^Words of theirs$/,
		/deleted, refused by moderation .* Check the IDs and 'Account'\.$/,
	],
	[404, undefined, /does not know this task, image or account/, /Check the IDs/],
	[
		300,
		undefined,
		/redirected to another address \(HTTP 300\)/,
		/not followed, .* Check the 'Base URL'/,
	],
	[399, says, /redirected to another address \(HTTP 399\)/, /not followed/],
	[418, says, /^Words of theirs$/, /status was 418\. Try again later/],
	[418, undefined, /unexpected HTTP status 418/, /check the 'Base URL'/],
	[299, undefined, /unexpected HTTP status 299/, /Try again later/],
])('%i with %j', (status, body, message, description) => {
	const problem = answerProblem(status, body);
	expect(problem.httpCode).toBe(String(status));
	expect(problem.message).toMatch(message);
	expect(problem.description).toMatch(description);
	expect(problem.forAgent).toBeUndefined();
});

test.each([
	[429, says, /^Words of theirs$/],
	[429, undefined, /^useapi\.net received too many requests$/],
	[500, says, /^Words of theirs$/],
	[500, undefined, /failed to process the request/],
])('%i with %j gives no advice about jobs', (status, body, message) => {
	const problem = answerProblem(status, body);
	expect(problem.message).toMatch(message);
	expect(problem.description).toMatch(/^This request spent no credits\. Run the workflow again/);
	expect(problem.description).not.toMatch(/Max Jobs|image/);
});

test.each<[ApiResult & { outcome: 'unsent' | 'lost' }, RegExp, RegExp]>([
	[
		{ outcome: 'unsent', reason: 'ENOTFOUND' },
		/^Could not connect to useapi\.net \(ENOTFOUND\)$/,
		/^Nothing was sent\. Check the 'Base URL'/,
	],
	[
		{ outcome: 'lost', reason: 'ECONNRESET' },
		/gave no usable answer \(ECONNRESET\)$/,
		/^This request spent no credits\. Try again/,
	],
])('without an answer: %j', (result, message, description) => {
	const problem = readProblem(result);
	expect(problem.message).toMatch(message);
	expect(problem.description).toMatch(description);
	expect(unwrap(result)).toEqual({ problem });
	expect(isTransient(result)).toBe(true);
});

test.each([
	[200, true],
	[299, true],
	[199, false],
	[300, false],
])('%i is a body or a problem', (status, isBody) => {
	const got = unwrap({ outcome: 'answered', status, body: says });
	expect(got).toEqual(isBody ? { body: says } : { problem: answerProblem(status, says) });
});

test.each([
	[429, true],
	[428, false],
	[499, false],
	[500, true],
	[404, false],
])('%i may pass: %j', (status, passes) =>
	expect(isTransient({ outcome: 'answered', status, body: undefined })).toBe(passes),
);

test.each([
	['400', true],
	['499', true],
	['500', false],
	['304', false],
	['14', false],
	[undefined, false],
])('a status of %s is a refusal: %j', (httpCode, refusal) =>
	expect(isRefusal({ message: '', description: '', httpCode })).toBe(refusal),
);

test.each([
	[{ error: 'E', message: 'M' }, 'E'],
	[{ error: { message: 'within' }, message: 'M' }, 'within'],
	[{ error: ' ', message: ' M ' }, 'M'],
	[{ error: null, message: 'M' }, 'M'],
	[{ error: 17, message: {} }, undefined],
	[{}, undefined],
	[null, undefined],
	['text', undefined],
	[{ error: 'x'.repeat(2_001) }, 'x'.repeat(2_000)],
])('the vendor’s words in %j', (body, words) => expect(vendorText(body)).toBe(words));

describe('an error', () => {
	const problem = { message: 'It broke', description: 'Mend it.', forAgent: 'Tell the user.' };

	test('tells a person what to do in its description', () => {
		const error = klingError(ours, problem, 2);
		expect(error).toMatchObject({
			name: 'NodeOperationError',
			message: 'It broke',
			description: 'Mend it.',
			problem,
			context: { itemIndex: 2 },
		});
	});

	test('tells an agent all of it in its message, in the agent’s words where there are any', () => {
		expect(klingError(tool, problem).message).toBe('It broke. Tell the user.');
		expect(klingError(tool, { ...problem, forAgent: undefined }).message).toBe(
			'It broke. Mend it.',
		);
	});

	test('keeps the vendor’s words whole although they have an errno in them', () => {
		const message = 'approvePermissions: EPERM';
		const error = klingError(ours, { ...problem, message, httpCode: '400' }, 0);
		expect(error).toMatchObject({
			name: 'NodeApiError',
			message,
			description: 'Mend it.',
			httpCode: '400',
			context: { itemIndex: 0 },
		});
	});
});

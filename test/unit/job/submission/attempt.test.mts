import { NodeOperationError } from 'n8n-workflow';

import { advise } from '../../../../nodes/Kling/actions/image/upscale.operation.ts';
import { ItemJobs } from '../../../../nodes/Kling/job/submission/attempt.ts';
import { submitProblem } from '../../../../nodes/Kling/job/submission/problems.ts';
import { klingError, type KlingError } from '../../../../nodes/Kling/runtime/problems.ts';
import { answered, nodeOf } from '../../../support/fakes.mts';

/** What is told of a refused job, and with an error that stops the node of the other items' jobs. */

const node = nodeOf();
const problem = { message: 'It broke', description: 'Mend it.', details: { taskId: '10' } };

function explain(error: KlingError, accepted: Map<number, string>, unknown: number[] = []) {
	const jobs = new ItemJobs(accepted);
	unknown.forEach((itemIndex) => jobs.doubt(itemIndex));
	return jobs.explain(error);
}

test('a job that was found after all is no longer unknown', () => {
	const jobs = new ItemJobs();
	jobs.doubt(0);
	jobs.accept(0, '100');
	const { description } = jobs.explain(klingError(node, problem, 1));
	expect(description).toContain('item 0: 100');
	expect(description).not.toContain('unknown');
});

describe('tasks of other items', () => {
	const tasks = (count: number) =>
		new Map(Array.from({ length: count }, (_, item) => [item, String(100 + item)]));

	test('are told with the error, that of the failed item only where its error does not', () => {
		const own = { ...problem, message: 'Task 101 failed' };
		expect(explain(klingError(node, own, 1), tasks(3)).description).toMatch(
			/^Mend it\. Tasks that were .* \(item 0: 100, item 2: 102\)/,
		);
		const { description } = explain(klingError(node, problem, 1), tasks(3));
		expect(description).toMatch(/\(item 0: 100, item 1: 101, item 2: 102\)/);
	});

	test('are told though the error names an ID that begins alike', () => {
		const accepted = new Map([
			[0, '10'],
			[1, '1'],
		]);
		const own = { ...problem, description: 'It was task 10.' };
		expect(explain(klingError(node, own, 0), accepted).description).toMatch(/\(item 1: 1\)/);
	});

	test('come with a way to go on', () => {
		const { description } = explain(klingError(node, problem, 1), tasks(1));
		expect(description).toMatch(/ To let the other items continue, set 'On Error' to 'Continue'/);
	});

	test('are no matter where there are none', () => {
		expect(explain(klingError(node, problem, 0), new Map()).description).toBe('Mend it.');
	});

	test('are told up to twenty, then counted', () => {
		const told = (count: number) =>
			explain(new NodeOperationError(node, 'No'), tasks(count)).description;
		expect(told(20)).toMatch(/item 18: 118, item 19: 119\)/);
		expect(told(23)).toMatch(/item 18: 118, item 19: 119, and 3 more\)/);
	});

	test('begin the description where the error has none', () => {
		const { description } = explain({ message: 'No' } as KlingError, tasks(1));
		expect(description).toMatch(/^Tasks that were already created/);
	});

	test('of which nobody knows are told as well, and are no matter where it is the failed item', () => {
		const { description } = explain(klingError(node, problem, 1), tasks(1), [1, 2]);
		expect(description).toMatch(/^Mend it\. Tasks .* \(item 0: 100\)\. It is unknown .*: 2\. Look/);
		const onlyUnknown = explain(klingError(node, problem, 0), new Map(), [1]);
		expect(onlyUnknown.description).toMatch(/^Mend it\. It is unknown .*: 1\. Look/);
		const alone = explain(klingError(node, problem, 1), new Map(), [1]);
		expect(alone.description).toBe('Mend it.');
	});
});

describe('the operation says what to do about a refusal, where it knows more', () => {
	test.each<[string, number, string, RegExp, RegExp | undefined]>([
		[
			'a source task that runs',
			400,
			'Task 1 is NOT completed',
			/still running\. Wait for it first: put a Kling node/,
			/Wait for it first .* Nothing was spent\.$/,
		],
		['another 400', 400, 'No', /^Check 'Task', 'Image' and 'Account'\./, undefined],
		['another answer', 404, 'It is not completed', /Check the IDs/, undefined],
	])('%s', (_name, status, error, description, forAgent) => {
		const told = submitProblem(answered(status, { error }), 'upscale', advise);
		expect(told).toMatchObject({ message: error, httpCode: String(status) });
		expect(told.description).toMatch(description);
		expect(told.forAgent ?? '').toMatch(forAgent ?? /^$/);
	});
});

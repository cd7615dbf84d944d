import type { INode } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { asNodeError, errorItem, withSentJobs } from '../../../nodes/Kling/runtime/errorItem.ts';
import { klingError } from '../../../nodes/Kling/runtime/problems.ts';

const node = { name: 'Kling', type: 'kling' } as INode;
const problem = { message: 'It broke', description: 'Mend it.', details: { taskId: '10' } };

describe('an error and its item', () => {
	test('what is no node error becomes one, about its item', () => {
		const error = asNodeError(node, new TypeError('x is undefined'), 3);
		expect(error).toMatchObject({
			name: 'NodeOperationError',
			message: 'x is undefined',
			context: { itemIndex: 3 },
		});
	});

	test.each([
		['NodeOperationError', undefined],
		['NodeApiError', '500'],
	])('a %s stays what it is, and keeps its item if it has one', (name, httpCode) => {
		const ours = klingError(node, { ...problem, httpCode }, 1);
		expect(asNodeError(node, ours, 3)).toBe(ours);
		expect(ours.name).toBe(name);
		expect(ours.context.itemIndex).toBe(1);
		const ofNoItem = klingError(node, { ...problem, httpCode });
		expect(asNodeError(node, ofNoItem, 3).context.itemIndex).toBe(3);
	});
});

describe('an error item', () => {
	test('has three keys, the facts, and a link', () => {
		const error = klingError(node, { ...problem, httpCode: '402' }, 2);
		expect(errorItem(error, 2)).toEqual({
			json: {
				error: 'It broke',
				message: 'Mend it.',
				details: { taskId: '10', httpCode: '402' },
			},
			pairedItem: { item: 2 },
		});
	});

	test('has no status where there was no answer, and says something to do in any case', () => {
		const { json } = errorItem(asNodeError(node, new Error('x is undefined'), 0), 0);
		expect(json).toEqual({
			error: 'x is undefined',
			message: 'Check the parameters of this item.',
			details: {},
		});
		expect(json.details).not.toHaveProperty('httpCode');
		const withoutStatus = klingError(node, { ...problem, httpCode: '' }, 0);
		expect(errorItem(withoutStatus, 0).json.details).not.toHaveProperty('httpCode');
	});
});

describe('tasks of other items', () => {
	const tasks = (count: number) =>
		new Map(Array.from({ length: count }, (_, item) => [item, String(100 + item)]));

	test('are told with the error, that of the failed item only where its error does not', () => {
		const own = { ...problem, message: 'Task 101 failed' };
		expect(withSentJobs(klingError(node, own, 1), tasks(3)).description).toMatch(
			/^Mend it\. Tasks that were .* \(item 0: 100, item 2: 102\)/,
		);
		const { description } = withSentJobs(klingError(node, problem, 1), tasks(3));
		expect(description).toMatch(/\(item 0: 100, item 1: 101, item 2: 102\)/);
	});

	test('are no matter where there are none', () => {
		expect(withSentJobs(klingError(node, problem, 0), new Map()).description).toBe('Mend it.');
	});

	test('are told up to twenty, then counted', () => {
		const told = (count: number) =>
			withSentJobs(new NodeOperationError(node, 'No'), tasks(count)).description;
		expect(told(20)).toMatch(/item 18: 118, item 19: 119\)/);
		expect(told(23)).toMatch(/item 18: 118, item 19: 119, and 3 more\)/);
	});

	test('begin the description where the error has none', () => {
		const { description } = withSentJobs({ message: 'No' }, tasks(1));
		expect(description).toMatch(/^Tasks that were already created/);
	});

	test('of which nobody knows are told as well, and are no matter where it is the failed item', () => {
		const { description } = withSentJobs(klingError(node, problem, 1), tasks(1), new Set([1, 2]));
		expect(description).toMatch(/^Mend it\. Tasks .* \(item 0: 100\)\. It is unknown .*: 2\. Look/);
		const alone = withSentJobs(klingError(node, problem, 1), new Map(), new Set([1]));
		expect(alone.description).toBe('Mend it.');
	});
});

import type { INodeExecutionData } from 'n8n-workflow';

import type { Context } from '../../../nodes/Kling/runtime/context.ts';
import { klingError } from '../../../nodes/Kling/runtime/problems.ts';
import { asNodeError, errorItem, Items, runItems } from '../../../nodes/Kling/runtime/runItems.ts';
import { FakeExecution, FakeKling, nodeOf, type ExecutionSettings } from '../../support/fakes.mts';

/** How the items of one `execute()` get along with each other, whatever it is that they do. */

function executionOf(count: number, settings: ExecutionSettings = {}) {
	const items = Array.from({ length: count }, () => ({ json: {} }));
	const execution = new FakeExecution(new FakeKling(), { items, ...settings });
	return { n8n: execution.context(), hints: execution.hints };
}

const itself = (itemIndex: number) => itemIndex;
const out = (itemIndex: number): INodeExecutionData[] => [{ json: { itemIndex } }];
const told = (items: INodeExecutionData[]) => items.map(({ json }) => json.error ?? json.itemIndex);

test('an item whose fields are wrong is not run, and nobody waits for it', async () => {
	const { n8n } = executionOf(3, { goesOn: true });
	const ran: number[] = [];
	const items = await runItems(
		n8n,
		(itemIndex) => {
			if (itemIndex === 1) throw new Error('Task is empty');
			return itemIndex;
		},
		async (_context, parameter, itemIndex) => {
			ran.push(parameter);
			return out(itemIndex);
		},
	);
	expect(ran).toEqual([0, 2]);
	expect(told(items)).toEqual([0, 'Task is empty', 2]);
});

test('items whose parameters take time are read one after another, until a cancel', async () => {
	const cancel = new AbortController();
	const { n8n } = executionOf(3, { goesOn: true, signal: cancel.signal });
	const steps: string[] = [];
	const read = async (itemIndex: number) => {
		steps.push(`begins ${itemIndex}`);
		await Promise.resolve();
		steps.push(`ends ${itemIndex}`);
		if (itemIndex === 0) throw new Error('No such file');
		if (itemIndex === 1) cancel.abort();
	};
	await expect(Items.read(n8n, read)).rejects.toThrow('canceled');
	expect(steps).toEqual(['begins 0', 'ends 0', 'begins 1', 'ends 1']);
});

test('without Continue wrong fields of any item stop the node before anything is run', async () => {
	const { n8n } = executionOf(2);
	const run = jest.fn();
	const read = (itemIndex: number) => {
		if (itemIndex === 1) throw new Error('Task is empty');
	};
	await expect(runItems(n8n, read, run)).rejects.toMatchObject({
		message: 'Task is empty',
		context: { itemIndex: 1 },
	});
	expect(run).not.toHaveBeenCalled();
});

test('the first error in time is thrown, not what it brought about', async () => {
	const { n8n } = executionOf(4);
	const run = async ({ cancellation }: Context, _: number, itemIndex: number) => {
		if (itemIndex === 1) throw new Error('The reason');
		await cancellation.sleepUntil(Date.now() + 60_000).catch(() => {
			throw new Error('A consequence');
		});
		return [];
	};
	await expect(runItems(n8n, itself, run)).rejects.toMatchObject({
		message: 'The reason',
		context: { itemIndex: 1 },
	});
});

test('a cancel stops the node even with Continue', async () => {
	const cancel = new AbortController();
	const { n8n } = executionOf(2, { goesOn: true, signal: cancel.signal });
	const run = async ({ cancellation }: Context) => {
		cancel.abort();
		await cancellation.sleepUntil(Date.now() + 60_000);
		return [];
	};
	await expect(runItems(n8n, itself, run)).rejects.toThrow('The execution was canceled');
});

test.each([
	[0, 0, undefined],
	[5, 5, undefined],
	[7, 6, 'There are 2 more hints like these.'],
])('of %i hints %i are shown', async (count, shown, last) => {
	const { n8n, hints } = executionOf(count);
	await runItems(n8n, itself, async ({ hints: shared }, itemIndex) => {
		shared.add(`Hint ${itemIndex}`);
		return out(itemIndex);
	});
	expect(hints).toHaveLength(shown);
	expect(hints.slice(0, 5)).toEqual(
		Array.from({ length: Math.min(count, 5) }, (_, i) => `Hint ${i}`),
	);
	if (last) expect(hints.at(-1)).toBe(last);
});

describe('in phases', () => {
	test('the next one begins when all are through the one before, for those without output', async () => {
		const { n8n } = executionOf(4, { goesOn: true });
		const items = await Items.read(n8n, (itemIndex) => {
			if (itemIndex === 0) throw new Error('Wrong field');
			return itemIndex;
		});
		const log: string[] = [];
		await items.each(async (_, itemIndex) => {
			await new Promise((resolve) => setImmediate(resolve));
			log.push(`first ${itemIndex}`);
			if (itemIndex === 1) throw new Error('Failed');
			return itemIndex === 2 ? out(itemIndex) : undefined;
		});
		await items.each(async (_, itemIndex) => {
			log.push(`second ${itemIndex}`);
			return out(itemIndex);
		});
		expect(log).toEqual(['first 1', 'first 2', 'first 3', 'second 3']);
		expect(told(items.finish())).toEqual(['Wrong field', 'Failed', 2, 3]);
	});

	test('an error in one of them stops the node, and says what the operation has to add', async () => {
		const { n8n } = executionOf(2);
		const items = await Items.read(n8n, itself);
		items.explainStop = (error) => Object.assign(error, { description: 'Item 1 was sent.' });
		await items.each(async () => undefined);
		const second = items.each(async (_, itemIndex) => {
			if (itemIndex === 0) throw new Error('Failed');
			return out(itemIndex);
		});
		const told = { message: 'Failed', description: 'Item 1 was sent.' };
		await expect(second).rejects.toMatchObject(told);
	});

	test('each item that can be read is visited, and no other', async () => {
		const { n8n } = executionOf(3, { goesOn: true });
		const items = await Items.read(n8n, (itemIndex) => {
			if (itemIndex === 1) throw new Error('Wrong field');
			return `of ${itemIndex}`;
		});
		const visited: unknown[] = [];
		items.forEach((...each) => visited.push(each));
		expect(visited).toEqual([
			['of 0', 0],
			['of 2', 2],
		]);
	});

	test('the first item that can be read speaks for all', async () => {
		const { n8n } = executionOf(3, { goesOn: true });
		const read = (itemIndex: number) => {
			if (itemIndex === 0) throw new Error('Wrong field');
			return itemIndex;
		};
		expect((await Items.read(n8n, read)).first).toBe(1);
		const none = executionOf(0).n8n;
		expect((await Items.read(none, read)).first).toBeUndefined();
	});
});

const node = nodeOf();
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

import type { INodeExecutionData } from 'n8n-workflow';

import { Items, runItems, type Batch } from '../../../nodes/Kling/runtime/runItems.ts';
import { FakeExecution, FakeKling, type ExecutionSettings } from '../../support/fakes.mts';

/** How the items of one `execute()` get along with each other, whatever it is that they do. */

function contextOf(count: number, settings: ExecutionSettings = {}) {
	const items = Array.from({ length: count }, () => ({ json: {} }));
	const execution = new FakeExecution(new FakeKling(), { items, ...settings });
	return { context: execution.context(), hints: execution.hints };
}

const itself = (itemIndex: number) => itemIndex;
const out = (itemIndex: number): INodeExecutionData[] => [{ json: { itemIndex } }];
const told = (items: INodeExecutionData[]) => items.map(({ json }) => json.error ?? json.itemIndex);

test('an item whose fields are wrong is not run, and nobody waits for it', async () => {
	const { context } = contextOf(3, { goesOn: true });
	const ran: number[] = [];
	const items = await runItems(
		context,
		(itemIndex) => {
			if (itemIndex === 1) throw new Error('Task is empty');
			return itemIndex;
		},
		async (_batch, parameter, itemIndex) => {
			ran.push(parameter);
			return out(itemIndex);
		},
	);
	expect(ran).toEqual([0, 2]);
	expect(told(items)).toEqual([0, 'Task is empty', 2]);
});

test('without Continue wrong fields of any item stop the node before anything is run', async () => {
	const { context } = contextOf(2);
	const run = jest.fn();
	const read = (itemIndex: number) => {
		if (itemIndex === 1) throw new Error('Task is empty');
	};
	await expect(runItems(context, read, run)).rejects.toMatchObject({
		message: 'Task is empty',
		context: { itemIndex: 1 },
	});
	expect(run).not.toHaveBeenCalled();
});

test('the first error in time is thrown, not what it brought about, with what others have sent', async () => {
	const { context } = contextOf(4);
	const run = async (batch: Batch, _: number, itemIndex: number) => {
		if (itemIndex === 1) throw new Error('The reason');
		if (itemIndex === 3) batch.unknown.add(itemIndex);
		else batch.accepted.set(itemIndex, `10${itemIndex}`);
		await batch.cancellation.sleepUntil(Date.now() + 60_000).catch(() => {
			throw new Error('A consequence');
		});
		return [];
	};
	const error = await runItems(context, itself, run).catch((thrown: unknown) => thrown);
	expect(error).toMatchObject({ message: 'The reason', context: { itemIndex: 1 } });
	const { description } = error as { description: string };
	expect(description).toContain('(item 0: 100, item 2: 102)');
	expect(description).toContain('unknown whether the jobs of these items were accepted: 3.');
});

test('a cancel stops the node even with Continue, and names what is paid for or may be', async () => {
	const cancel = new AbortController();
	const { context } = contextOf(2, { goesOn: true, signal: cancel.signal });
	const run = async (batch: Batch, _: number, itemIndex: number) => {
		if (itemIndex === 0) batch.unknown.add(0);
		else batch.accepted.set(1, '101');
		cancel.abort();
		await batch.cancellation.sleepUntil(Date.now() + 60_000);
		return [];
	};
	const error = await runItems(context, itself, run).catch((thrown: unknown) => thrown);
	expect(error).toMatchObject({ message: 'The execution was canceled' });
	const { description } = error as { description: string };
	expect(description).toContain('can be fetched with Task → Get');
	expect(description).toContain('item 1: 101');
	expect(description).toContain('accepted: 0.');
});

test.each([
	[0, 0, undefined],
	[5, 5, undefined],
	[7, 6, 'There are 2 more hints like these.'],
])('of %i hints %i are shown', async (count, shown, last) => {
	const { context, hints } = contextOf(count);
	await runItems(context, itself, async (batch, itemIndex) => {
		batch.hints.add(`Hint ${itemIndex}`);
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
		const { context } = contextOf(4, { goesOn: true });
		const items = await Items.read(context, (itemIndex) => {
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

	test('an error in one of them stops the node, with what was sent in an earlier one', async () => {
		const { context } = contextOf(2);
		const items = await Items.read(context, itself);
		await items.each(async (_, itemIndex) => {
			items.batch.accepted.set(itemIndex, `10${itemIndex}`);
			return undefined;
		});
		const second = items.each(async (_, itemIndex) => {
			if (itemIndex === 0) throw new Error('Failed');
			return out(itemIndex);
		});
		await expect(second).rejects.toMatchObject({
			message: 'Failed',
			description: expect.stringContaining('item 1: 101)') as string,
		});
	});

	test('the first item that can be read speaks for all', async () => {
		const { context } = contextOf(3, { goesOn: true });
		const read = (itemIndex: number) => {
			if (itemIndex === 0) throw new Error('Wrong field');
			return itemIndex;
		};
		expect((await Items.read(context, read)).first).toBe(1);
		const none = contextOf(0).context;
		expect((await Items.read(none, read)).first).toBeUndefined();
	});
});

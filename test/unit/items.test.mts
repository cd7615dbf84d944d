import type { IExecuteFunctions, INode, INodeExecutionData } from 'n8n-workflow';

import { runItems, type Batch } from '../../nodes/Kling/job/batch.ts';

/** How the items of one `execute()` get along with each other, whatever it is that they do. */

const node = { name: 'Kling', type: 'kling' } as INode;

function contextOf(
	items: number,
	{ goesOn = false, signal }: { goesOn?: boolean; signal?: AbortSignal } = {},
) {
	const hints: string[] = [];
	const context = {
		getNode: () => node,
		continueOnFail: () => goesOn,
		getExecutionCancelSignal: () => signal,
		getCredentials: async () => ({ baseUrl: 'http://127.0.0.1:1', apiToken: 'user:1-token' }),
		getInputData: () => Array.from({ length: items }, () => ({ json: {} })),
		addExecutionHints: (...added: Array<{ message: string }>) =>
			void hints.push(...added.map(({ message }) => message)),
	} as unknown as IExecuteFunctions;
	return { context, hints };
}

const itself = (itemIndex: number) => itemIndex;
const out = (itemIndex: number): INodeExecutionData[] => [{ json: { itemIndex } }];

test('an item whose fields are wrong is not run, and nobody waits for it', async () => {
	const { context } = contextOf(3, { goesOn: true });
	const ran: number[] = [];
	const items = await runItems(
		context,
		(itemIndex) => {
			if (itemIndex === 1) throw new Error('Task is empty');
			return itemIndex;
		},
		async (batch, parameter, itemIndex) => {
			ran.push(parameter);
			batch.submissions.arrive();
			await batch.submissions.everyone();
			return out(itemIndex);
		},
	);
	expect(ran).toEqual([0, 2]);
	expect(items.map(({ json }) => json.error ?? json.itemIndex)).toEqual([0, 'Task is empty', 2]);
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
	const { context } = contextOf(3);
	const run = async (batch: Batch, _: number, itemIndex: number) => {
		if (itemIndex === 1) throw new Error('The reason');
		batch.accepted.set(itemIndex, `10${itemIndex}`);
		await batch.halt.pause(Date.now() + 60_000).catch(() => {
			throw new Error('A consequence');
		});
		return [];
	};
	await expect(runItems(context, itself, run)).rejects.toMatchObject({
		message: 'The reason',
		description: expect.stringContaining('(item 0: 100, item 2: 102)') as string,
		context: { itemIndex: 1 },
	});
});

test('a cancel stops the node even with Continue', async () => {
	const cancel = new AbortController();
	const { context } = contextOf(1, { goesOn: true, signal: cancel.signal });
	const run = async (batch: Batch) => {
		cancel.abort();
		await batch.halt.pause(Date.now() + 60_000);
		return [];
	};
	await expect(runItems(context, itself, run)).rejects.toMatchObject({
		message: 'The execution was canceled',
		description: expect.stringContaining('can be fetched with Task → Get') as string,
	});
});

test.each([
	[0, 0, undefined],
	[5, 5, undefined],
	[7, 6, 'The same for 2 more.'],
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

test('items of one account share the way to its job slots, those of another have their own', async () => {
	const { context } = contextOf(4);
	const gates: unknown[] = [];
	await runItems(context, itself, async (batch, itemIndex) => {
		gates[itemIndex] = batch.gate([undefined, 'a@b.c', undefined, 'a@b.c'][itemIndex]);
		return out(itemIndex);
	});
	expect(gates[2]).toBe(gates[0]);
	expect(gates[3]).toBe(gates[1]);
	expect(gates[1]).not.toBe(gates[0]);
});

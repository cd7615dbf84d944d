import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { park, type Pending, type PendingTask } from '../../nodes/Kling/job/waiting/suspend.ts';

/** What is left behind for whoever wakes the execution up; how it goes on is in test/engine. */

const NOW_MS = 1_000_000_000_000;

beforeEach(() => void jest.useFakeTimers({ now: NOW_MS }));
afterEach(() => void jest.useRealTimers());

const task = (itemIndex: number): PendingTask => ({
	itemIndex,
	taskId: `50${itemIndex}`,
	settings: { output: 'simplified' },
	sentAtMs: NOW_MS,
});

async function parkedBy(executionId: string, tasks: PendingTask[], limitMs = 60_000) {
	const input: INodeExecutionData[] = [
		{ json: { n: 0 }, pairedItem: { item: 7 } },
		{ json: { n: 1 }, pairedItem: { item: 8 } },
		{ json: { n: 2 }, pairedItem: { item: 9 } },
	];
	const nodeContext: IDataObject = {};
	const waits: Date[] = [];
	const context = {
		getExecutionId: () => executionId,
		getInputData: () => input,
		getContext: (type: string) => (type === 'node' ? nodeContext : {}),
		putExecutionToWait: async (till: Date) => void waits.push(till),
	} as unknown as IExecuteFunctions;
	const outputs = [{ json: { out: 0 } }, { json: { out: 1 } }];
	await park.call(context, outputs, tasks, limitMs);
	return { parked: nodeContext.parkedByKling as unknown as Pending, input, waits };
}

test('the tasks in input order, how many items there are, and until when', async () => {
	const { parked, waits } = await parkedBy('17', [task(1), task(0)], 90_000);
	expect(parked.tasks).toEqual([task(0), task(1)]);
	expect(parked.itemCount).toBe(2);
	expect(waits).toEqual([new Date(NOW_MS + 90_000)]);
});

test('the outputs take the place of the input, links stay, further input is untouched', async () => {
	const { input } = await parkedBy('17', [task(0)]);
	expect(input).toEqual([
		{ json: { out: 0 }, pairedItem: { item: 7 } },
		{ json: { out: 1 }, pairedItem: { item: 8 } },
		{ json: { n: 2 }, pairedItem: { item: 9 } },
	]);
});

test('another execution, another moment, or another task makes another id', async () => {
	const idOf = async (...parameters: Parameters<typeof parkedBy>) =>
		(await parkedBy(...parameters)).parked.id;
	const ids = [
		await idOf('17', [task(0)]),
		await idOf('18', [task(0)]),
		await idOf('17', [task(1)]),
		(jest.advanceTimersByTime(1), await idOf('17', [task(0)])),
	];
	expect(new Set(ids).size).toBe(4);
});

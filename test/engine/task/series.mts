import type { IDataObject } from 'n8n-workflow';

import type { SandboxSeed } from '../../../sandbox/options.mts';

/** Series of tasks with known times, for the tests of Task → Get Many. */

/** Between the sandbox's pictures, which are from 2025, and the task that `bench` adds, which is from now. */
export const START_MS = Date.parse('2026-03-01T10:00:00Z');
export const MINUTE_MS = 60_000;

/** `count` tasks a minute apart, newest last. */
export const series = (count: number, changes: Partial<SandboxSeed> = {}): SandboxSeed[] =>
	Array.from({ length: count }, (_, number) => ({
		taskId: String(700_000_000 + 10 * number),
		createTime: START_MS + number * MINUTE_MS,
		...changes,
	}));
export const newestFirst = (seeds: SandboxSeed[]) => seeds.map(({ taskId }) => taskId).reverse();
/** Only the series: not the pictures, not the task that `bench` adds. */
export const within = (filters: IDataObject = {}): IDataObject => ({
	createdAfter: '2026-03-01T10:00:00Z',
	createdBefore: '2026-04-01T00:00:00Z',
	...filters,
});
export const byEmail = (value: string) => ({ __rl: true, mode: 'email', value });

export const taskIds = (items: Array<{ json: IDataObject }>) =>
	items.map(({ json }) => json.taskId);

import type { IExecuteFunctions } from 'n8n-workflow';

import { FakeExecution, type ExecutionSettings, type FakeKling } from '../../support/fakes.mts';

/** What the fields of one item hold, by name, e.g. `options.timeout`. */
export type Fields = Record<string, unknown>;

/** What n8n gives an operation: one item for each record of fields. */
export function nodeWith(
	kling: FakeKling,
	items: Fields[],
	settings: ExecutionSettings = {},
): IExecuteFunctions {
	const input = items.map(() => ({ json: {} }));
	return {
		...new FakeExecution(kling, { items: input, ...settings }).context(),
		getNodeParameter: (name: string, item: number, fallback: unknown) =>
			items[item][name] ?? fallback,
		getTimezone: () => 'UTC',
		evaluateExpression: () => 'http://127.0.0.1/resume',
	} as unknown as IExecuteFunctions;
}

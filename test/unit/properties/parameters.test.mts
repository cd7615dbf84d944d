import fc from 'fast-check';
import type { IDataObject } from 'n8n-workflow';

import { PaidParameters } from '../../../nodes/Kling/actions/image/paidParameters.ts';
import { Parameters } from '../../../nodes/Kling/actions/parameters.ts';
import { ListParameters } from '../../../nodes/Kling/actions/task/listParameters.ts';
import { isPrivate } from '../../../nodes/Kling/transport/hosts.ts';
import { type KlingError } from '../../../nodes/Kling/runtime/problems.ts';
import { n8nWith } from '../../support/fakes.mts';
import { anyValue, isText, RUNS } from '../support/arbitraries.mts';

/**
 * What holds for every input, tried with hundreds of made-up ones each time. When one breaks it, fast-check prints the
 * smallest that does, and the seed that brings it back.
 */

describe('parameters from expressions, whatever they give', () => {
	type Check = (read: { all: Parameters; list: ListParameters; paid: PaidParameters }) => void;
	const orNothing = (value: unknown, test: (value: never) => boolean) =>
		expect(value === undefined || test(value as never)).toBe(true);
	const PUBLIC = 'https://api.useapi.example';
	const methods: Record<string, Check> = {
		id: ({ all }) => expect(all.id('taskId', 'Task')).toMatch(/^\d+$/),
		account: ({ all }) =>
			orNothing(all.account(), (text: string) => /^[^\s@]+@[^\s@]+$/.test(text)),
		timeoutMs: ({ all }) => expect(all.timeoutMs()).toBeGreaterThanOrEqual(0),
		pauseLimitMs: ({ paid }) => {
			expect(paid.pauseLimitMs()).toBeGreaterThanOrEqual(60_000);
			expect(paid.pauseLimitMs()).toBeLessThanOrEqual(30 * 24 * 3_600_000);
		},
		pollIntervalMs: ({ all }) => orNothing(all.pollIntervalMs(), (ms: number) => ms >= 1_000),
		maxJobs: ({ paid }) =>
			orNothing(
				paid.maxJobs(),
				(jobs: number) => Number.isInteger(jobs) && jobs >= 1 && jobs <= 50,
			),
		replyUrl: ({ paid }) =>
			orNothing(paid.replyUrl(), (url: string) => URL.canParse(url) && !isPrivate(url)),
		replyRef: ({ paid }) =>
			orNothing(paid.replyRef(), (text: string) => isText(text) && text.length < 1025),
		output: ({ all }) => {
			const { output, binaryPropertyName } = all.output();
			expect(['simplified', 'raw', 'images']).toContain(output);
			orNothing(binaryPropertyName, isText);
		},
		limit: ({ list }) => expect(list.limit()).toBeGreaterThanOrEqual(1),
		contentType: ({ list }) =>
			orNothing(list.contentType(), (type: string) => ['image', 'video', 'audio'].includes(type)),
		timeWindow: ({ list }) => {
			const { fromMs = -Infinity, beforeMs = Infinity } = list.timeWindow();
			expect(fromMs).toBeLessThan(beforeMs);
		},
		wait: ({ all }) => expect(['none', 'poll', 'callback']).toContain(all.wait()),
	};

	test.each(Object.entries(methods))('%s is what it must be, or a sentence', (_name, check) =>
		fc.assert(
			fc.property(anyValue, anyValue, (one, other) => {
				let asked = 0;
				const getNodeParameter = () => (asked++ % 2 === 0 ? one : other);
				const getTimezone = () => 'Europe/Berlin';
				const context = n8nWith({}, { getNodeParameter, getTimezone });
				try {
					check({
						all: new Parameters(context, 3),
						list: new ListParameters(context, 3),
						paid: new PaidParameters(context, 3, PUBLIC),
					});
				} catch (error) {
					const { name, message, description, context: about } = error as KlingError;
					// What is no error of the node's own is one of this test, or a crash.
					if (name !== 'NodeOperationError') throw error;
					expect(message.length).toBeLessThan(300);
					expect(description).toContain('Nothing was sent.');
					expect((about as IDataObject).itemIndex).toBe(3);
				}
			}),
			RUNS,
		),
	);
});

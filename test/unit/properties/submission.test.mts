import fc from 'fast-check';

import {
	answered,
	FakeExecution,
	FakeKling,
	lost,
	messageOf,
	realTime,
	unsent,
	virtualTime,
} from '../../support/fakes.mts';
import { jobOf, submitterOf } from '../support/submitting.mts';

/** What holds whatever the API answers, whoever asks, and however often. */

beforeEach(virtualTime);
afterEach(realTime);

const post = fc.constantFrom<FakeKling['answers'][number]>(
	'accept and lose',
	lost,
	unsent,
	answered(200, {}),
	answered(400, {}),
	answered(429, {}),
	answered(500, {}),
	answered(502, {}),
);
const call = fc.record({
	answers: fc.array(post, { maxLength: 2 }),
	runIndex: fc.nat(3),
	reuse: fc.boolean(),
	isTool: fc.boolean(),
	byHand: fc.boolean(),
	lists: fc.constantFrom<'told' | 'untold' | 'unreadable'>('told', 'told', 'untold', 'unreadable'),
	passedMs: fc.nat(30_000),
});

test('no image is paid twice, and what may have been paid is never sent again unseen', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(call, { minLength: 2, maxLength: 6 }), async (calls) => {
			const kling = new FakeKling();
			let execution = new FakeExecution(kling);
			let hands = 1;
			for (const { answers, runIndex, reuse, isTool, byHand, lists, passedMs } of calls) {
				kling.answers.splice(0, Infinity, ...answers);
				kling.listFault = lists === 'unreadable' ? answered(403, {}) : undefined;
				for (const job of kling.jobs) job.listTells = job.taskTells = lists === 'told';
				if (byHand) execution = execution.byHand({ id: String(++hands) });
				const node = { type: isTool ? 'klingTool' : 'kling' };
				const context = execution.context({ runIndex, node });
				const { submitter } = submitterOf(kling, context);
				const job = jobOf({ reuse: reuse || isTool, timeoutMs: 20_000 });
				await messageOf(submitter.submit(job, 0));
				await jest.advanceTimersByTimeAsync(passedMs);
			}
			expect(kling.jobs.length).toBeLessThanOrEqual(1);
		}),
		{ numRuns: 300 },
	);
}, 60_000);

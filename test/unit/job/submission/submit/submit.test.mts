import type { KlingError } from '../../../../../nodes/Kling/runtime/problems.ts';
import type { ApiResult } from '../../../../../nodes/Kling/transport/types.ts';
import {
	answered,
	FakeExecution,
	FakeKling,
	lost,
	messageOf,
	realTime,
	START_MS,
	through,
	unsent,
	virtualTime,
} from '../../../../support/fakes.mts';
import { jobOf, submitterOf, executionWith, finished } from '../../../support/submitting.mts';

/** What is sent, and what an answer comes to. What was sent before: ../takeOver.test.mts. */

beforeEach(virtualTime);
afterEach(realTime);

describe('the answer to a POST', () => {
	test('that names a task: it is new, and what the API said of it is kept', async () => {
		const { submit } = executionWith(new FakeKling());
		const { submission, items } = await through(submit());
		expect(submission).toMatchObject({
			ref: { taskId: '501', itemIndex: 0 },
			isNew: true,
			callsBack: false,
			sentAtMs: START_MS,
			task: { taskId: '501', finished: false },
		});
		expect([...items.accepted]).toEqual([[0, '501']]);
	});

	test.each<[string, ApiResult, string, string | undefined]>([
		['a refusal', answered(400, { error: 'No' }), 'No', '400'],
		['its own 500', answered(500, { error: 'Moderated' }), 'Moderated', '500'],
		['a redirect', answered(307, undefined), 'useapi.net redirected to another address', '307'],
		['a gateway’s 502', answered(502, undefined), 'It is unknown whether the upscale job', '502'],
		['a gateway’s 503', answered(503, { error: 'Busy' }), 'accepted (Busy)', '503'],
		['a gateway’s 504', answered(504, undefined), '(HTTP 504)', '504'],
		['no task', answered(200, {}), '(the answer names no task)', undefined],
		['nothing', lost, 'It is unknown whether the upscale job was accepted (ECONNRESET)', undefined],
	])('%s: once, and never again in this run', async (_name, answer, words, httpCode) => {
		const kling = new FakeKling(answer);
		const { submit } = executionWith(kling);
		for (let tries = 1; tries <= 3; tries++) {
			const error = (await through(submit().catch((thrown: unknown) => thrown))) as KlingError;
			expect(error.message).toContain(words);
			expect(error.problem?.httpCode).toBe(httpCode);
			expect(error.context.itemIndex).toBe(0);
		}
		expect(kling.count('POST')).toBe(1);
	});

	test('a request that never left is sent by the next try', async () => {
		const kling = new FakeKling(unsent);
		const { submit } = executionWith(kling);
		expect(await messageOf(submit())).toBe('Could not connect to useapi.net (ECONNREFUSED)');
		expect((await through(submit())).submission.ref.taskId).toBe('501');
		expect(kling.count('POST')).toBe(2);
	});

	test('429 is waited out, and when the account stays full nothing is noted', async () => {
		const kling = new FakeKling(...Array.from({ length: 9 }, () => answered(429, {})));
		const { submit } = executionWith(kling);
		const error = await messageOf(submit({}, jobOf({ timeoutMs: 25_000 })));
		expect(error).toBe('Every Kling account is at its job limit');
		expect(kling.count('POST')).toBe(4);
		expect((await through(submit())).submission.isNew).toBe(true);
	});

	test('one that a cancel cut short is told as a cancel, and as unknown', async () => {
		const cancel = new AbortController();
		const kling = new FakeKling();
		jest.spyOn(kling.api, 'submit').mockImplementation(async () => {
			cancel.abort();
			return { outcome: 'lost', reason: 'ERR_CANCELED' };
		});
		const { execution } = executionWith(kling, { signal: cancel.signal });
		const { items, submitter } = submitterOf(kling, execution.context());
		expect(await messageOf(submitter.submit(jobOf(), 0))).toBe('The execution was canceled');
		expect([...items.unknown]).toEqual([0]);
		expect(JSON.stringify(execution.flow)).toContain('"state":"unknown"');
	});
});

describe('an answer that was lost', () => {
	test('though the job was accepted: it goes on as if nothing had been', async () => {
		const kling = new FakeKling('accept and lose');
		const { submit } = executionWith(kling);
		const { submission, items } = await through(submit({}, jobOf({ callsBack: true })));
		expect(submission).toMatchObject({
			ref: { taskId: '501', itemIndex: 0 },
			isNew: false,
			callsBack: true,
			sentAtMs: START_MS,
		});
		expect(items.unknown.size).toBe(0);
		expect((await through(submit())).submission.ref.taskId).toBe('501');
		expect(kling.count('POST')).toBe(1);
	});

	test('is noted before anybody looks: the process may end meanwhile', async () => {
		const { execution, submit } = executionWith(new FakeKling('accept and lose'));
		const submission = through(submit());
		await jest.advanceTimersByTimeAsync(500);
		expect(JSON.stringify(execution.flow)).toContain('"state":"unknown"');
		await submission;
	});

	test.each<[string, (kling: FakeKling) => void, RegExp]>([
		['not there', (kling) => kling.add({ workId: '9' }), /, most likely it was not$/],
		['not told', (kling) => kling.add({ listTells: false, taskTells: false }), /\(ECONNRESET\)$/],
		['not readable', (kling) => (kling.listFault = answered(403, {})), /\(ECONNRESET\)$/],
	])('and the job is %s: the item fails, and names itself', async (_name, prepare, words) => {
		const kling = new FakeKling(lost);
		prepare(kling);
		const { execution } = executionWith(kling);
		const { items, submitter } = submitterOf(kling, execution.context());
		expect(await messageOf(submitter.submit(jobOf(), 0))).toMatch(words);
		expect([...items.unknown]).toEqual([0]);
		const looks = kling.calls.length;
		// An equal item of the same call is told the same, without another look.
		expect(await messageOf(submitter.submit(jobOf(), 1))).toMatch(words);
		expect(kling.calls.length).toBe(looks);
		expect([...items.unknown]).toEqual([0, 1]);
	});

	test('an absence means nothing before the lists must show the job', async () => {
		const kling = new FakeKling(lost);
		kling.add({ workId: '9' });
		const { submit } = executionWith(kling);
		const told = await messageOf(submit({}, jobOf({ timeoutMs: 5_000 })));
		expect(told).toMatch(/\(ECONNRESET\)$/);
	});

	test('a job that is found later, by another run, is taken', async () => {
		const kling = new FakeKling(lost);
		const { submit } = executionWith(kling);
		await messageOf(submit());
		kling.add({ taskId: '777', madeMs: START_MS + 500 });
		const { submission, items } = await through(submit({ runIndex: 1 }));
		expect(submission.ref.taskId).toBe('777');
		expect([...items.unknown]).toEqual([]);
	});
});

describe('whom useapi.net calls back', () => {
	test('the execution that sent the job, in every run of it, and no other one', async () => {
		const kling = new FakeKling();
		const { execution, submit } = executionWith(kling);
		const job = jobOf({ callsBack: true });
		await through(submit({}, job));
		expect((await through(submit({ runIndex: 1 }, job))).submission.callsBack).toBe(true);
		const { submitter } = submitterOf(kling, execution.byHand().context());
		expect(await through(submitter.submit(job, 0))).toMatchObject({
			ref: { taskId: '501' },
			callsBack: false,
		});
	});

	test('nobody about a job that was found elsewhere', async () => {
		const kling = new FakeKling();
		kling.add({ taskId: '777' });
		const { submit } = executionWith(kling);
		const { submission } = await through(submit({}, jobOf({ callsBack: true, reuse: true })));
		expect(submission).toMatchObject({ ref: { taskId: '777', reused: true }, callsBack: false });
		const again = await through(submit({}, jobOf({ callsBack: true, reuse: true })));
		expect(again.submission).toMatchObject({
			ref: { taskId: '777', reused: true },
			callsBack: false,
		});
	});
});

test('with Reuse Earlier Result a hint says that not every job could be checked', async () => {
	const kling = new FakeKling();
	kling.add({ listTells: false, taskTells: false });
	const { submit } = executionWith(kling);
	const { context, submission } = await through(submit({}, jobOf({ reuse: true })));
	expect(submission.isNew).toBe(true);
	expect([...context.hints]).toEqual([
		expect.stringContaining('could not check every earlier task'),
	]);
});

test('a task that has succeeded is taken by later runs', async () => {
	const kling = new FakeKling();
	const { submit } = executionWith(kling);
	(await through(submit())).submission.settle(finished('succeed'));
	expect((await through(submit({ runIndex: 1 }))).submission.ref.taskId).toBe('501');
	expect(kling.count('POST')).toBe(1);
});

describe('what an earlier try has sent is known before its turn comes', () => {
	async function earlierTry(...answers: ConstructorParameters<typeof FakeKling>) {
		const kling = new FakeKling(...answers);
		const { execution, submit } = executionWith(kling);
		await messageOf(submit());
		const noted = (context: ReturnType<FakeExecution['context']>) => {
			const { submitter, items } = submitterOf(kling, context);
			submitter.noteEarlier(jobOf(), 3);
			return [[...items.accepted], [...items.unknown]];
		};
		return { again: noted(execution.context()), byHand: noted(execution.byHand().context()) };
	}

	test.each<[string, ConstructorParameters<typeof FakeKling>, unknown]>([
		['an accepted job', [], [[[3, '501']], []]],
		['one of which nobody knows', [lost], [[], [3]]],
		['not one that was refused', [answered(400, {})], [[], []]],
		['nor one that was never sent', [unsent], [[], []]],
	])('%s', async (_name, answers, expected) => {
		const { again, byHand } = await earlierTry(...answers);
		expect(again).toEqual(expected);
		// The execution of then is over, and has told it itself.
		expect(byHand).toEqual([[], []]);
	});
});

test('a task that failed is noted as such, by whoever shares it', async () => {
	const kling = new FakeKling();
	const { submit } = executionWith(kling);
	await through(submit());
	const { submission } = await through(submit());
	submission.settle(finished('failed'));
	expect((await through(submit())).submission.ref.taskId).toBe('501');
	expect((await through(submit({ runIndex: 1 }))).submission.isNew).toBe(true);
	expect(kling.count('POST')).toBe(2);
});

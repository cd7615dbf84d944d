import type { IDataObject } from 'n8n-workflow';

import {
	Ledger,
	SentCount,
	type LedgerEntry,
} from '../../../../nodes/Kling/job/submission/ledger.ts';
import { Cancellation } from '../../../../nodes/Kling/runtime/cancellation.ts';
import {
	FakeExecution,
	FakeKling,
	nodeOf,
	realTime,
	through,
	virtualTime,
	type ExecutionSettings,
} from '../../../support/fakes.mts';

/** What is known of the jobs of an execution, and how long. */

const JOB = '{"task_id":"1","workId":"2"}';
const problem = { message: 'No', description: 'Why' };
const accepted: LedgerEntry = {
	state: 'accepted',
	taskId: '10',
	executionId: '1',
	runIndex: 0,
	itemIndex: 0,
	sentAtMs: 5,
	callsBack: true,
	reply: '',
};
const executionOf = () => new FakeExecution(new FakeKling());

test.each<[string, LedgerEntry]>([
	['accepted', accepted],
	['reused', { ...accepted, reused: true }],
	['refused', { ...accepted, state: 'refused', problem: { ...problem, httpCode: '400' } }],
	['unknown', { ...accepted, state: 'unknown', problem }],
])(
	'what is %s is found by every try, run and branch, and after a retry by hand',
	(_name, entry) => {
		const execution = executionOf();
		new Ledger(execution.context()).record(JOB, undefined, entry);
		const others = [
			execution.context(),
			execution.context({ runIndex: 3 }),
			execution.context({ node: { name: 'Kling1' } }),
			execution.byHand().context(),
		];
		for (const context of others) expect(new Ledger(context).find(JOB)).toEqual(entry);
	},
);

test('another job, another credential and another execution are not known', () => {
	const execution = executionOf();
	new Ledger(execution.context()).record(JOB, undefined, accepted);
	const another = nodeOf().credentials!.useApiNetApi;
	const credentials = { useApiNetApi: { ...another, id: '2' } };
	expect(new Ledger(execution.context()).find('{"task_id":"1","workId":"3"}')).toBeUndefined();
	expect(new Ledger(execution.context({ node: { credentials } })).find(JOB)).toBeUndefined();
	expect(new Ledger(executionOf().context()).find(JOB)).toBeUndefined();
});

test('a task is of another job when it was accepted for one, under whatever credential this one is', () => {
	const execution = executionOf();
	const another = nodeOf().credentials!.useApiNetApi;
	const credentials = { useApiNetApi: { ...another, id: '2' } };
	const ledger = new Ledger(execution.context());
	ledger.record(JOB, 'a@b.c', accepted);
	ledger.record('other', 'a@b.c', { ...accepted, state: 'unknown', problem });
	const ledgers = [ledger, new Ledger(execution.context({ node: { credentials } }))];
	for (const one of ledgers) {
		expect(one.isOfAnother(JOB, '10')).toBe(false);
		expect(one.isOfAnother('third', '10')).toBe(true);
		expect(one.isOfAnother('third', '11')).toBe(false);
	}
});

describe('without an account, which is then the only one there is', () => {
	const refused: LedgerEntry = { ...accepted, state: 'refused', problem };

	test.each<[string, string | undefined, string | undefined]>([
		['what is asked for without one was sent on it', 'a@b.c', undefined],
		['what was sent without one is asked for on it', undefined, 'a@b.c'],
		['letters of any case are the same', 'A@b.c', 'a@B.c'],
	])('%s', (_name, sentOn, askedFor) => {
		const ledger = new Ledger(executionOf().context());
		ledger.record(JOB, sentOn, accepted);
		expect(ledger.find(JOB, askedFor)).toEqual(accepted);
	});

	test.each([
		['a@b.c', undefined],
		[undefined, 'a@b.c'],
	])('a refusal may have been for that: sent on %s, asked for on %s', (sentOn, askedFor) => {
		const ledger = new Ledger(executionOf().context());
		ledger.record(JOB, sentOn, refused);
		expect(ledger.find(JOB, askedFor)).toBeUndefined();
		expect(ledger.find(JOB, sentOn)).toEqual(refused);
	});

	test('two accounts have a job each', () => {
		const ledger = new Ledger(executionOf().context());
		ledger.record(JOB, 'a@b.c', accepted);
		expect(ledger.find(JOB, 'd@e.f')).toBeUndefined();
		ledger.record(JOB, 'd@e.f', { ...accepted, taskId: '11' });
		expect(ledger.find(JOB, 'a@b.c')).toEqual(accepted);
	});
});

test('what is noted stays as it was, whatever becomes of the object', () => {
	const execution = executionOf();
	const entry = { ...accepted };
	new Ledger(execution.context()).record(JOB, undefined, entry);
	entry.itemIndex = 9;
	expect(new Ledger(execution.context()).find(JOB)).toEqual(accepted);
});

test('a failure is noted of the task that it is about, and of no other', () => {
	const ledger = new Ledger(executionOf().context());
	ledger.recordFailure(JOB, '10');
	expect(ledger.find(JOB)).toBeUndefined();
	ledger.record(JOB, undefined, accepted);
	ledger.recordFailure(JOB, '9');
	expect(ledger.find(JOB)).toEqual(accepted);
	ledger.recordFailure(JOB, '10');
	expect(ledger.find(JOB)).toEqual({ ...accepted, failed: true });
	const refused: LedgerEntry = { ...accepted, state: 'refused', problem };
	ledger.record(JOB, undefined, refused);
	ledger.recordFailure(JOB, '10');
	expect(ledger.find(JOB)).toEqual(refused);
});

describe('the shape of 1.0.0', () => {
	const old = (sent: object, job = JOB, executionId = '7') => ({ job, executionId, sent });
	const findIn = (sentByKling: Record<string, object>) => {
		const execution = executionOf();
		execution.nodeContext.sentByKling = sentByKling as IDataObject;
		return new Ledger(execution.context()).find(JOB);
	};
	const refused = { ...problem, httpCode: '400' };
	const failed = { ...problem, httpCode: '500' };
	const lost = { ...problem, httpCode: '502' };

	test.each<[string, object, object]>([
		['a task', { taskId: '10' }, { state: 'accepted', taskId: '10' }],
		['a failed one', { taskId: '10', failed: true }, { state: 'accepted', failed: true }],
		['a refusal', { trouble: refused }, { state: 'refused', problem: refused }],
		['a 500', { trouble: failed }, { state: 'refused', problem: failed }],
		['a gateway’s 502', { trouble: lost }, { state: 'unknown', problem: lost }],
		['an unknown outcome', { trouble: problem }, { state: 'unknown', problem }],
	])('%s is read, whatever run and item it was', (_name, sent, expected) => {
		expect(findIn({ '3:2': old(sent) })).toMatchObject({
			...expected,
			executionId: '7',
			callsBack: false,
		});
	});

	test('of several the one that may still bring a result counts', () => {
		const entries = {
			'0:0': old({ trouble: refused }),
			'1:0': old({ taskId: '10', failed: true }),
			'2:0': old({ taskId: '11' }),
		};
		expect(findIn(entries)).toMatchObject({ state: 'accepted', taskId: '11' });
	});

	test.each<[string, object]>([
		['another job', old({ taskId: '10' }, '{"task_id":"1","workId":"3"}')],
		['another account', old({ taskId: '10' }, '{"email":"a@b.c","task_id":"1","workId":"2"}')],
		['nothing', old({})],
	])('%s is not known', (_name, entry) => {
		expect(findIn({ '0:0': entry })).toBeUndefined();
	});

	test('what is noted since is newer', () => {
		const execution = executionOf();
		execution.nodeContext.sentByKling = { '0:0': old({ taskId: '9' }) } as IDataObject;
		new Ledger(execution.context()).record(JOB, undefined, accepted);
		expect(new Ledger(execution.context()).find(JOB)).toEqual(accepted);
	});
});

test('equal jobs pass one after another, however the one before ended; another job need not wait', async () => {
	const execution = executionOf();
	const log: string[] = [];
	const ends = new Map<string, () => void>();
	/** By a call of the node of its own: agents call in parallel. */
	const serialize = async (name: string, job = JOB) =>
		await new Ledger(execution.context({ runIndex: log.length })).serialize(job, async () => {
			log.push(name);
			await new Promise<void>((resolve) => ends.set(name, resolve));
			if (name === 'first') throw new Error('lost');
			return name;
		});
	const started = async () => await new Promise((resolve) => setImmediate(resolve));
	const first = serialize('first');
	const second = serialize('second');
	const other = serialize('other', 'another job');
	const third = serialize('third');
	await started();
	expect(log).toEqual(['first', 'other']);
	ends.get('first')!();
	await expect(first).rejects.toThrow('lost');
	await started();
	expect(log).toEqual(['first', 'other', 'second']);
	ends.get('second')!();
	expect(await second).toBe('second');
	await started();
	expect(log).toEqual(['first', 'other', 'second', 'third']);
	ends.get('other')!();
	ends.get('third')!();
	expect([await other, await third]).toEqual(['other', 'third']);
});

describe('how many jobs were sent', () => {
	beforeEach(virtualTime);
	afterEach(realTime);

	const countOf = (execution: FakeExecution, changes: ExecutionSettings = {}) => {
		const n8n = execution.context(changes);
		const count = new SentCount(n8n);
		const cancellation = new Cancellation(n8n.getNode());
		return { count, begin: async (limit: number) => await count.begin(limit, cancellation) };
	};

	test('is kept by execution and node, over runs and saved data', async () => {
		const execution = new FakeExecution(new FakeKling());
		const first = countOf(execution);
		expect(await first.begin(2)).toBe(true);
		first.count.end(true);
		expect(countOf(execution, { runIndex: 1 }).count.sent).toBe(1);
		expect(countOf(execution, { node: { id: 'other' } }).count.sent).toBe(0);
		expect(countOf(execution.byHand()).count.sent).toBe(0);
		expect(countOf(execution.byHand({ id: '1' })).count.sent).toBe(1);
	});

	test('leaves out what was not accepted for sure', async () => {
		const { count, begin } = countOf(new FakeExecution(new FakeKling()));
		await begin(1);
		count.end(false);
		expect(count.sent).toBe(0);
		expect(await begin(1)).toBe(true);
		count.end(true);
		expect([count.sent, await begin(1)]).toEqual([1, false]);
	});

	test('at the limit it is waited for jobs under way, also of another call', async () => {
		const execution = new FakeExecution(new FakeKling());
		const [one, other, third] = [0, 1, 2].map(() => countOf(execution));
		await one.begin(1);
		const [second, last] = [other.begin(1), third.begin(1)];
		await jest.advanceTimersByTimeAsync(1_000);
		one.count.end(false);
		expect(await through(second)).toBe(true);
		other.count.end(true);
		expect(await through(last)).toBe(false);
	});
});

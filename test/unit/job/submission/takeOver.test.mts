import { Ledger, type LedgerEntry } from '../../../../nodes/Kling/job/submission/ledger.ts';
import {
	answered,
	FakeExecution,
	FakeKling,
	lost,
	realTime,
	START_MS,
	through,
	virtualTime,
	type ExecutionSettings,
} from '../../../support/fakes.mts';
import { callOf, executionWith, jobOf, submitterOf } from '../../support/submitting.mts';

/** What becomes of a job, by what the ledger says, who asks, and what the API's lists show. */

beforeEach(virtualTime);
afterEach(realTime);

/** What the lists show of the job. */
const SIGHTINGS = ['found', 'absent', 'untold', 'unreadable'] as const;
type Sighting = (typeof SIGHTINGS)[number];

const problem = (httpCode?: string) => ({ message: `As before`, description: '', httpCode });
const ENTRIES = {
	none: undefined,
	'accepted and running': { state: 'accepted', taskId: '401' },
	'accepted and failed since': { state: 'accepted', taskId: '402' },
	'accepted, not to be read': { state: 'accepted', taskId: '403' },
	'noted as failed': { state: 'accepted', taskId: '402', failed: true },
	'refused with 400': { state: 'refused', problem: problem('400') },
	'refused with 500': { state: 'refused', problem: problem('500') },
	'refused with 302': { state: 'refused', problem: problem('302') },
	unknown: { state: 'unknown', problem: problem() },
} satisfies Record<string, object | undefined>;
type Entry = keyof typeof ENTRIES;

const WHO = {
	'a try': {},
	'a later run': { runIndex: 1 },
	'a person': { id: '2', mode: 'retry' },
	'an agent': { runIndex: 1, node: { type: 'klingTool' } },
	// Reuse Earlier Result is always on for an agent.
	'a later run with reuse': { runIndex: 1 },
	'a person with reuse': { id: '2', mode: 'retry' },
	'a new execution': { id: '2' },
} satisfies Record<string, ExecutionSettings>;
type Who = keyof typeof WHO;

/**
 * - `kept`: the task of the ledger is taken.
 * - `found`: the one of the lists is taken; `reused`: likewise, and marked so.
 * - `sent`: there is a POST; `sent!`: likewise, without a look in the lists.
 * - `told`: the error of before, and no POST; `told!`: likewise, without a look.
 * - `blind`: the error that it could not be checked, and no POST.
 */
type Decision = 'kept' | 'found' | 'reused' | 'sent' | 'sent!' | 'told' | 'told!' | 'blind';

const all = (decision: Decision): Decision[] => SIGHTINGS.map(() => decision);
const REUSED: Decision[] = ['reused', 'sent', 'sent', 'blind'];
const LOOKED_FOR: Decision[] = ['found', 'sent', 'sent', 'blind'];
/** A look that nothing depends on. */
const GLANCED_FOR: Decision[] = ['found', 'sent', 'sent', 'sent'];
const NEVER_SENT: Decision[] = ['found', 'told', 'told', 'told'];

/** In the order of `SIGHTINGS`. */
const TABLE: Array<[Entry, Who, Decision[]]> = [
	['none', 'a try', all('sent!')],
	['none', 'a new execution', all('sent!')],
	['none', 'a later run with reuse', REUSED],
	['none', 'an agent', REUSED],
	['none', 'a person', LOOKED_FOR],
	['none', 'a person with reuse', REUSED],

	['accepted and running', 'a try', all('kept')],
	['accepted and running', 'a later run', all('kept')],
	['accepted and running', 'a later run with reuse', all('kept')],
	['accepted and running', 'a person', all('kept')],
	['accepted and running', 'an agent', all('kept')],
	['accepted, not to be read', 'a try', all('kept')],
	['accepted, not to be read', 'a later run', all('kept')],
	['accepted, not to be read', 'a person', all('kept')],
	['accepted, not to be read', 'an agent', all('kept')],

	['accepted and failed since', 'a try', all('kept')],
	['accepted and failed since', 'a later run', all('sent!')],
	['accepted and failed since', 'a later run with reuse', REUSED],
	['accepted and failed since', 'a person', GLANCED_FOR],
	['accepted and failed since', 'an agent', all('kept')],
	['noted as failed', 'a try', all('kept')],
	['noted as failed', 'a later run', all('sent!')],
	['noted as failed', 'a later run with reuse', REUSED],
	['noted as failed', 'a person', GLANCED_FOR],
	['noted as failed', 'an agent', all('kept')],

	['refused with 400', 'a try', all('told!')],
	['refused with 400', 'a later run', all('sent!')],
	['refused with 400', 'a later run with reuse', REUSED],
	['refused with 400', 'a person', GLANCED_FOR],
	['refused with 400', 'an agent', REUSED],
	['refused with 500', 'a try', all('told!')],
	['refused with 500', 'a later run', LOOKED_FOR],
	['refused with 500', 'a person', LOOKED_FOR],
	['refused with 500', 'an agent', all('told!')],
	['refused with 302', 'a try', all('told!')],
	['refused with 302', 'a later run', LOOKED_FOR],
	['refused with 302', 'a person', LOOKED_FOR],
	['refused with 302', 'an agent', all('told!')],

	['unknown', 'a try', NEVER_SENT],
	['unknown', 'a later run', NEVER_SENT],
	['unknown', 'a later run with reuse', NEVER_SENT],
	['unknown', 'an agent', NEVER_SENT],
	['unknown', 'a person', ['found', 'sent', 'told', 'told']],
	['unknown', 'a person with reuse', ['found', 'sent', 'told', 'told']],
];

const CASES = TABLE.flatMap(([entry, who, decisions]) =>
	SIGHTINGS.map((sighting, column) => ({ entry, who, sighting, decision: decisions[column] })),
);

/** So long ago that a job which was accepted must be in the lists. */
const SENT_AGO_MS = 55_000;

function klingThatShows(sighting: Sighting): FakeKling {
	const kling = new FakeKling();
	const madeMs = START_MS - SENT_AGO_MS;
	const others = { workId: '9', madeMs, endMs: madeMs };
	kling.add({ ...others, taskId: '402', end: 'failed' });
	kling.add({ ...others, taskId: '1', type: 'image', madeMs: START_MS - 3_600_000 });
	if (sighting === 'found') kling.add({ taskId: '777', madeMs });
	if (sighting === 'untold') kling.add({ madeMs, listTells: false, taskTells: false });
	if (sighting === 'unreadable') kling.listFault = answered(403, { error: 'No lists' });
	kling.add({ workId: '9', taskId: '401', endMs: Infinity });
	kling.taskFault = (taskId) => (taskId === '403' ? answered(403, {}) : undefined);
	return kling;
}

interface More {
	sentAgoMs?: number;
	timeoutMs?: number;
}

async function decide(
	entry: Entry,
	who: Who,
	sighting: Sighting,
	{ sentAgoMs = SENT_AGO_MS, timeoutMs = 60_000 }: More = {},
): Promise<Decision | string> {
	const kling = klingThatShows(sighting);
	const execution = new FakeExecution(kling, WHO[who]);
	const context = execution.context();
	const before = ENTRIES[entry];
	if (before) {
		new Ledger(context).record(callOf().fingerprint, undefined, {
			...before,
			executionId: '1',
			runIndex: 0,
			itemIndex: 0,
			sentAtMs: START_MS - sentAgoMs,
			callsBack: false,
			reply: '[null,null]',
		} as LedgerEntry);
	}
	const { submitter } = submitterOf(kling, context);
	const job = jobOf({ reuse: who.endsWith('reuse') || who === 'an agent', timeoutMs });
	const submission = await through(submitter.submit(job, 0).catch((error: Error) => error));
	const looked = kling.count('GET scheduler') > 0 ? '' : '!';
	const posts = kling.count('POST');
	if ('message' in submission) {
		expect(posts).toBe(0);
		if (submission.message.includes('Could not check for an earlier task')) return 'blind';
		return submission.message.startsWith('As before') ? `told${looked}` : submission.message;
	}
	const { isNew, ref } = submission;
	const { taskId, reused } = ref;
	expect([posts, isNew]).toEqual(taskId.startsWith('5') ? [1, true] : [0, false]);
	if (isNew) return `sent${looked}`;
	if (taskId === '777') return reused ? 'reused' : 'found';
	return taskId.startsWith('40') && !reused ? 'kept' : taskId;
}

test.each(CASES)('$entry, asked for by $who, in the lists $sighting: $decision', async (row) => {
	expect(await decide(row.entry, row.who, row.sighting)).toBe(row.decision);
});

describe('an unknown outcome of a moment ago, which the lists need not show yet', () => {
	test.each<[Who, Sighting, More, Decision]>([
		['a person', 'found', { timeoutMs: 5_000 }, 'found'],
		['a person', 'absent', { timeoutMs: 5_000 }, 'told'],
		['a person', 'absent', {}, 'sent'],
		['a person', 'untold', {}, 'told'],
		['a later run', 'absent', {}, 'told'],
	])('asked for by %s, in the lists %s, %p: %s', async (who, sighting, more, decision) => {
		expect(await decide('unknown', who, sighting, { sentAgoMs: 10_000, ...more })).toBe(decision);
	});
});

describe('an unknown outcome, once the job is found', () => {
	test.each<[string, (execution: FakeExecution) => FakeExecution, boolean, boolean]>([
		['calls the execution that sent it', (execution) => execution, true, true],
		['only if it was asked to', (execution) => execution, false, false],
		['and not the one of a person who retries it', (execution) => execution.byHand(), true, false],
	])('%s', async (_name, next, callsBack, expected) => {
		const kling = new FakeKling(lost);
		const execution = new FakeExecution(kling);
		const submit = async (from: FakeExecution, runIndex: number, callsBack: boolean) => {
			const { submitter } = submitterOf(kling, from.context({ runIndex }));
			return await through(submitter.submit(jobOf({ callsBack }), 0));
		};
		await expect(submit(execution, 0, callsBack)).rejects.toThrow('It is unknown');
		kling.add({ taskId: '777', madeMs: START_MS });
		const found = await submit(next(execution), 1, true);
		expect(found).toMatchObject({ ref: { taskId: '777' }, callsBack: expected });
	});

	test('lists that could not be read are told, however soon that was', async () => {
		const kling = new FakeKling(lost);
		kling.listFault = answered(403, { error: 'No lists' });
		const { submit } = executionWith(kling);
		const submission = through(submit({}, jobOf({ timeoutMs: 5_000 })));
		await expect(submission).rejects.toMatchObject({
			description: expect.stringContaining('could not be read: No lists.') as string,
		});
	});
});

describe('a hint that items share a job, and what was said with the first', () => {
	const reply = (replyUrl?: string, replyRef?: string) => ({ request: { replyUrl, replyRef } });
	const first = { replyUrl: 'https://a.example.com', replyRef: 'order 1' };

	test.each<[string, ExecutionSettings, number, Parameters<typeof jobOf>[0], boolean]>([
		['another item, and another reference', {}, 1, reply(first.replyUrl, 'order 2'), true],
		['another item, and another address', {}, 1, reply('https://b.example.com', 'order 1'), true],
		[
			'another item that calls back',
			{},
			1,
			{ ...reply(first.replyUrl, 'order 1'), callsBack: true },
			true,
		],
		['another item, and nothing of it', {}, 1, {}, true],
		['another run', { runIndex: 1 }, 0, reply(first.replyUrl, 'order 2'), true],
		['another item that says the same', {}, 1, reply(first.replyUrl, 'order 1'), false],
		['the same item in another try', {}, 0, reply(first.replyUrl, 'order 2'), false],
		['a person', { id: '2', mode: 'retry' }, 1, reply(first.replyUrl, 'order 2'), false],
	])('%s', async (_name, settings, itemIndex, changes, isShown) => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling);
		const before = submitterOf(kling, execution.context());
		await through(before.submitter.submit(jobOf({ request: first }), 0));
		const { context, submitter } = submitterOf(kling, execution.context(settings));
		await through(submitter.submit(jobOf(changes), itemIndex));
		expect(kling.count('POST')).toBe(1);
		expect([...context.hints].some((hint) => hint.includes('share one job'))).toBe(isShown);
	});
});

test.each<[Sighting, boolean, boolean]>([
	['untold', true, true],
	['absent', true, false],
	['untold', false, false],
])('a hint that not every job could be checked: %s, reuse %s', async (sighting, reuse, isShown) => {
	const kling = klingThatShows(sighting);
	const byHand = new FakeExecution(kling, { id: '2', mode: 'retry' });
	const { context, submitter } = submitterOf(kling, byHand.context());
	await through(submitter.submit(jobOf({ reuse }), 0));
	expect(context.hints.size).toBe(isShown ? 1 : 0);
});

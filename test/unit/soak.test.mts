import type { Execution } from '../../tools/n8n/restClient.mts';
import { forge } from '../../scripts/soak/forged.mts';
import { eachOf, settle, type Job, type Look } from '../../scripts/soak/jobs.mts';
import { asMarkdown } from '../../scripts/soak/report.mts';
import { countBy, percentile, spreadOf } from '../../scripts/soak/statistics.mts';
import { faultsOf, isUndecided, readNodeStarts } from '../../scripts/soak/verdict.mts';
import { readMetrics } from '../../scripts/soak/vitals.mts';

/** What `npm run soak` counts with, and that it sees what it is there to see. */

describe('statistics', () => {
	const hundred = Array.from({ length: 100 }, (_, place) => 100 - place);

	test('percentiles are values that were measured', () => {
		expect(percentile(hundred, 95)).toBe(95);
		expect(percentile([10, 2, 7], 50)).toBe(7);
		expect(percentile([10, 2, 7], 95)).toBe(10);
		expect(percentile([5], 50)).toBe(5);
		expect(percentile([], 50)).toBeNaN();
		expect(spreadOf(hundred)).toEqual({ count: 100, p50: 50, p95: 95, max: 100 });
	});

	test('counts stand by frequency', () => {
		const counts = countBy(['b', 'a', 'a', 'c', 'a', 'b'], (value) => value);
		expect([...counts]).toEqual([
			['a', 3],
			['b', 2],
			['c', 1],
		]);
	});

	test('at most so many at once, results in order', async () => {
		let active = 0;
		let most = 0;
		const doubled = await eachOf([1, 2, 3, 4, 5, 6, 7], 3, async (value) => {
			most = Math.max(most, ++active);
			await Promise.resolve();
			active--;
			return 2 * value;
		});
		expect(doubled).toEqual([2, 4, 6, 8, 10, 12, 14]);
		expect(most).toBe(3);
	});
});

const url = (id: string) => `http://localhost:1/webhook-waiting/${id}?signature=${id.repeat(64)}`;
const job = (reference: string, taskId: string, executionId = '7'): Job => ({
	reference,
	taskId,
	executionId,
	replyUrl: url(executionId),
});

describe('the verdict on an execution', () => {
	const jobs = [job('1-1', '500'), job('1-2', '510')];
	const sent = new Map([
		['1-1', 1],
		['1-2', 1],
	]);
	const result = (replyRef: string, taskId: string) => ({
		json: {
			taskId,
			status: 'succeed',
			replyRef,
			images: [{ workId: String(Number(taskId) + 1) }],
		},
	});
	const ended = (items: object[], status = 'success') =>
		({
			id: '7',
			status,
			resultData: { runData: { Done: [{ data: { main: [items] } }] } },
		}) as unknown as Execution;
	const right = [result('1-1', '500'), result('1-2', '510')];

	test('nothing is wrong with one that ended once, with its own results', () => {
		expect(faultsOf(ended(right), jobs, 1, sent)).toEqual([]);
	});

	test.each<[string, string, Execution, number, Map<string, number>]>([
		['lost', 'status is waiting', ended([], 'waiting'), 0, sent],
		['never resumed', 'next node ran is 0', ended(right), 0, sent],
		['resumed twice', 'next node ran is 2', ended(right), 2, sent],
		['a result too few', 'results is 1', ended(right.slice(1)), 1, sent],
		['a result too many', 'results is 3', ended([...right, right[0]]), 1, sent],
		["another one's result", 'task of 1-1 is 510', ended(right.toReversed()), 1, sent],
		['not finished', 'status of 1-2', ended([right[0], { json: { taskId: '510' } }]), 1, sent],
		[
			'a forged image',
			'image of 1-1',
			ended([{ json: { ...right[0].json, images: [{ workId: '9' }] } }, right[1]]),
			1,
			sent,
		],
		['sent twice', 'jobs sent for 1-1 is 2', ended(right), 1, new Map([...sent, ['1-1', 2]])],
	])('%s', (_, words, execution, runs, posts) => {
		const faults = faultsOf(execution, jobs, runs, posts);
		expect(faults.join('\n')).toContain(words);
		expect(faults.every((fault) => fault.startsWith('Execution 7: '))).toBe(true);
	});
});

describe('how long executions are waited for', () => {
	const soon = { limitMs: 5_000, standstillMs: 1, lookAgainMs: 0 };
	/** Answers these looks one after the other, and the last one for ever. */
	const looks = (...all: Array<Look | Error>) => {
		let place = 0;
		return async () => {
			const look = all[Math.min(place++, all.length - 1)];
			if (look instanceof Error) throw look;
			return look;
		};
	};
	const slow = (count: number, look: Look | Error) => Array.from({ length: count }, () => look);
	const ended = { left: 0, busy: false };

	test('to their end, however slow n8n is and however long it answers nothing', async () => {
		const working = slow(100, { left: 2, busy: true });
		const silent = slow(100, new Error('Database is not ready!'));
		expect(await settle(looks(...working, ...silent, ended), soon)).toEqual({
			left: 0,
			decided: true,
		});
	});

	test('what stands still while nothing is on its way is given up', async () => {
		const lost = { left: 2, busy: false };
		expect(await settle(looks(...slow(50, new Error('busy')), lost), soon)).toEqual({
			left: 2,
			decided: true,
		});
	});

	test.each([
		['still on its way', { left: 2, busy: true }],
		['not to be seen', new Error('Database is not ready!')],
	])('what is %s at the limit is undecided', async (_name, look) => {
		expect(await settle(looks(look), { ...soon, limitMs: 50 })).toMatchObject({ decided: false });
	});
});

describe('what nothing can be said of', () => {
	const jobs = [job('1-1', '500')];
	const call = { at: 1, taskId: '500', url: url('7'), statusName: 'succeed' };

	test.each([
		['parked although it was called: lost', 'waiting', [{ ...call, answer: 200 }], true, false],
		[
			'called once without and once with success',
			'waiting',
			[
				{ ...call, answer: 503 },
				{ ...call, answer: 200 },
			],
			true,
			false,
		],
		['its callback was not delivered', 'waiting', [{ ...call, error: 'aborted' }], true, true],
		['n8n was not ready for its callback', 'waiting', [{ ...call, answer: 503 }], true, true],
		[
			'only its progress was told',
			'waiting',
			[{ ...call, statusName: 'processing', answer: 200 }],
			true,
			true,
		],
		['no time was left for it', 'running', [{ ...call, answer: 200 }], false, true],
		['ended wrongly', 'error', [], false, false],
		['ended', 'success', [], false, false],
	])('%s', (_name, status, callbacks, decided, undecided) => {
		expect(isUndecided({ status }, jobs, callbacks, decided)).toBe(undecided);
	});
});

test("node starts are read from n8n's event log, and nothing else", () => {
	const event = (eventName: string, nodeName: string, ts: string) =>
		JSON.stringify({
			__type: '$$EventMessageNode',
			ts,
			eventName,
			payload: { executionId: '7', nodeName },
		});
	const log = [
		event('n8n.node.started', 'Upscale', '2026-11-22T18:22:49.826+00:00'),
		event('n8n.node.finished', 'Upscale', '2026-11-22T18:22:49.900+00:00'),
		event('n8n.node.started', 'Done', '2026-11-22T13:22:50.000-05:00'),
		'{"__type":"$$EventMessageConfirm","confirm":"1"}',
		'',
	].join('\n');
	expect(readNodeStarts(log)).toEqual([
		{ executionId: '7', node: 'Upscale' },
		{ executionId: '7', node: 'Done' },
	]);
});

test("memory is read from n8n's metrics", () => {
	const metrics = `# HELP n8n_process_resident_memory_bytes Resident memory size in bytes.
n8n_process_resident_memory_bytes 789368832
n8n_nodejs_heap_size_used_bytes 430208216

n8n_nodejs_eventloop_lag_max_seconds 0.163446783
n8n_process_cpu_seconds_total 1.5
`;
	expect(readMetrics(metrics)).toEqual({
		residentMb: 789.368832,
		heapMb: 430.208216,
		stallMs: 163.446783,
		cpuMs: 1500,
	});
});

describe('forged calls', () => {
	const jobs = ['1', '2', '3'].map((id) => job(`1-${id}`, `5${id}0`, id));

	test('as many as wanted, every kind at every execution in the end', () => {
		expect(forge(jobs, 10)).toHaveLength(10);
		const all = forge(jobs, 300);
		const kinds = new Set(all.map(({ kind }) => kind));
		expect(kinds.size).toBeGreaterThanOrEqual(25);
		for (const kind of kinds) {
			const targets = all.filter((each) => each.kind === kind).map((each) => each.url);
			expect(new Set(targets).size).toBe(kind === 'unknown execution' ? 3 : jobs.length);
		}
	});

	test('they claim what only the API may say, with the right address or a nearly right one', () => {
		const all = forge(jobs, 300);
		const first = (kind: string) => all.find((each) => each.kind === kind)!;
		const own = first('own task, said to be finished');
		const target = jobs.find(({ replyUrl }) => replyUrl === own.url)!;
		expect(JSON.parse(own.body!)).toMatchObject({
			status_final: true,
			status_name: 'succeed',
			task: { id: Number(target.taskId), status_final: true },
		});
		expect(all.map(({ url: address }) => address)).toEqual(
			expect.arrayContaining(jobs.map(({ replyUrl }) => replyUrl)),
		);
		expect(jobs.map(({ replyUrl }) => replyUrl)).not.toContain(first('wrong signature').url);
		expect(first('no signature').url).not.toContain('signature');
		const borrowed = new URL(first("another execution's signature").url);
		const owner = jobs.find(({ replyUrl }) => replyUrl.endsWith(borrowed.search))!;
		expect(borrowed.pathname).not.toBe(new URL(owner.replyUrl).pathname);
		expect(() => JSON.parse(first('broken JSON').body!)).toThrow();
	});
});

test('the report is a table for each measurement, with faults counted', () => {
	const rows = [{ what: 'Lost', measured: '1 of 2', target: '0', met: false }];
	const details = [{ what: 'GET', measured: '3 × 404' }];
	const text = asMarkdown(
		[{ title: 'Two executions', rows, details, faults: ['Execution 1: lost'], undecided: [] }],
		'npm run soak',
	);
	expect(text).toContain('## Two executions\n\n|  | Measured | Target |');
	expect(text).toContain('| Lost | 1 of 2 | 0 ✗ |');
	expect(text).toContain('| GET | 3 × 404 |');
	expect(text).toContain('Faults found: 1.');
});

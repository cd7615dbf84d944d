import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { checks } from '../../scripts/bench/checks.mts';
import {
	countRequests,
	limitSeconds,
	linearly,
	median,
	seenAfterMs,
	timesFaster,
	toLimit,
} from '../../scripts/bench/figures.mts';
import { fillIn, table } from '../../scripts/bench/markdown.mts';
import { report, summary } from '../../scripts/bench/report.mts';
import type { Results, Run } from '../../scripts/bench/results.mts';
import { FULL } from '../../scripts/bench/settings.mts';
import { about, count, kilobytes, megabytes, seconds } from '../../scripts/bench/units.mts';

/** The arithmetic and the tables of `npm run bench`; what is measured, only the bench itself can tell. */

const run = (changes: Partial<Run> = {}): Run => ({
	items: 1,
	jobMs: 20_000,
	slots: 10,
	seconds: 21,
	requests: { total: 10, posts: 1, gets: 9 },
	accepted: 1,
	finished: 1,
	...changes,
});
const few = (changes: Partial<Run> = {}) => run({ items: 10, finished: 10, ...changes });
const MB = 1_000_000;
const memory = (growth: number) => ({
	before: 400 * MB,
	peak: (400 + growth) * MB,
	after: 410 * MB,
});
const weight = { tarballBytes: 27_200, loadMs: 7.1, loads: 15, nodes: 1, credentials: 1 };

const results = (changes: Partial<Results> = {}): Results => ({
	settings: FULL,
	machine: {
		date: '2026-03-01',
		system: 'Linux 6',
		processor: 'A processor',
		cores: 2,
		memoryBytes: 8e9,
		node: '24.1.0',
		benchNode: '20.1.0',
		n8n: '2.41.1',
		load: 0.2,
	},
	own: { name: 'n8n-nodes-useapi-kling', version: '0.1.0', ...weight },
	rival: { name: 'n8n-nodes-useapi-net', version: '0.7.0', ...weight },
	single: run(),
	few: few(),
	batch: run({ items: 100, seconds: 210 }),
	callbacks: [{ ...run(), afterCallbackMs: 120 }],
	loops: [
		{ pauseSeconds: 10, single: run({ seconds: 20.5 }), few: few({ seconds: 205 }) },
		{ pauseSeconds: 5, single: run({ seconds: 20 }), few: few({ seconds: 200 }) },
	],
	atOnce: {
		pauseSeconds: 10,
		fitting: few(),
		oneMore: run({ items: 11, accepted: 10, finished: 0, error: 'Too | many' }),
	},
	rivalRuns: { plain: run({ finished: 0, error: 'workId is required' }), letThrough: run() },
	growth: [{ ...run(), memory: memory(20) }],
	file: { small: memory(20), large: memory(50), again: memory(21), use: memory(3) },
	watched: {
		use: memory(16),
		size: memory(500),
		run: run({ items: 1000 }),
		loopSize: memory(400),
		loopRun: run({ items: 1000 }),
	},
	long: { ...run({ items: 100, jobMs: 60_000 }), seen: { median: 1.02, latest: 1.13 } },
	...changes,
});

describe('figures', () => {
	test('the limit: whole rounds of job slots', () => {
		expect(limitSeconds(1, 10, 20_000)).toBe(20);
		expect(limitSeconds(100, 10, 20_000)).toBe(200);
		expect(limitSeconds(101, 10, 20_000)).toBe(220);
		expect(toLimit(run({ items: 100, seconds: 210 }))).toBeCloseTo(1.05);
	});

	test('a line through two measurements', () => {
		expect(linearly([1, 21], [10, 201], 100)).toBe(2001);
		expect(linearly([1, 21], [10, 201], 10)).toBe(201);
	});

	test('the median of an odd and of an even number', () => {
		expect(median([9, 1, 10])).toBe(9);
		expect(median([1, 10, 2, 9])).toBe(5.5);
	});

	test('only the API’s requests count', () => {
		const asked = (server: 'api' | 'cdn', method: string) => ({ server, method, at: 1, path: '/' });
		const requests = [asked('api', 'POST'), asked('api', 'GET'), asked('cdn', 'GET')];
		expect(countRequests(requests)).toEqual({ total: 2, posts: 1, gets: 1 });
	});

	test('the faster of the loops is the one to beat', () => {
		expect(timesFaster(results())).toBeCloseTo(200 / 21);
	});
});

describe('when a result was seen', () => {
	const task = {
		taskId: '5',
		createdAt: '2026-03-01T10:00:00.000Z',
		updatedAt: '2026-03-01T10:00:20.000Z',
	};
	const look = (path: string, afterMs: number, changes: object = {}) => ({
		server: 'api' as const,
		method: 'GET',
		path: `/v1/kling/tasks${path}`,
		at: Date.parse(task.createdAt) + afterMs,
		...changes,
	});

	test.each([
		[
			'the first look after its end',
			21_000,
			[look('/5', 17_000), look('/5', 21_000), look('/5', 30_000)],
		],
		[
			'the list of all tasks counts too',
			21_000,
			[look('/5', 17_000), look('', 21_000), look('/5', 30_000)],
		],
		['a look that came in just before its end', 19_999, [look('/5', 17_000), look('/5', 19_999)]],
	])('%s', (_name, seenMs, looks) => {
		expect(seenAfterMs(task, looks)).toBe(seenMs);
	});

	test('other tasks, files and submissions are no look at it', () => {
		const others = [
			look('/55', 20_500),
			look('/5', 20_500, { server: 'cdn' }),
			look('/5', 20_500, { method: 'POST' }),
		];
		expect(seenAfterMs(task, [...others, look('/5', 22_000)])).toBe(22_000);
		expect(() => seenAfterMs(task, others)).toThrow('Nobody has looked at task 5');
	});
});

describe('targets', () => {
	const met = (changes: Partial<Results> = {}) =>
		checks(results(changes)).map((check) => check.met);

	test('met, all of them but for the requests', () => {
		const many = { ...results().long!, requests: { total: 301, posts: 100, gets: 201 } };
		expect(met()).toEqual(Array(10).fill(true));
		expect(met({ long: many }).filter((each) => each === false)).toHaveLength(1);
	});

	test.each<[string, Partial<Results>]>([
		['a slow batch', { batch: run({ items: 100, seconds: 221 }) }],
		['a slow single item', { single: run({ seconds: 24.1 }) }],
		['a late callback', { callbacks: [{ ...run(), afterCallbackMs: 501 }] }],
		['a fast loop', { loops: [{ pauseSeconds: 5, single: run(), few: few({ seconds: 180 }) }] }],
		['a heavy package', { own: { ...results().own, tarballBytes: 60_001 } }],
		['a package that is slow to load', { own: { ...results().own, loadMs: 20.1 } }],
		['a file that stays in memory', { file: { use: memory(33) } }],
		['tasks that fill the memory', { watched: { ...results().watched, use: memory(51) } }],
	])('missed by %s', (_name, changes) => {
		expect(met(changes).filter((each) => each === false)).toHaveLength(1);
	});

	test('what was not measured is neither met nor missed', () => {
		const less = { long: undefined };
		expect(met(less).filter((each) => each === undefined)).toHaveLength(2);
		expect(summary(results(less))).toContain('not measured');
	});
});

describe('the page', () => {
	test('a missed target stands out', () => {
		expect(summary(results())).not.toContain('**no**');
		expect(summary(results({ single: run({ seconds: 30 }) }))).toContain(
			'| 1.50 | at most 1.20 | **no** |',
		);
	});

	test('every ratio, and what is only computed, marked so', () => {
		const page = report(results());
		expect(page).toContain('| 10 | 21.0 s | 205.0 s | 200.0 s | 9.52 |');
		expect(page).toContain('| 100 (loops: computed) | 210.0 s | 2,050 s | 2,000 s | 9.52 |');
	});

	test('rivals that fail are shown with their message, and a bar in it breaks no table', () => {
		const page = report(results());
		expect(page).toContain('| no: "workId is required" |');
		expect(page).toContain('stops with "Too \\| many"; 10 jobs had been accepted');
	});

	test('a rival that cannot be had: said, not left out', () => {
		const page = report(results({ rival: { error: 'npm was offline' } }));
		expect(page).toContain('This time it could not: npm was offline.');
	});

	test('memory: what is held to the target, and beside it what the process grew by', () => {
		expect(summary(results())).toContain('| 3 MB, with garbage 50 MB | at most 32 MB | yes |');
		expect(report(results())).toContain('| 100 MB, in use | 400 MB | 403 MB | 410 MB | 3 MB |');
		expect(report(results({ file: {} }))).toContain('| 100 MB, in use | – | – | – | – |');
	});

	test('no figure is undefined or not a number', () => {
		for (const page of [report(results()), report(results({ long: undefined, growth: [run()] }))]) {
			expect(page).not.toMatch(/undefined|NaN|Infinity|\[object/);
		}
	});

	test('it is written between its marks, again and again', () => {
		const page = 'Above\n\n<!-- x -->\n\nold\n\n<!-- /x -->\n\nBelow\n';
		const once = fillIn(page, 'x', 'new');
		expect(once).toBe('Above\n\n<!-- x -->\n\nnew\n\n<!-- /x -->\n\nBelow\n');
		expect(fillIn(once, 'x', 'new')).toBe(once);
		expect(() => fillIn(page, 'y', 'new')).toThrow('<!-- y -->');
	});

	test('tables and units', () => {
		expect(table(['a', 'b'], [['1', '2']])).toBe('| a | b |\n| --- | --- |\n| 1 | 2 |');
		expect([about(45), about(200), about(60.2)]).toEqual([
			'about 45 s',
			'about 3 min 20 s',
			'about 1 min 0 s',
		]);
		expect([count(1), count(2, 'job'), count(1000)]).toEqual(['1 item', '2 jobs', '1,000 items']);
		expect([seconds(21.04), seconds(2001)]).toEqual(['21.0 s', '2,001 s']);
		expect([kilobytes(27_240), megabytes(32_400_000)]).toEqual(['27.2 kB', '32 MB']);
	});
});

describe('the workflows that run against each other', () => {
	const folder = resolve(import.meta.dirname, '../../scripts/bench/workflows');

	test.each(readdirSync(folder))('%s is whole, and asks nobody but useapi.net', (file) => {
		const text = readFileSync(join(folder, file), 'utf8');
		const { nodes, connections } = JSON.parse(text) as {
			nodes: Array<{ name: string; id: string }>;
			connections: Record<string, { main: Array<Array<{ node: string }>> }>;
		};
		const names = nodes.map(({ name }) => name);
		expect(names).toEqual(expect.arrayContaining(['Start', 'Items', 'Result']));
		expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
		for (const [from, { main }] of Object.entries(connections)) {
			for (const { node } of main.flat())
				expect(names).toEqual(expect.arrayContaining([from, node]));
		}
		const addresses = text.match(/https?:\/\/[^/"\s]+/g) ?? [];
		expect(addresses.filter((address) => address !== 'https://api.useapi.net')).toEqual([]);
	});
});

test('no file of the bench is longer than some 300 lines', () => {
	const folder = resolve(import.meta.dirname, '../../scripts/bench');
	const long = readdirSync(folder, { recursive: true, encoding: 'utf8' })
		.filter((file) => /\.m[jt]s$/.test(file))
		.filter((file) => readFileSync(join(folder, file), 'utf8').split('\n').length > 300);
	expect(long).toEqual([]);
});

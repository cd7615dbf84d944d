import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

import { settle, type Job } from '../../bench/executions.mts';
import { asMarkdown, atLeast, atMost, fillIn, ms, percentiles } from '../../bench/report.mts';
import { megabytes, summary, table, times } from '../../bench/report.mts';
import { forge } from '../../bench/scenarios/forged.mts';
import {
	compare,
	faultsOf as faultsOfRuns,
	type Plan,
	type Run,
} from '../../bench/scenarios/polling.mts';
import { faultsOf, startsOf } from '../../bench/verdict.mts';
import { httpLoop, kling, useApiNet, VENDOR_URL, waitNode } from '../../bench/workflows.mts';
import type { Execution } from '../../tools/n8n/restClient.mts';

/** What the bench counts with, and that its verdicts can fail. */

const url = (id: string) => `http://localhost:1/webhook-waiting/${id}?signature=${id.repeat(64)}`;
const job = (reference: string, taskId: string, executionId = '7'): Job => ({
	reference,
	taskId,
	executionId,
	replyUrl: url(executionId),
});

test('percentiles are values that were measured', () => {
	const hundred = Array.from({ length: 100 }, (_, place) => 100 - place);
	expect(percentiles(hundred, 50, 95, 100)).toEqual([50, 95, 100]);
	expect(percentiles([10, 2, 7], 50, 95)).toEqual([7, 10]);
	expect(percentiles([], 50)).toEqual([NaN]);
});

describe('the verdict on an execution', () => {
	const jobs = [job('1-1', '500'), job('1-2', '510')];
	const sent = ['1-1', '1-2'];
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
	const forged = { json: { ...right[0].json, images: [{ workId: '9' }] } };

	test('nothing is wrong with one that ended once, with its own results', () => {
		expect(faultsOf(ended(right), jobs, 1, sent)).toEqual([]);
	});

	test.each<[string, string, Execution, number, string[]]>([
		['lost', 'status is waiting', ended([], 'waiting'), 0, sent],
		['never resumed', 'next node ran is 0', ended(right), 0, sent],
		['resumed twice', 'next node ran is 2', ended(right), 2, sent],
		['a result too few', 'results is 1', ended(right.slice(1)), 1, sent],
		['a result too many', 'results is 3', ended([...right, right[0]]), 1, sent],
		["another one's result", 'result of 1-1 is 510', ended(right.toReversed()), 1, sent],
		['not finished', 'result of 1-2', ended([right[0], { json: { taskId: '510' } }]), 1, sent],
		['a forged image', 'result of 1-1', ended([forged, right[1]]), 1, sent],
		['sent twice', 'jobs sent for 1-1 is 2', ended(right), 1, [...sent, '1-1']],
		['never sent', 'jobs sent for 1-2 is 0', ended(right), 1, ['1-1']],
	])('%s', (_, words, execution, runs, posts) => {
		const faults = faultsOf(execution, jobs, runs, posts);
		expect(faults.join('\n')).toContain(words);
		expect(faults.every((fault) => fault.startsWith('Execution 7: '))).toBe(true);
	});
});

describe('how long executions are waited for', () => {
	type Look = { left: number; busy: boolean };
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
	const many = (look: Look | Error) => Array.from({ length: 50 }, () => look);
	const silent = new Error('Database is not ready!');

	test('to their end, however slow n8n is and however long it answers nothing', async () => {
		const all = [...many({ left: 2, busy: true }), ...many(silent), { left: 0, busy: false }];
		expect(await settle(looks(...all), soon)).toBe(0);
	});

	test('what stands still while nothing is on its way is given up', async () => {
		const all = [...many(silent), { left: 2, busy: false }];
		expect(await settle(looks(...all), { ...soon, limitMs: 600_000 })).toBe(2);
	});

	test.each([
		['still on its way', { left: 2, busy: true }],
		['not to be seen', silent],
	])('what is %s at the limit is left', async (_name, look) => {
		expect(await settle(looks(look), { ...soon, limitMs: 50 })).toBeGreaterThan(0);
	});
});

test("a node's starts are read from n8n's event log, and nothing else", () => {
	const event = (eventName: string, nodeName: string, executionId: string) =>
		JSON.stringify({ eventName, payload: { executionId, nodeName } });
	const log = [
		event('n8n.node.started', 'Upscale', '7'),
		event('n8n.node.finished', 'Upscale', '7'),
		event('n8n.node.started', 'Done', '7'),
		event('n8n.node.started', 'Done', '8'),
		event('n8n.node.started', 'Done', '7'),
		'{"__type":"$$EventMessageConfirm","confirm":"1"}',
		'',
	].join('\n');
	expect(startsOf('Done', log)).toEqual(['7', '8', '7']);
});

describe('forged calls', () => {
	const jobs = ['1', '2', '3'].map((id) => job(`1-${id}`, `5${id}0`, id));
	const all = forge(jobs, 300);
	const first = (kind: string) => all.find(([each]) => each === kind)![1];

	test('as many as wanted, every kind at every execution in the end', () => {
		expect(forge(jobs, 10)).toHaveLength(10);
		const kinds = new Set(all.map(([kind]) => kind));
		expect(kinds.size).toBeGreaterThanOrEqual(20);
		for (const kind of kinds) {
			const targets = all.flatMap(([each, request]) => (each === kind ? request.url! : []));
			expect(new Set(targets).size).toBe(jobs.length);
		}
	});

	test('they claim what only the API may say, with the right address or a nearly right one', () => {
		const own = first('own task, said to be finished');
		const target = jobs.find(({ replyUrl }) => replyUrl === own.url)!;
		expect(JSON.parse(own.body!)).toMatchObject({
			status_final: true,
			status_name: 'succeed',
			task: { id: Number(target.taskId), status_final: true },
		});
		const urls = jobs.map(({ replyUrl }) => replyUrl);
		expect(urls).not.toContain(first('wrong signature').url);
		expect(first('no signature').url).not.toContain('signature');
		const borrowed = new URL(first("another execution's signature").url!);
		const owner = urls.find((each) => each.endsWith(borrowed.search))!;
		expect(borrowed.pathname).not.toBe(new URL(owner).pathname);
		expect(() => JSON.parse(first('broken JSON').body!)).toThrow();
	});
});

describe('targets', () => {
	const workflow = kling('poll');
	const run = (
		way: string,
		images: number,
		took: number,
		most?: Plan['most'],
		requests = 3,
	): Run => ({
		plan: { way, workflow, images, slots: 10, jobMs: 20_000, most },
		seconds: took,
		toLimit: took / (20 * Math.ceil(images / 10)),
		requests,
		finished: images,
	});
	const [node, loop, together] = [
		'Kling node',
		'HTTP Request and If, one by one',
		'HTTP Request and If, all at once',
	];
	const limit = { toLimit: 1.1 };
	const met = {
		one: run(node, 1, 21, limit),
		few: run(node, 10, 21, limit),
		many: run(node, 100, 210, limit),
		long: run(`${node}, long tasks`, 100, 210, { ...limit, requests: 3 }, 2.9),
		loopOne: run(loop, 1, 20.1),
		loopFew: run(loop, 10, 201),
		atOnce: run(together, 10, 20.4),
		stopped: { ...run(together, 11, 0.1), error: 'Too | many', finished: 0 },
	};
	const checks = (changes: Partial<typeof met> = {}, bytes = [50_000, 70_000]) =>
		compare(Object.values({ ...met, ...changes }), [1, 10, 100], bytes);
	const missed = (...changes: Parameters<typeof checks>) =>
		checks(...changes).flatMap((check) => (check.met === false ? check.what : []));

	test('all met', () => {
		expect(missed()).toEqual([]);
		expect(checks().filter((check) => check.met)).toHaveLength(8);
	});

	test.each<[string, Parameters<typeof checks>]>([
		['1 item: of the limit', [{ one: run(node, 1, 22.1, limit) }]],
		['10 items: of the limit', [{ few: run(node, 10, 22.1, limit) }]],
		['100 items: of the limit', [{ many: run(node, 100, 220.1, limit) }]],
		['tasks, 100 items: of the limit', [{ long: run(`${node}, long tasks`, 100, 221, limit) }]],
		['requests per task', [{ long: { ...met.long, requests: 3.1 } }]],
		['10 items: times faster', [{ loopFew: run(loop, 10, 188), loopOne: run(loop, 1, 2) }]],
		['(computed)', [{ loopOne: run(loop, 1, 40) }]],
		['Size of the package', [{}, [60_001]]],
	])('missed: %s', (what, changes) => {
		expect(missed(...changes)).toEqual([expect.stringContaining(what)]);
	});

	test('the faster of the loops is the one to beat', () => {
		const faster = run(`${loop}, Wait 5 s`, 10, 100);
		const all = compare([...Object.values(met), faster], [1, 10, 100], [1]);
		expect(all.filter((check) => check.met === false)).toHaveLength(2);
	});

	test('where the node is not ahead is said', () => {
		const section = { title: 'T', load: 'L', checks: checks(), tables: [], faults: [] };
		const text = asMarkdown(section, 'Here.');
		expect(text).toContain('| 1 item | 21.0 s, 3.0 requests per task; the loop 20.1 s, 3.0');
		expect(text).not.toMatch(/undefined|NaN|Infinity|\[object/);
	});

	test('what is not finished is a fault', () => {
		expect(faultsOfRuns([met.one, { ...met.few, finished: 9 }, met.stopped])).toHaveLength(2);
	});

	test('met, missed, and not measured', () => {
		expect(atMost('It', 2, ms, 2)).toMatchObject({ target: '≤ 2 ms', met: true });
		expect(atMost('It', 2.1, ms, 2).met).toBe(false);
		expect(atLeast('It', 1.9, times, 2)).toMatchObject({ target: '≥ 2.00', met: false });
		expect(atMost('It', NaN, megabytes, 2)).toMatchObject({ measured: '–', met: undefined });
		expect(atMost('It', 2, ms)).toEqual({ what: 'It', measured: '2 ms' });
		expect(summary([atMost('It', 2.1, ms, 2)])).toContain('| **missed** |');
	});
});

describe('the page', () => {
	test('it is written between its marks, again and again', () => {
		const page = 'Above\n\n<!-- x -->\n\nold\n\n<!-- /x -->\n\nBelow\n';
		const once = fillIn(page, 'x', 'new');
		expect(once).toBe('Above\n\n<!-- x -->\n\nnew\n\n<!-- /x -->\n\nBelow\n');
		expect(fillIn(once, 'x', 'new')).toBe(once);
		expect(() => fillIn(page, 'y', 'new')).toThrow('no one place y');
	});

	test('there is a place for each scenario, and faults are counted', () => {
		const page = readFileSync(resolve(import.meta.dirname, '../../docs/benchmarks.md'), 'utf8');
		for (const name of ['polling', 'callbacks', 'forged', 'memory', 'loading']) {
			expect(fillIn(page, name, '')).not.toBe(page);
		}
		const faults = ['Execution 1: lost'];
		const text = asMarkdown({ title: 'T', load: 'L', checks: [], tables: [], faults }, 'C');
		expect(text).toContain('Faults found: 1.');
	});

	test('tables and units', () => {
		expect(table([{ a: '1', b: '2|3' }])).toBe('| a | b |\n| --- | --- |\n| 1 | 2\\|3 |');
		expect([ms(12.3), ms(21_040), megabytes(32_400_000)]).toEqual(['12 ms', '21.0 s', '32 MB']);
	});
});

describe('the workflows that run against each other', () => {
	test.each([
		['Kling', kling('poll')],
		['the loop', httpLoop(5, true)],
		['the loop, all at once', httpLoop(5, false)],
		['n8n-nodes-useapi-net', useApiNet()],
		['the Wait node', waitNode()],
	])('%s is whole, and asks nobody but useapi.net', (_name, { nodes, connections }) => {
		const names = nodes.map(({ name }) => name);
		expect(new Set(names).size).toBe(names.length);
		const links = Object.entries(connections as Record<string, { main: [[{ node: string }]] }>);
		const reached = links.flatMap(([, { main }]) => main.flat().map(({ node }) => node));
		expect(new Set(['Webhook', ...reached])).toEqual(new Set(names));
		expect(names).toEqual(expect.arrayContaining(links.map(([from]) => from)));
		const addresses = JSON.stringify(nodes).match(/https?:\/\/[^/"\s]+/g) ?? [];
		expect(addresses.filter((address) => address !== VENDOR_URL)).toEqual([]);
	});
});

describe('the tools are smaller than the product', () => {
	const project = resolve(import.meta.dirname, '../..');
	const linesOf = (file: string) =>
		readFileSync(join(project, file), 'utf8').split('\n').length - 1;
	const filesIn = (folder: string) =>
		readdirSync(join(project, folder), { recursive: true, withFileTypes: true })
			.filter((entry) => entry.isFile())
			.map(({ parentPath, name }) => join(relative(project, parentPath), name));
	const sum = (files: string[]) => files.reduce((lines, file) => lines + linesOf(file), 0);
	const [tools, bench] = [filesIn('tools'), filesIn('bench')];

	test('each part, and all of it', () => {
		expect(sum(tools)).toBeLessThanOrEqual(900);
		expect(sum(bench)).toBeLessThanOrEqual(1_250);
		const all = [...tools, ...bench, ...filesIn('.ci'), 'stryker.config.mjs'];
		expect(sum(all)).toBeLessThanOrEqual(2_300);
	});

	test.each([...tools, ...bench])('%s can be read in one sitting', (file) => {
		expect(linesOf(file)).toBeLessThanOrEqual(300);
	});
});

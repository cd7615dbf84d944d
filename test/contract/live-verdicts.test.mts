import getPort from 'get-port';
import type { Fault, Sandbox, SandboxOptions } from '../../sandbox/server.mts';
import { confirmed, refuted, unseen } from '../../scripts/live/assumption.mts';
import { ASSUMPTIONS } from '../../scripts/live/assumptions/index.mts';
import { Seen, type Answer, type Question } from '../../scripts/live/seen.mts';
import { live, spending, startForLive, those } from './live-support.mts';
import { EMAIL, SOURCE, until, upscale } from './support.mts';

/** What `npm run contract:live` says of each assumption. */

const OTHER = 'second@example.com';
const LIST = '/v1/kling/tasks$';
const NEW_TASK = '/v1/kling/tasks/500000010';

let sandbox: Sandbox;
afterEach(async () => await sandbox?.close());

/** Lets the first requests for the list pass, in the order that scripts/live/read.mts asks them. */
const afterLists = (count: number, fault: Partial<Fault>): Fault[] => [
	{ kind: 'delay', path: LIST, times: count },
	{ kind: 'json', path: LIST, ...fault },
];

interface Scenario {
	options?: SandboxOptions;
	faults?: Fault[];
	args?: string[];
	email?: string;
	before?: () => Promise<unknown>;
}

async function play({ options, faults = [], args = spending, email, before }: Scenario) {
	sandbox = await startForLive(options);
	faults.forEach((fault) => sandbox.addFault(fault));
	await before?.();
	return await live(sandbox, args, { env: { USEAPI_EMAIL: email } });
}

const VIDEO = {
	taskId: '300000000',
	contentType: 'video' as const,
	createTime: Date.now() + 60_000,
};

/** What the API would have to be like for everything to be seen. */
const ALL_THERE_IS: Record<string, () => Promise<Scenario>> = {
	'one account, an upscale, callbacks': async () => {
		const port = String(await getPort());
		const many = Array.from({ length: 25 }, (_, n) => ({ taskId: String(300_000_000 + n * 2) }));
		return {
			options: { seeds: many },
			faults: [{ kind: 'status', status: 404, path: NEW_TASK, times: 2 }],
			args: [
				...spending,
				...['--reply-url', `http://127.0.0.1:${port}/hook`, '--reply-port', port],
			],
		};
	},
	'several accounts': async () => ({
		options: {
			accounts: [EMAIL, OTHER].map((email) => ({ email, maxJobs: 5 })),
			seeds: [{ taskId: '300000000', email: OTHER, createTime: Date.now() + 1000 }],
		},
		email: OTHER,
	}),
	'a video on top': async () => ({ options: { seeds: [VIDEO] }, args: [] }),
	'no paid plan': async () => ({
		options: { accounts: [{ email: EMAIL, maxJobs: 5, paid: false }] },
		args: [],
	}),
	'no subscription': async () => ({ options: { subscription: false } }),
	'no account': async () => ({ options: { accounts: [] } }),
	'a task that fails': async () => ({
		options: { seeds: [{ taskId: '300000000', upscale: 'fails', createTime: Date.now() + 1000 }] },
	}),
	'a task that succeeds without works': async () => ({
		faults: [
			{ kind: 'delay', path: NEW_TASK, times: 1 },
			{
				kind: 'json',
				path: NEW_TASK,
				times: 99,
				body: { task: {}, works: [], status_name: 'succeed', status_final: true },
			},
		],
	}),
	moderation: async () => ({
		options: {
			seeds: [{ taskId: '300000000', upscale: 'forbidden', createTime: Date.now() + 1000 }],
		},
	}),
	'a full account': async () => ({
		options: { accounts: [{ email: EMAIL, maxJobs: 1 }], jobMs: 60_000 },
		before: async () => await upscale(sandbox, SOURCE),
	}),
};

/** What needs a refused POST of its own, a public API, or luck. */
const NEVER = [
	'no-rate-limit',
	'history-without-empty',
	'file-https',
	'retry-when-full',
	'not-completed',
	'reply-lengths',
	'order-of-checks',
	'max-jobs',
	'field-errors',
];

test('every assumption can be confirmed, but for those that one POST cannot show', async () => {
	const reached = new Set<string>();
	for (const [name, prepare] of Object.entries(ALL_THERE_IS)) {
		const result = await play(await prepare());
		expect([name, those(result, 'refuted')]).toEqual([name, []]);
		expect([name, result.exitCode]).toEqual([name, 0]);
		expect([...result.verdicts.keys()]).toEqual(ASSUMPTIONS.map(({ id }) => id));
		those(result, 'confirmed').forEach((id) => reached.add(id));
		await sandbox.close();
	}
	const never = ASSUMPTIONS.map(({ id }) => id).filter((id) => !reached.has(id));
	expect(never.sort()).toEqual([...NEVER].sort());
}, 60_000);

const work = (taskId: string, more: object = {}) => ({ taskId, createTime: 1, ...more });

test.each<[refuted: string[], Scenario]>([
	[['unknown-task'], { faults: [{ kind: 'status', status: 410, path: '/v1/kling/tasks/1$' }] }],
	[['unknown-account'], { faults: [{ kind: 'status', status: 400, path: LIST }] }],
	[['no-redirect'], { faults: [{ kind: 'redirect', path: '/v1/kling/scheduler$' }] }],
	[['json'], { faults: [{ kind: 'html', status: 200, path: '/v1/kling/scheduler/' }] }],
	[['error-words'], { faults: [{ kind: 'html', status: 404, path: LIST }] }],
	[['scheduler'], { faults: [{ kind: 'json', path: '/v1/kling/scheduler$', body: { jobs: [] } }] }],
	[
		['no-rate-limit', 'no-retry-after'],
		{
			faults: [
				{ kind: 'status', status: 429, headers: { 'retry-after': '7' }, path: '/v1/kling/sched' },
			],
		},
	],
	[
		['newest-first'],
		{
			faults: afterLists(1, {
				body: {
					history: [{ works: [work('1')] }, { works: [work('2', { createTime: 9 })] }],
				},
			}),
		},
	],
	[
		['content-type-filter'],
		{ faults: afterLists(1, { body: { history: [{ works: [work('1')] }] } }) },
	],
	[['page-size-50'], { faults: afterLists(1, { kind: 'status', status: 400 }) }],
	[['page-size'], { faults: afterLists(3, { body: { history: [{ works: [] }, { works: [] }] } }) }],
	[['created-before', 'created-after'], { options: { listTakesInMoment: true } }],
	[
		['times-apart'],
		{
			faults: [
				{
					kind: 'json',
					path: '/v1/kling/tasks/\\d{9}$',
					body: {
						task: { id: Number(SOURCE.task_id), createTime: 1_745_376_611_000 },
						works: [{ taskId: Number(SOURCE.task_id), createTime: 1_745_376_613_000 }],
					},
				},
			],
		},
	],
	[['shortest-page'], { options: { listPageLimit: 2 } }],
	[
		['history-works-only', 'history-without-empty'],
		{ options: { listWholeModels: true, seeds: [{ taskId: '300000000', withoutWorks: true }] } },
	],
	[
		['filter-before-page'],
		{ options: { seeds: [VIDEO] }, faults: afterLists(3, { body: { history: [] } }) },
	],
	[
		['status-succeed', 'status-names'],
		{
			faults: [
				{
					kind: 'json',
					path: NEW_TASK,
					body: { task: {}, status: 42, status_name: 'succeed', status_final: false },
				},
			],
		},
	],
	[['file-without-token'], { faults: [{ kind: 'status', status: 403, server: 'cdn' }] }],
	[
		['clean-file-is-image'],
		{ faults: [{ kind: 'json', server: 'cdn', path: '/clean/', body: 'PK\u0003\u0004' }] },
	],
	[
		['clean-file-403'],
		{ faults: [{ kind: 'status', status: 400, path: '/v1/kling/assets/download' }] },
	],
	[['scale'], { options: { scale: 2 } }],
	[['task-id'], { faults: [{ kind: 'json', method: 'POST', body: { task_id: 5 } }] }],
	[
		['full-takes-nothing'],
		{ faults: [{ kind: 'status', status: 429, after: true, method: 'POST' }] },
	],
	[
		['refusal-takes-nothing'],
		{ faults: [{ kind: 'status', status: 500, after: true, method: 'POST' }] },
	],
])('%j is refuted by an API that is otherwise, and named with its place', async (ids, scenario) => {
	const result = await play(scenario);
	expect(those(result, 'refuted')).toEqual(expect.arrayContaining(ids));
	expect(result.exitCode).toBe(1);
	for (const id of ids) {
		const { file } = ASSUMPTIONS.find((one) => one.id === id)!.builtOn;
		expect(result.output).toMatch(new RegExp(`Built on in ${file}:[1-9]`));
	}
});

test('a reference that stands elsewhere in a callback is found there', async () => {
	const port = await getPort();
	const url = `http://127.0.0.1:${port}/hook`;
	sandbox = await startForLive();
	const args = [...spending, '--reply-url', url, '--reply-port', String(port)];
	const running = live(sandbox, args);
	const post = await until(() => sandbox.requests.find(({ method }) => method === 'POST'));
	const { replyRef } = post.body as { replyRef: string };
	await fetch(url, { method: 'POST', body: JSON.stringify({ request: { replyRef } }) });
	const { verdicts, exitCode } = await running;
	expect(verdicts.get('callback-reference')).toEqual(refuted('request.replyRef, replyRef'));
	expect(exitCode).toBe(1);
});

test('ids past 2^53 are told', async () => {
	const result = await play({ options: { firstTaskId: '9007199254740993' } });
	expect(result.verdicts.get('ids-are-numbers')).toEqual(
		confirmed('up to 16 digits, some past 2^53'),
	);
	expect(result.output).toContain('The new task is 9007199254740993.');
});

/** What is too slow to wait for: the answers as they would be noted. */
describe('times', () => {
	const verdict = (id: string, seen: Seen) =>
		ASSUMPTIONS.find((one) => one.id === id)!.check(seen).verdict;
	const answer = (question: Question, seconds: number, status: number, body = {}): Answer => ({
		...{ question, method: 'GET', path: '', query: {}, atMs: seconds * 1000, tookMs: 0, status },
		...{ headers: new Headers(), text: '', body },
	});

	test('how long a new task may be unknown', () => {
		const after = (...polls: Array<[seconds: number, status: number]>) => {
			const seen = new Seen('https://api.useapi.net');
			seen.answers.push(answer('upscale', 0, 200));
			seen.answers.push(...polls.map(([seconds, status]) => answer('poll', seconds, status)));
			return verdict('early-404-limit', seen);
		};
		expect(after([0, 404], [14, 404], [16, 200])).toBe('confirmed');
		expect(after([0, 404], [15, 404], [17, 200])).toBe('refuted');
		expect(after([0, 404], [60, 404])).toBe('unseen');
		expect(after([0, 200], [20, 404])).toBe('unseen');
	});

	test('how far the API may lag behind its callback', () => {
		const after = (...polls: Array<[seconds: number, isFinal: boolean]>) => {
			const seen = new Seen('https://api.useapi.net', 'https://example.com/hook');
			seen.callbacks.push({
				...{ atMs: 10_000, method: 'POST', contentType: 'application/json' },
				body: { status_final: true },
			});
			seen.answers.push(answer('upscale', 0, 200));
			for (const [seconds, status_final] of polls) {
				seen.answers.push(answer('poll', seconds, 200, { status_final }));
			}
			return verdict('callback-lag', seen);
		};
		expect(after([9, true])).toBe('confirmed');
		expect(after([9, false], [11, true])).toBe('confirmed');
		expect(after([11, false], [13, true])).toBe('unseen');
		expect(after([11, false], [13, false], [15, true])).toBe('refuted');
		expect(after([11, false])).toBe('unseen');
	});
});

test('what was not asked for is unseen', () => {
	const seen = new Seen('https://api.useapi.net');
	const verdicts = ASSUMPTIONS.map((assumption) => assumption.check(seen).verdict);
	// "Never a redirect" holds where nothing came.
	expect(verdicts.filter((verdict) => verdict === unseen('').verdict).length).toBe(
		verdicts.length - 1,
	);
});

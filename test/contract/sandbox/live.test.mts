import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Fault, Sandbox, SandboxOptions } from '../../../sandbox/server.mts';
import { assumptions, run } from '../../live/assumption.mts';
import '../../live/assumptions/index.mts';
import { Live, UPSCALE_TYPE, type Options } from '../../live/live.mts';
import { startReceiver } from '../../support/receiver.mts';
import {
	call,
	EMAIL,
	SOURCE,
	startDocumented,
	upscale,
	type Json,
} from '../support/documented.mts';

/** `npm run contract:live` against the sandbox: what it finds true there, and that it notices what is not. */

const OTHER = 'second@example.com';
const LIST = '/v1/kling/tasks$';
const TASK = `/v1/kling/tasks/${SOURCE.task_id}`;
const NEW_TASK = '/v1/kling/tasks/500000010';
const ACCOUNT = `/v1/kling/accounts/.`;
const SCHEDULER = '/v1/kling/scheduler$';
const TWO = [EMAIL, OTHER].map((email) => ({ email, maxJobs: 5 }));
const TOP = { taskId: '300000000', createTime: Date.now() + 60_000 };
const VIDEO = { ...TOP, contentType: 'video' as const };

interface Scenario extends SandboxOptions {
	faults?: Fault[];
	live?: Partial<Options>;
	/** Whether the account's only place is taken by a job that does not end. */
	isFull?: boolean;
}

let sandbox: Sandbox;
beforeEach(() => jest.spyOn(process.stderr, 'write').mockReturnValue(true));
afterEach(async () => await sandbox?.close());

async function start({ faults = [], live, isFull, ...options }: Scenario): Promise<Live> {
	const accounts = [{ email: EMAIL, maxJobs: isFull ? 1 : 5 }];
	const longSidePx = { '2k': 500, '4k': 500 };
	const jobMs = isFull ? 60_000 : 200;
	sandbox = await startDocumented({ jobMs, accounts, longSidePx, ...options });
	faults.forEach((fault) => sandbox.addFault({ times: 99, ...fault }));
	if (isFull) await upscale(sandbox, SOURCE);
	const { url: baseUrl, token } = sandbox;
	return new Live({ token, baseUrl, receive: startReceiver, pauseMs: 15, spend: true, ...live });
}

async function verdict(id: string, live: Live): Promise<string> {
	try {
		await run(assumptions.find((one) => one.id === id)!, live);
		return 'holds';
	} catch (error) {
		const { name, message } = error as Error;
		// Not by an error in the check itself.
		const isFailure = message.includes('expect(') || message.startsWith('GET ');
		return name === 'Unseen' ? 'unseen' : isFailure ? 'fails' : message;
	}
}

const checked = assumptions.filter(({ check }) => check).map(({ id }) => id);
/** Those that could make a task, by kind. */
const paidPosts = () => {
	const to = (kind: string) => sandbox.requests.filter(({ path }) => path.endsWith(`/${kind}`));
	const upscales = to('upscale').filter(({ body }) => ((body as Json).workId ?? '1') !== '1');
	return [upscales.length, to('enhance').length];
};

const json = (path: string, body: object, more?: object): Fault[] => [
	{ kind: 'json', path, body, ...more },
];
const at = (path: string, status: number, more?: object): Fault[] => [
	{ kind: 'status', path, status, ...more },
];
const list = (...works: object[]): Fault[] =>
	json(LIST, { history: works.map((one) => ({ works: [{ taskId: 1, createTime: 1, ...one }] })) });
const task = (body: object, path = TASK): Fault[] => json(path, { task: {}, works: [], ...body });
const post = (status: number, more?: object): Fault[] =>
	at('/', status, { method: 'POST', times: 1, body: {}, ...more });
const pass = (times: number, more: object): Fault[] => [{ kind: 'delay', times, ...more }];

const EMPTY = {
	...{ works: [], status_name: 'succeed', status_final: true },
	task: { id: 500000010, taskInfo: { inputs: [{ fromWorkId: Number(SOURCE.workId) }] } },
};
const HEALTHY: Scenario[] = [
	{ live: { spend: false } },
	// Long enough to be seen at every step, on a busy machine too.
	{ jobMs: 1_000, faults: at(NEW_TASK, 404, { times: 2 }) },
	{ accounts: TWO, seeds: [{ ...TOP, email: OTHER }], live: { email: OTHER } },
	{ seeds: Array.from({ length: 12 }, (_, n) => ({ taskId: `${3e8 + n * 2}` })) },
	{ seeds: [VIDEO], live: { spend: false } },
	{ subscription: false },
	{ accounts: [] },
	{ jobMs: 1_000, seeds: [{ ...TOP, upscale: 'fails' }] },
	{ seeds: [{ ...TOP, upscale: 'forbidden' }] },
	{ isFull: true },
	{ tellsPoints: true },
	{ tellsEta: true },
	{ faults: [...pass(1, { path: NEW_TASK }), ...json(NEW_TASK, EMPTY)] },
];

test('of the sandbox nothing fails, and all holds that it can show', async () => {
	const held = new Set<string>();
	for (const [place, scenario] of HEALTHY.entries()) {
		const live = await start(scenario);
		for (const id of checked) {
			const found = await verdict(id, live);
			expect([place, id, found]).not.toEqual([place, id, 'fails']);
			if (found === 'holds') held.add(id);
		}
		await sandbox.close();
	}
	// It is no public API, and no number of answers proves that there is no limit.
	expect(checked.filter((id) => !held.has(id)).sort()).toEqual(['file-https', 'no-rate-limit']);
}, 60_000);

const FINAL = { status_final: true };
const ODD = {
	task: { id: '5', createTime: 1 },
	works: [{ createTime: 5_000 }],
	status_name: 'odd',
};

/** By the assumptions that have to fail there. */
const BROKEN: Record<string, Scenario> = {
	account: { faults: json('/v2/account', {}) },
	'wrong-token': { faults: at('/v2/account', 403) },
	'no-subscription': { faults: at(SCHEDULER, 402) },
	'no-rate-limit': { faults: at(SCHEDULER, 429) },
	'accounts-by-email': { faults: json('/v1/kling/accounts', [{}]) },
	'no-account': { faults: json('/v1/kling/accounts', {}) },
	'max-jobs-range': { faults: json('/v1/kling/accounts', { [EMAIL]: { maxJobs: 51 } }) },
	'email-required': { accounts: TWO, faults: task({}) },
	'other-account': { accounts: TWO },
	'email-optional': { faults: at(TASK, 400) },
	'unknown-account page-size-50': { faults: at(LIST, 400) },
	'unknown-task': { faults: at('/v1/kling/tasks/1$', 410) },
	'scheduler scheduler-lists-running': { faults: json(SCHEDULER, [{}]) },
	'error-words': { faults: at(LIST, 404, { kind: 'html' }) },
	'no-redirect': { faults: at(SCHEDULER, 302, { kind: 'redirect' }) },
	json: { faults: at(SCHEDULER, 200, { kind: 'html' }) },
	'clock-skew': {
		faults: at(SCHEDULER, 404, { headers: { date: 'Thu, 01 Jan 1970 00:00:00 GMT' } }),
	},
	history: { faults: json(LIST, { history: [{ works: [{}] }] }) },
	'newest-first content-type-filter': { faults: list({}, { createTime: 9 }) },
	'page-size': { faults: list({}, {}) },
	'shortest-page': { listPageLimit: 2 },
	'filter-before-page': { seeds: [VIDEO], faults: [...pass(2, { path: LIST }), ...list()] },
	'list-tells-inputs': { live: { spend: false }, faults: list({ type: UPSCALE_TYPE }) },
	'task-tells-inputs': { faults: task(FINAL, NEW_TASK) },
	'task-model three-levels times times-apart image-work status-names': { faults: task(ODD) },
	'ids-are-numbers': { faults: task({ works: [{ taskId: '5' }] }) },
	'success-message': { faults: task({ status_name: 'succeed', message: 'Well' }) },
	'succeed-without-works': { faults: task({ status_name: 'succeed', status_final: false }) },
	'failed-says-why': { faults: task({ status_name: 'failed' }) },
	'while-processing': { faults: task({ status_name: 'processing' }) },
	'eta-time': { faults: task({ task: { createTime: 9 }, status_final: false, etaTime: 5 }) },
	'file-without-token': { faults: at('/', 403, { server: 'cdn' }) },
	'file-type file-content-type clean-file-is-image': { faults: json('/', [], { server: 'cdn' }) },
	'clean-file': { faults: json('/v1/kling/assets/download', {}) },
	'accepted task-id': { faults: post(200, { kind: 'json', body: { task_id: 5 } }) },
	'full-takes-nothing job-limit-body no-retry-after': {
		faults: post(429, { after: true, headers: { 'retry-after': '7' } }),
	},
	'refusal-takes-nothing moderation': { faults: post(500, { after: true }) },
	'not-completed': { faults: [...pass(1, { method: 'POST' }), ...post(404)] },
	'field-errors': { faults: post(200, { kind: 'json' }) },
	'reply-lengths': { faults: [...pass(2, { method: 'POST' }), ...post(404)] },
	balance: { faults: json(ACCOUNT, { balance: {} }) },
	'points-times': {
		faults: json(ACCOUNT, { balance: { points: [{ startTime: 1, endTime: 1 }] } }),
	},
	'scheduler-available': { faults: json('/v1/kling/scheduler/available', { available: [] }) },
	'asset-upload': { faults: post(200, { kind: 'json' }) },
	'enhance-accepted': { faults: [...pass(1, { method: 'POST' }), ...post(200, { kind: 'json' })] },
	'enhance-tells-input-url': { faults: task({ task: { id: 500000010 }, ...FINAL }, NEW_TASK) },
	'trigger-update-time': { faults: task({ task: { updateTime: 5 }, ...FINAL }, NEW_TASK) },
};

test.each(Object.entries(BROKEN))('%s: fails where the API is otherwise', async (ids, scenario) => {
	const live = await start(scenario);
	for (const id of ids.split(' ')) expect([id, await verdict(id, live)]).toEqual([id, 'fails']);
});

/** What takes too long to wait for, or the sandbox cannot do: how the one upscale, or the one enhance, would have gone. */
const IMAGINED: Record<string, object> = {
	'post-time': { post: { tookMs: 300_000 } },
	'time-limit': { post: { atMs: 0 }, looks: [{ atMs: 600_000 }] },
	'early-404': {
		post: { status: 200, text: '', atMs: 0, tookMs: 0 },
		looks: [
			{ status: 404, atMs: 15_000 },
			{ status: 200, atMs: 16_000 },
		],
	},
	'list-shows-new-tasks': { post: { status: 200, text: '' } },
	'asset-costs-nothing': { totals: [500, 400] },
	'points-are-hundredths': { totals: [500, 500, 499] },
	'user-points': { looks: [{ body: { userPoints: { points: [{}], total: 5 } } }], totals: [500] },
	'enhance-reply-url': {
		reference: 'r',
		taskId: '5',
		scheduler: { status: 200, body: [{ id: 5 }] },
	},
	'callback-model': { taskId: '5', callbacks: [{ method: 'GET' }] },
	'callback-several': { callbacks: [{ body: FINAL }, { body: {} }] },
	'callback-reference': { reference: 'r', callbacks: [{ body: { request: { replyRef: 'r' } } }] },
	'callback-lag': {
		callbacks: [{ atMs: 0, body: FINAL }],
		looks: [{ atMs: 60_001, status: 200, body: {} }],
	},
	'read-time': {},
	'file-host': {},
	'file-https': {},
};

test.each(Object.entries(IMAGINED))('%s: fails where it would be so', async (id, paid) => {
	const api = { token: 'user:1', baseUrl: 'https://api.example' };
	const live = new Live({ ...api, spend: true, receive: startReceiver });
	const work = { resource: { resource: 'http://api.example/image.png' } };
	jest.spyOn(live, 'paid').mockResolvedValue(paid as never);
	const answer = { status: 200, text: '' };
	const enhance = { post: answer, looks: [], ...paid };
	const enhanced = { upload: answer, image: 'x', ...paid, paid: enhance };
	jest.spyOn(live, 'enhanced').mockResolvedValue(enhanced as never);
	jest.spyOn(live, 'source').mockResolvedValue({ taskId: '1', work });
	jest.spyOn(live, 'everything').mockResolvedValue([]);
	live.answers.push({ method: 'GET', tookMs: 30_000 } as never);
	expect(await verdict(id, live)).toBe('fails');
});

test('every check can fail', () => {
	const broken = [...Object.keys(BROKEN), ...Object.keys(IMAGINED)].join(' ').split(' ');
	expect(broken.sort()).toEqual([...checked].sort());
});

test.each<[string, Fault, number]>([
	['lost after it took effect', { kind: 'resetAfter' }, 1],
	['replaced by a gateway', { kind: 'html', status: 502, after: true }, 1],
	['lost before it took effect', { kind: 'resetBefore' }, 0],
	['a redirect to the same place', { kind: 'redirect', status: 308 }, 0],
	['a 429', { kind: 'status', status: 429 }, 0],
])('when the answer to the POST is %s, there is no second one', async (_name, fault, made) => {
	const live = await start({ live: { receive: undefined } });
	const headers = { location: `${sandbox.url}/v1/kling/images/upscale` };
	sandbox.addFault({ headers, ...fault, method: 'POST' });
	for (const id of checked) await verdict(id, live);
	const { accepted } = (await call(sandbox, '/_sandbox/state')).body;
	// A task that was made all the same is found by its reference, and watched.
	const isWatched = Boolean((await live.paid()).final);
	expect([paidPosts(), accepted, isWatched]).toEqual([[1, 1], made + 1, made === 1]);
});

test('several accounts: nothing is spent until it is said which one is to pay', async () => {
	const live = await start({ accounts: TWO });
	for (const id of checked) await verdict(id, live);
	expect(paidPosts()).toEqual([0, 0]);
});

test('the command: skips without a token, fails where an assumption does, and tells no secret', async () => {
	await start({});
	const { url, token } = sandbox;
	const bare = token.replace('user:', '');
	const error = `Bearer ${token} (${bare}) of ${EMAIL} at ?email=artist%40x.org`;
	sandbox.addFault({ kind: 'status', status: 400, path: '/v1/kling/tasks/1$', body: { error } });
	const command = async (USEAPI_TOKEN: string) =>
		await promisify(execFile)(process.execPath, ['node_modules/jest/bin/jest.js', '--json'], {
			env: { PATH: process.env.PATH, KLING_TESTS: 'live', USEAPI_TOKEN, USEAPI_BASE_URL: url },
		}).then(
			({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
			({ code, stdout, stderr }) => ({ code, stdout, stderr }),
		);
	const broken = await command(token);
	expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('Bearer (token)') });
	expect(broken.stdout + broken.stderr).not.toMatch(new RegExp(`${bare}|artist|example.com`));
	const [none, healthy, wrong] = await Promise.all(['', token, 'user:9-wrong'].map(command));
	expect(none).toMatchObject({ code: 0, stderr: expect.stringMatching(/^USEAPI_TOKEN is not/) });
	expect(healthy).toMatchObject({ code: 0, stderr: expect.stringContaining('✓ account') });
	expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('refuses the token') });
	expect(wrong.stdout + wrong.stderr).not.toContain('9-wrong');
	expect(paidPosts()).toEqual([0, 0]);
}, 60_000);

import { confirm, type Notice } from '../../../nodes/Kling/trigger/confirm.ts';
import type { KlingApi } from '../../../nodes/Kling/transport/client.ts';
import type { ApiResult } from '../../../nodes/Kling/transport/types.ts';
import { answered } from '../../support/fakes.mts';

const task = (status_name: string, id: unknown = '10') =>
	answered(200, {
		task: { id },
		status_name,
		status_final: status_name === 'succeed',
		works: [{ resource: { resource: 'https://cdn.example/a.png' } }],
	});
const done = task('succeed');
const running = task('processing');
const unknown = answered(404, { error: 'Task 10 not found' });

beforeEach(() => void jest.useFakeTimers({ now: 0 }));
afterEach(() => void jest.useRealTimers());

/** Looks at a task whose answers come from a script; returns what was seen and the second of every look. */
async function look(script: (seconds: number) => ApiResult, changes: Partial<Notice> = {}) {
	const startMs = Date.now();
	const looks: number[] = [];
	const api = {
		getTask: async () => {
			looks.push(Math.round((Date.now() - startMs) / 1000));
			return script((Date.now() - startMs) / 1000);
		},
	} as unknown as KlingApi;
	const seen = confirm(api, {
		key: 'one caller',
		taskId: '10',
		saysFinished: true,
		...changes,
	});
	await jest.advanceTimersByTimeAsync(400_000);
	return { looks, ...(await seen) };
}

test('a finished task is looked at once', async () => {
	const { looks, task: seen } = await look(() => done);
	expect(looks).toEqual([0]);
	expect(seen).toMatchObject({ status: 'succeed' });
});

test.each([
	['429', answered(429, {})],
	['500', answered(500, undefined)],
	['503', answered(503, undefined)],
	['a lost connection', { outcome: 'lost', reason: 'ECONNRESET' } as ApiResult],
	['no connection', { outcome: 'unsent', reason: 'ECONNREFUSED' } as ApiResult],
	['another task', task('succeed', '11')],
	['no task', answered(200, {})],
])('%s is waited out for a minute in growing pauses, and then told', async (_name, problem) => {
	const late = await look((seconds) => (seconds < 50 ? problem : done));
	expect(late.looks).toEqual([0, 2, 6, 14, 30, 60]);
	expect(late.task).toBeDefined();

	const never = await look(() => problem);
	expect(never.looks).toEqual([0, 2, 6, 14, 30, 60]);
	expect(never.problem?.message).toBeTruthy();
});

test('an answer about something else says where to look', async () => {
	const { problem } = await look(() => task('succeed', '11'));
	expect(problem).toEqual({
		message: 'The answer of useapi.net is not about this task',
		description: "If this happens again, check the 'Base URL' of the credential.",
	});
});

test.each([400, 401, 402, 403])('%d is told at once', async (status) => {
	const { looks, problem } = await look(() => answered(status, { error: 'No' }));
	expect(looks).toEqual([0]);
	expect(problem?.httpCode).toBe(String(status));
});

test('a task that is not known is looked at twice', async () => {
	expect(await look(() => unknown)).toMatchObject({
		looks: [0, 2],
		problem: { message: 'Task 10 not found' },
	});
	const later = await look((seconds) => (seconds < 1 ? unknown : done));
	expect(later).toMatchObject({ looks: [0, 2], task: { status: 'succeed' } });
});

test('a task that runs is waited for only when the caller says that it does not', async () => {
	expect((await look(() => running, { saysFinished: false })).looks).toEqual([0]);
	const lagging = await look((seconds) => (seconds < 10 ? running : done));
	expect(lagging).toMatchObject({ looks: [0, 2, 6, 14], task: { status: 'succeed' } });
	const forged = await look(() => running);
	expect(forged).toMatchObject({
		looks: [0, 2, 6, 14, 30, 60],
		task: { status: 'processing' },
	});
});

test('Retry-After is heeded, up to a minute', async () => {
	const busy = (retryAfterMs: number) => (seconds: number) =>
		seconds < 1 ? answered(429, {}, retryAfterMs) : done;
	expect((await look(busy(10_000))).looks).toEqual([0, 10]);
	expect((await look(busy(3_600_000))).looks).toEqual([0, 60]);
});

test('of callers about the same task one waits for all of them', async () => {
	let looks = 0;
	const api = {
		getTask: async () => (looks++, Date.now() < 5_000 ? running : done),
	} as unknown as KlingApi;
	const notice = { key: 'trigger:10', taskId: '10', saysFinished: true };
	const all = Promise.all([1, 2, 3].map(async () => await confirm(api, notice)));
	await jest.advanceTimersByTimeAsync(100_000);
	const finished = (await all).map((seen) => seen.task?.finished);
	expect(finished.toSorted()).toEqual([false, false, true]);
	expect(looks).toBe(3 + 2);
});

test('a success without any file may still fill, for a quarter of a minute', async () => {
	const empty = answered(200, { task: { id: '10' }, status_name: 'succeed', works: [] });
	const full = answered(200, {
		task: { id: '10' },
		status_name: 'succeed',
		works: [{ resource: { resource: 'https://cdn.example/a.png' } }],
	});
	const filled = await look((seconds) => (seconds < 5 ? empty : full));
	expect(filled).toMatchObject({ looks: [0, 2, 6], task: { images: [{}] } });
	expect(await look(() => empty)).toMatchObject({ looks: [0, 2, 6, 14], task: { images: [] } });
});

describe('in a flood', () => {
	/** So many calls at once, all with the same answer; how often it was asked at once, and after the first pause. */
	async function flood(calls: number, answer: ApiResult) {
		let looks = 0;
		const api = { getTask: async () => (looks++, answer) } as unknown as KlingApi;
		const all = Array.from(
			{ length: calls },
			async (_, call) =>
				await confirm(api, { key: `call ${call}`, taskId: '10', saysFinished: true }),
		);
		await jest.advanceTimersByTimeAsync(0);
		const atOnce = looks;
		await jest.advanceTimersByTimeAsync(2_000);
		return { all, atOnce, again: looks - atOnce };
	}
	const inAMoment = (seconds: number) => (seconds < 1 ? answered(503, {}) : done);

	test('of unknown tasks five calls wait, the others are told at once, and true ones still wait', async () => {
		const { all, atOnce, again } = await flood(500, unknown);
		expect([atOnce, again]).toEqual([500, 5]);
		const during = flood(500, unknown);
		expect((await look(inAMoment)).task).toBeDefined();
		for (const calls of [all, (await during).all]) {
			expect((await Promise.all(calls)).every(({ problem }) => problem)).toBe(true);
		}
	});

	test('of calls that meet problems with the API 150 wait, and make room when they are done', async () => {
		const { all, atOnce, again } = await flood(500, answered(503, {}));
		expect([atOnce, again]).toEqual([500, 150]);
		expect((await look(inAMoment)).problem).toBeDefined();
		expect((await Promise.all(all)).every(({ problem }) => problem)).toBe(true);
		expect((await look(inAMoment)).task).toBeDefined();
	});
});

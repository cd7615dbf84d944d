import {
	fetchTask,
	fetchTaskOnce,
	getTask,
	runningJobs,
	TaskLooks,
	type Grace,
	type Look,
	type Verdict,
} from '../../../nodes/Kling/tasks/fetchTask.ts';
import type { ApiResult } from '../../../nodes/Kling/transport/types.ts';
import {
	answered,
	contextOf,
	done,
	empty,
	lost,
	missing,
	realTime,
	running,
	START_MS,
	through,
	unsent,
	virtualTime,
} from '../../support/fakes.mts';

/** What the API's answers about one task mean. */

beforeEach(virtualTime);
afterEach(realTime);

/** Gives these answers in turn; the last one stays. */
function apiOf(...answers: ApiResult[]) {
	const asked: Array<[string, string?]> = [];
	const getTask = async (taskId: string, email?: string) => {
		asked.push([taskId, email]);
		return answers.length > 1 ? answers.shift()! : answers[0];
	};
	return { api: contextOf({ getTask }).api, context: contextOf({ getTask }), asked };
}
const lookAt = async (answer: ApiResult): Promise<Look> =>
	await fetchTaskOnce(apiOf(answer).api, { taskId: '1' });

describe('one answer', () => {
	test('that shows a task is read', async () => {
		const { api, asked } = apiOf(done);
		const look = await fetchTaskOnce(api, { taskId: '1', account: 'a@b.c' });
		expect(look).toMatchObject({ task: { status: 'succeed', finished: true } });
		expect(asked).toEqual([['1', 'a@b.c']]);
	});

	test.each<[string, ApiResult, string, string]>([
		['404', missing, 'missing', 'No such task'],
		['400', answered(400, { error: 'No' }), 'final', 'No'],
		['401', answered(401, {}), 'final', 'The API token was refused'],
		['429', answered(429, { error: 'Slow down' }), 'transient', 'Slow down'],
		['503', answered(503, { error: 'Down' }), 'transient', 'Down'],
		['a lost answer', lost, 'transient', 'useapi.net gave no usable answer (ECONNRESET)'],
		['no connection', unsent, 'transient', 'Could not connect to useapi.net (ECONNREFUSED)'],
		['no task', answered(200, { hello: 1 }), 'transient', 'The answer of useapi.net is not a task'],
	])('%s', async (_name, answer, is, message) => {
		expect(await lookAt(answer)).toMatchObject({ is, problem: { message }, retryAfterMs: 0 });
	});

	test.each([answered(429, {}, 7_000), answered(404, {}, 7_000), answered(200, {}, 7_000)])(
		'tells when to come back: %j',
		async (answer) => expect(await lookAt(answer)).toMatchObject({ retryAfterMs: 7_000 }),
	);
});

describe('looks at a task that is known since 0 s', () => {
	const GRACE: Grace = { missingMs: 15_000, missingLooks: 3, emptyMs: 10_000 };

	/** What each look means, by its second and its answer. */
	async function verdicts(looks: Array<[second: number, ApiResult]>, grace?: Grace) {
		const task = new TaskLooks(START_MS, grace);
		const told: Verdict[] = [];
		for (const [second, answer] of looks) {
			const look = await lookAt(answer);
			jest.setSystemTime(START_MS + second * 1000);
			told.push(task.classify(look));
		}
		return told;
	}
	const busy = answered(503, {});
	const refused = answered(401, {});

	test.each<[string, Array<[number, ApiResult]>, Verdict[]]>([
		[
			'it runs, then it has finished',
			[
				[0, running],
				[1, done],
			],
			['found', 'found'],
		],
		['it failed', [[0, answered(200, { status_name: 'failed' })]], ['found']],
		[
			'a problem that passes',
			[
				[0, busy],
				[1, lost],
				[2, running],
			],
			['transient', 'transient', 'found'],
		],
		['a problem that stays', [[0, refused]], ['final']],
		[
			'unknown within 15 s, however often',
			[
				[0, missing],
				[5, missing],
				[10, missing],
				[14.999, missing],
			],
			['tooNew', 'tooNew', 'tooNew', 'tooNew'],
		],
		[
			'unknown for longer',
			[
				[0, missing],
				[5, missing],
				[15, missing],
			],
			['tooNew', 'tooNew', 'final'],
		],
		[
			'unknown later on: three times in a row',
			[
				[20, missing],
				[21, missing],
				[22, missing],
			],
			['tooNew', 'tooNew', 'final'],
		],
		[
			'unknown now and then',
			[
				[20, missing],
				[21, busy],
				[22, missing],
				[23, missing],
				[24, missing],
			],
			['tooNew', 'transient', 'tooNew', 'tooNew', 'final'],
		],
		[
			'there, and then unknown: it was deleted',
			[
				[0, running],
				[1, missing],
			],
			['found', 'final'],
		],
		[
			'unknown, there, unknown',
			[
				[20, missing],
				[21, done],
				[22, missing],
			],
			['tooNew', 'found', 'final'],
		],
		[
			'a success without a file counts once it stays for 10 s',
			[
				[3, empty],
				[12.999, empty],
				[13, empty],
			],
			['tooNew', 'tooNew', 'found'],
		],
		[
			'from its first look on',
			[
				[3, empty],
				[8, busy],
				[13, empty],
			],
			['tooNew', 'transient', 'found'],
		],
		[
			'a success gets its file',
			[
				[3, empty],
				[4, done],
			],
			['tooNew', 'found'],
		],
	])('%s', async (_name, looks, expected) => {
		expect(await verdicts(looks, GRACE)).toEqual(expected);
		// What is usual.
		expect(await verdicts(looks)).toEqual(expected);
	});

	test('how long to retry is the caller’s', async () => {
		const looks: Array<[number, ApiResult]> = [
			[0, missing],
			[0, missing],
			[0, empty],
		];
		const none = { missingMs: 0, missingLooks: 2, emptyMs: 0 };
		expect(await verdicts(looks, none)).toEqual(['tooNew', 'final', 'found']);
	});

	test('whether the API has shown it is known', async () => {
		const looks = new TaskLooks(START_MS);
		looks.classify(await lookAt(busy));
		expect(looks.wasSeen).toBe(false);
		looks.classify(await lookAt(running));
		expect(looks.wasSeen).toBe(true);
	});
});

test('a look that may be repeated asks again while the answer may pass, and no more', async () => {
	const passing = apiOf(answered(503, {}), lost, done);
	const ref = { taskId: '1', account: 'a@b.c' };
	expect((await through(fetchTask(passing.context, ref))).task?.status).toBe('succeed');
	expect(passing.asked).toEqual(Array(3).fill(['1', 'a@b.c']));
	const gone = apiOf(missing);
	expect(await through(fetchTask(gone.context, ref))).toMatchObject({ is: 'missing' });
	expect(gone.asked).toHaveLength(1);
});

test('whoever needs the task gets it, or an error that names it', async () => {
	const ref = { taskId: '17', itemIndex: 3 };
	const { context } = apiOf(running);
	expect(await through(getTask(context, ref))).toMatchObject({ status: 'processing' });
	await expect(through(getTask(apiOf(missing).context, ref))).rejects.toMatchObject({
		message: 'No such task',
		context: { itemIndex: 3 },
		problem: { httpCode: '404', details: { taskId: '17' } },
	});
});

test.each<[string, ApiResult, string[] | undefined]>([
	[
		'the jobs that run',
		answered(200, [{ id: 1 }, { id: '9007199254740993' }]),
		['1', '9007199254740993'],
	],
	['none', answered(200, []), []],
	['entries that name no job', answered(200, [{}, null, 7, { id: {} }]), []],
	['no list', answered(200, { jobs: [] }), undefined],
	['no answer', lost, undefined],
	['a refusal', answered(403, [{ id: 1 }]), undefined],
])('the list of running jobs: %s', async (_name, answer, ids) => {
	const { api } = contextOf({ getRunningJobs: async () => answer });
	expect(await runningJobs(api)).toEqual(ids && new Set(ids));
});

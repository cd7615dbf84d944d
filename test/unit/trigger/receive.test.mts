import type { IDataObject, IWebhookFunctions } from 'n8n-workflow';

import { receive } from '../../../nodes/Kling/trigger/receive.ts';
import { n8nWith, realTime, virtualTime } from '../../support/fakes.mts';

/** What Kling Trigger makes of a call, with the minutes that it may wait passing at once. On n8n's engine: test/engine. */

beforeEach(virtualTime);
afterEach(realTime);

const task = (status: string, more: object = {}) => ({
	task: { id: 5 },
	status_name: status,
	status_final: ['succeed', 'failed'].includes(status),
	works: [{ resource: { resource: 'https://cdn.example/a.png' } }],
	...more,
});

interface Setup {
	parameters?: IDataObject;
	/** What the API says of the task, or of others. */
	api?: object;
	statusCode?: number;
	mode?: string;
	/** Whether n8n itself fails. */
	isBroken?: boolean;
}

let workflows = 0;

/** A trigger of a workflow of its own, and an API that always says the same. */
function trigger(setup: Setup = {}) {
	const { parameters = {}, api = task('succeed'), statusCode, mode = 'webhook' } = setup;
	const id = `workflow ${workflows++}`;
	const asked: string[] = [];
	const log: string[] = [];
	const answers: unknown[] = [];
	const staticData: IDataObject = {};
	const contextOf = (body: object) =>
		n8nWith<IWebhookFunctions>(
			{
				node: { name: 'Kling Trigger', type: 'klingTrigger' },
				parameters: { events: ['succeed', 'failed'], ...parameters },
				log,
				serve({ url }) {
					if (url.startsWith('https://cdn.example')) return new Error('The file is gone');
					asked.push(url);
					return { text: JSON.stringify(api), statusCode };
				},
			},
			{
				getWorkflow() {
					if (setup.isBroken) throw new Error('n8n is broken');
					return { id };
				},
				getWorkflowStaticData: () => staticData,
				getMode: () => mode,
				getRequestObject: () => ({ rawBody: Buffer.from(JSON.stringify(body)) }),
				getResponseObject: () => ({
					status: (status: number) => ({
						json: (body: unknown) => void answers.push([status, body]),
					}),
				}),
			},
		);
	const call = async (body: object) => {
		const answer = receive(contextOf(body));
		await jest.advanceTimersByTimeAsync(120_000);
		return (await answer).workflowData?.[0].map(({ json }) => json);
	};
	return { call, asked, log, answers, staticData };
}

test('one who says that a task is finished which runs starts nothing, and the log says why', async () => {
	const { call, asked, log } = trigger({ api: task('processing') });
	expect(await call(task('succeed'))).toBeUndefined();
	expect(asked).toHaveLength(6);
	expect(log).toEqual([
		'warn: "Kling Trigger" started nothing for task 5: the call says that it is finished, useapi.net says that it still runs',
	]);
});

test('one who says nothing of it is no news for the log', async () => {
	const { call, asked, log } = trigger({ api: task('processing') });
	expect(await call({ task: { id: 5 } })).toBeUndefined();
	expect([asked.length, log]).toEqual([1, []]);
});

test('nor is an end that is not among the events', async () => {
	const { call, log } = trigger({ parameters: { events: ['failed'] } });
	expect(await call(task('succeed'))).toBeUndefined();
	expect(log).toEqual([]);
});

test('progress starts the workflow where it is among the events', async () => {
	const { call } = trigger({ parameters: { events: ['progress'] }, api: task('processing') });
	expect(await call(task('processing'))).toMatchObject([{ taskId: '5', status: 'processing' }]);
});

test.each(['x5', '5x', '5 5', '1'.repeat(31), ''])('%j is no task to ask about', async (id) => {
	const { call, asked, log } = trigger();
	expect(await call(task('succeed', { task: { id } }))).toBeUndefined();
	expect([asked, log]).toEqual([[], []]);
});

test('an id of thirty digits is one', async () => {
	const { call, asked } = trigger();
	await call(task('succeed', { task: { id: '1'.repeat(30) } }));
	expect(asked[0]).toMatch(/\/tasks\/1{30}$/);
});

test('spaces around a reference make no difference', async () => {
	const { call } = trigger({ parameters: { replyRef: ' order-1' } });
	expect(await call(task('succeed', { replyRef: 'order-1 ' }))).toHaveLength(1);
});

test('a call without the wanted reference is passed over without a word', async () => {
	const { call, asked, log } = trigger({ parameters: { replyRef: 'order-1' } });
	expect(await call(task('succeed'))).toBeUndefined();
	expect([asked, log]).toEqual([[], []]);
});

test('a day old is too old, a little less is not', async () => {
	const made = (agoMs: number) =>
		task('succeed', { task: { id: 5, updateTime: Date.now() - agoMs } });
	const day = 24 * 3_600_000;
	expect(await trigger({ api: made(day) }).call(task('succeed'))).toBeUndefined();
	expect(await trigger({ api: made(day - 1_000) }).call(task('succeed'))).toHaveLength(1);
});

test('what was started is kept, but not at the Test URL', async () => {
	const live = trigger();
	await live.call(task('succeed'));
	expect(live.staticData).toEqual({ started: { '5 succeed': expect.any(Number) } });
	const tested = trigger({ mode: 'manual' });
	expect(await tested.call(task('succeed'))).toHaveLength(1);
	expect(await tested.call(task('succeed'))).toHaveLength(1);
	expect(tested.staticData).toEqual({});
});

test('whoever calls gets the same answer, and where n8n fails nothing starts', async () => {
	const { call, answers, log } = trigger({ isBroken: true });
	expect(await call(task('succeed'))).toBeUndefined();
	expect(await call({ hello: 'world' })).toBeUndefined();
	expect(answers).toEqual([
		[200, { received: true }],
		[200, { received: true }],
	]);
	expect(log).toEqual(['warn: "Kling Trigger" could not handle a call: n8n is broken']);
});

test('a failed task starts the workflow where that is among the events', async () => {
	const { call, staticData } = trigger({
		parameters: { events: ['failed'] },
		api: task('failed', { works: [] }),
	});
	expect(await call(task('failed'))).toMatchObject([{ taskId: '5', status: 'failed' }]);
	expect(staticData.started).toEqual({ '5 failed': expect.any(Number) });
});

test.each<[string, string[], object, number]>([
	['progress', ['succeed', 'failed'], task('processing'), 0],
	['progress', ['progress'], task('processing'), 1],
	['an end', ['progress'], task('succeed'), 0],
	['an end', ['progress', 'succeed'], task('succeed'), 1],
	['nothing', [], { task: { id: 5 } }, 0],
	['nothing', ['succeed'], { task: { id: 5 } }, 1],
])('a call that tells of %s is looked into only for %j', async (_what, events, body, looks) => {
	const { call, asked } = trigger({ parameters: { events }, api: task('submitted') });
	const calling = call(body);
	await jest.advanceTimersByTimeAsync(0);
	expect(asked).toHaveLength(looks);
	await calling;
});

test('each status that a task passes starts it once', async () => {
	const api = task('submitted');
	const { call } = trigger({ parameters: { events: ['progress'] }, api });
	const body = task('processing');
	expect(await call(body)).toHaveLength(1);
	expect(await call(body)).toBeUndefined();
	Object.assign(api, task('processing'));
	expect(await call(body)).toHaveLength(1);
});

test('calls about two tasks at once are two questions', async () => {
	const { call, asked } = trigger();
	const both = ['5', '6'].map((id) => call(task('succeed', { task: { id } })));
	await Promise.all(both);
	expect(new Set(asked.map((url) => url.split('/').pop()))).toEqual(new Set(['5', '6']));
});

test.each([
	[404, 'info'],
	[403, 'warn'],
])('a %i of the API starts nothing, and is worth the log level %s', async (statusCode, level) => {
	const { call, log } = trigger({ statusCode, api: { error: 'No' } });
	expect(await call(task('succeed'))).toBeUndefined();
	expect(log).toEqual([`${level}: "Kling Trigger" started nothing for task 5: No`]);
});

test('the item has the account and as much of the reference as useapi.net allows', async () => {
	const { call } = trigger({ parameters: { account: 'a@b.c' } });
	const [item] = (await call(task('succeed', { replyRef: 'x'.repeat(2_000) })))!;
	expect(item).toMatchObject({ account: 'a@b.c', replyRef: 'x'.repeat(1_024) });
});

test('a file that cannot be had does not lose the result', async () => {
	const { call } = trigger({ parameters: { download: true } });
	const [item] = (await call(task('succeed')))!;
	expect(item).toMatchObject({ taskId: '5', imageUrl: 'https://cdn.example/a.png' });
	expect(item.downloadError).toEqual(expect.any(String));
});

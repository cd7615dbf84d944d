import { openContext, openExecution } from '../../../nodes/Kling/runtime/context.ts';
import {
	answered,
	FakeExecution,
	FakeKling,
	realTime,
	running,
	through,
	virtualTime,
} from '../../support/fakes.mts';

/** What one call of the node shares. */

beforeEach(virtualTime);
afterEach(realTime);

const opened = async (kling = new FakeKling()) =>
	await openExecution(new FakeExecution(kling).context());

test('an execution ends when the user cancels it, a webhook call cannot be canceled', async () => {
	const user = new AbortController();
	const execution = new FakeExecution(new FakeKling(), { signal: user.signal });
	const context = await openExecution(execution.context());
	const call = await openContext(execution.webhook({}, []).context);
	user.abort();
	expect(context.cancellation.isCanceled).toBe(true);
	expect(call.cancellation.isCanceled).toBe(false);
});

test('errors of both are about the node', async () => {
	const execution = new FakeExecution(new FakeKling(), {
		node: { name: 'My Kling' },
		signal: AbortSignal.abort(),
	});
	const context = await openExecution(execution.context());
	expect(context.node.name).toBe('My Kling');
	expect(context.cancellation.reason).toMatchObject({ node: { name: 'My Kling' } });
	expect((await openContext(execution.webhook({}, []).context)).node.name).toBe('My Kling');
});

/** How many of these works run at once. */
async function peakOf(works: number, work: (settle: () => Promise<void>) => Promise<unknown>) {
	let active = 0;
	let peak = 0;
	const settle = async () => {
		peak = Math.max(peak, ++active);
		await new Promise((resolve) => setTimeout(resolve, 1_000));
		active--;
	};
	await through(Promise.all(Array.from({ length: works }, async () => await work(settle))));
	return peak;
}

test('at most 10 tasks and lists are read at once, and 4 files downloaded', async () => {
	const kling = new FakeKling();
	const { api, downloads } = await opened(kling);
	const peakOfReads = await peakOf(30, async (settle) => {
		kling.api.getTask = async () => (await settle(), running);
		kling.api.getTasks = async () => (await settle(), answered(200, { history: [] }));
		await Promise.all([api.getTask('1'), api.getTasks({})]);
	});
	expect(peakOfReads).toBe(10);
	expect(await peakOf(30, async (settle) => await downloads.run(settle))).toBe(4);
});

test('calls that share their number ask for what they are asked for', async () => {
	const kling = new FakeKling();
	const { api } = await opened(kling);
	const asked: unknown[] = [];
	kling.api.getTask = async (...parameters) => (asked.push(parameters), running);
	kling.api.getTasks = async (query) => (asked.push(query), answered(200, {}));
	expect(await api.getTask('17', 'a@b.c')).toMatchObject({ status: 200 });
	expect(await api.getTasks({ pageSize: 5 })).toMatchObject({ status: 200 });
	expect(asked).toEqual([['17', 'a@b.c'], { pageSize: 5 }]);
});

test('a job is not kept waiting by what is read', async () => {
	const kling = new FakeKling();
	const { api } = await opened(kling);
	kling.api.getTask = async () => await new Promise(() => {});
	for (let read = 0; read < 20; read++) void api.getTask('1');
	await through(api.submit('upscale', { task_id: '1', workId: '2' }));
	expect(kling.count('POST')).toBe(1);
});

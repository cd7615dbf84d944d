// What a task looks like.
import model from '../../contract/documented/model.json';
import { isNewField, misfits } from '../../contract/support/shapes.mts';
import type { Json } from '../../contract/support/documented.mts';
import { need, NEEDS_TASK, test } from '../assumption.mts';
import { told, type Live } from '../live.mts';

const FINAL = ['succeed', 'failed'];
const NAMES = ['submitted', 'processing', ...FINAL];
const TIMES_APART_MS = 1_000;
/** Seconds for milliseconds, or the like, would be far off. */
const LONGEST_TASK_MS = 86_400_000;

/** Every task that was seen. */
async function tasksSeen(live: Live): Promise<Json[]> {
	const bodies = (await live.everything()).filter(({ status }) => status === 200);
	return bodies.map(({ body }) => body).filter((body) => body?.task);
}

const levelsOf = ({ task, works, ...top }: Json): Json[] => [top, task, ...(works ?? [])];

test('task-model (D): GET /v1/kling/tasks/{task_id} answers with the documented Model', async (live) =>
	expect(misfits(await live.task(), model).filter((misfit) => !isNewField(misfit))).toEqual([]));
test('three-levels (V): status, status_name and status_final stand at the top, in task and in each work', async (live) => {
	for (const { status, status_name, status_final } of levelsOf(await live.task())) {
		expect([status, status_name, status_final]).not.toContain(undefined);
	}
});
test('status-names (D): a status is submitted, processing, succeed or failed; only the last two are final', async (live) => {
	const listed: Json[] = (await live.everything()).flatMap(({ body }) => body?.history ?? []);
	const levels = [...(await tasksSeen(live)), ...listed].flatMap(levelsOf);
	const named = levels.filter((level) => level?.status_name !== undefined);
	need(named.length > 0, NEEDS_TASK);
	for (const { status_name, status_final } of named) {
		expect(NAMES).toContain(status_name);
		const isFinal = FINAL.includes(status_name);
		expect([status_name, status_final ?? isFinal]).toEqual([status_name, isFinal]);
	}
});
test('ids-are-numbers (D): ids come as numbers', async (live) => {
	await live.task();
	const texts = (await live.everything()).filter(({ status }) => status === 200);
	const ids = texts.flatMap(({ text }) => [...text.matchAll(/"(?:taskId|workId)"\s*:\s*(.)/g)]);
	need(ids.length > 0, NEEDS_TASK);
	for (const [, first] of ids) expect(first).toMatch(/\d/);
});
test('times (D): times are epoch milliseconds', async (live) => {
	const { createTime, updateTime } = (await live.task()).task;
	need(createTime !== undefined, 'the task tells no createTime');
	// Kling is no older, and seconds or microseconds would be far off.
	const years = [createTime, updateTime ?? createTime].map((time) => new Date(time).getFullYear());
	for (const year of years) expect(year >= 2024 && year < 2100).toBe(true);
});
test('times-apart (own): the times at which a task and its works were made are at most a second apart', async (live) => {
	const { task, works } = await live.task();
	const times = [task, ...works].map(({ createTime }) => createTime).filter(Number.isFinite);
	need(times.length > 1, NEEDS_TASK);
	expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(TIMES_APART_MS);
});
test('image-work (V): a finished image work has workId, contentType "image" and resource with link and size', async (live) => {
	const [image] = (await live.task()).works;
	expect([image.contentType, typeof image.workId]).toEqual(['image', expect.any(String)]);
	const { resource, width, height } = image.resource;
	expect([resource, width > 0, height > 0]).toEqual([expect.stringMatching(/^http/), true, true]);
});
test('success-message (own): the message of a success is "success" or empty', async (live) => {
	const { status_name, message } = await live.task();
	need(status_name === 'succeed', NEEDS_TASK);
	expect(message ?? '').toMatch(/^(success)?$/i);
});
test('unknown-task (V): a task that does not exist is a 404', async (live) =>
	expect(told(await live.unknownTask())).toMatch(/^HTTP 404\b/));
test('succeed-without-works (V): a task can succeed with empty works', async (live) => {
	const done = (await tasksSeen(live)).filter(({ status_name }) => status_name === 'succeed');
	const empty = done.find(({ works }) => !works?.length);
	need(empty, 'no such task was met');
	expect(empty.status_final).toBe(true);
});
test('failed-says-why (own): a failed task says why in error, at the top', async (live) => {
	const failed = (await tasksSeen(live)).find(({ status_name }) => status_name === 'failed');
	need(failed, 'no task failed');
	expect(failed.error).toMatch(/./);
});
test('while-processing (own): while processing, works has one unfinished work with an empty link', async (live) => {
	const running = (await tasksSeen(live)).filter(({ status_name }) => status_name === 'processing');
	need(running.length > 0, 'needs KLING_SPEND=1, and a look while the task is processing');
	for (const { works } of running) expect(works).toMatchObject([{ resource: { resource: '' } }]);
});
test('eta-time (T): while a task runs, etaTime is the epoch ms of its expected end', async (live) => {
	const running = (await tasksSeen(live)).filter(
		({ status_final, etaTime }) => status_final === false && etaTime > 0,
	);
	need(running.length > 0, 'needs KLING_SPEND=1, and a look while the task is processing');
	for (const { task, etaTime } of running) {
		expect(etaTime > task.createTime && etaTime < task.createTime + LONGEST_TASK_MS).toBe(true);
	}
});

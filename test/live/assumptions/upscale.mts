// What one paid upscale shows, from its POST to its end.
import model from '../../contract/documented/model.json';
import { isNewField, misfits } from '../../contract/shapes.mts';
import { need, test } from '../assumption.mts';
import { told, type Live } from '../live.mts';
import { idOf, isFinal, jobsOf, MINUTE_MS, type Paid } from '../paid.mts';

const EARLY_404_MS = 15_000;

/** For what an accepted POST shows. */
async function accepted(live: Live): Promise<Paid> {
	const paid = await live.paid();
	need(paid.post.status === 200, `the POST was not accepted: ${told(paid.post)}`);
	return paid;
}

test('accepted (D): an accepted POST answers 200 with the Model, submitted, and empty works', async (live) => {
	const { body } = (await accepted(live)).post;
	expect(misfits(body, model).filter((misfit) => !isNewField(misfit))).toEqual([]);
	expect(body).toMatchObject({ status_name: 'submitted', works: [] });
});
test("task-id (V): the new task's id is task.id; there is no task_id at the top", async (live) => {
	const { body } = (await accepted(live)).post;
	expect([idOf(body), body.task_id]).toEqual([expect.any(String), undefined]);
});
test('post-time (own): a POST is answered within 300 seconds', async (live) => {
	const { lost, tookMs } = (await live.paid()).post;
	need(!lost || tookMs >= 300_000, 'the answer to the POST was lost');
	expect(tookMs).toBeLessThan(300_000);
});
test('early-404 (T): right after its creation a task can be unknown, for less than 15 seconds', async (live) => {
	const { post, looks } = await accepted(live);
	const found = looks.findIndex(({ status }) => status === 200);
	const early = looks.slice(0, Math.max(0, found)).filter(({ status }) => status === 404);
	need(early.length > 0, 'it was there at the first look, which proves nothing');
	expect(early.at(-1)!.atMs - post.atMs - post.tookMs).toBeLessThan(EARLY_404_MS);
});
test('time-limit (own): an upscale is finished within 600 seconds', async (live) => {
	const { post, looks, final } = await live.paid();
	const tookMs = (looks.at(-1)?.atMs ?? 0) - post.atMs;
	need(final || tookMs >= 600_000, 'the upscale was not seen to its end');
	expect(tookMs).toBeLessThan(600_000);
});
test('trigger-update-time (I): task.updateTime is the time of the last change, in epoch milliseconds', async (live) => {
	const end = (await live.paid()).looks.find(({ body }) => isFinal(body));
	need(end?.body.task?.updateTime, 'needs a finished upscale that tells its updateTime');
	expect(Math.abs(end.atMs - end.body.task.updateTime)).toBeLessThan(60 * MINUTE_MS);
});
test("clock-skew (own): the API's clock and this machine's are less than two minutes apart", async (live) => {
	const made = live.options.spend ? (await live.paid()).post.body?.task?.createTime : undefined;
	for (const { headers, atMs, tookMs } of await live.everything()) {
		const date = Date.parse(headers.get('date')!);
		expect(Math.abs(date - atMs)).toBeLessThan(2 * MINUTE_MS + tookMs);
	}
	if (made) expect(Math.abs(made - (await live.paid()).post.atMs)).toBeLessThan(2 * MINUTE_MS);
});
test('scheduler-lists-running (D): GET /v1/kling/scheduler lists a job that was just accepted, by its task id', async (live) => {
	const { scheduler, taskId, looks } = await accepted(live);
	need(scheduler.status === 200, told(scheduler));
	need(!isFinal(looks[0]?.body), 'the task was finished at once');
	expect(jobsOf(scheduler).map(({ id }) => String(id))).toContain(taskId);
});
test('list-shows-new-tasks (V): GET /v1/kling/tasks shows a task within a minute of its acceptance, whatever its state', async (live) => {
	const { listed } = await accepted(live);
	need(!listed?.wasFinal, 'it was in the list only when it was finished');
	expect(listed?.afterMs).toBeLessThan(MINUTE_MS);
});

// The list of tasks, which the pickers read page by page.
import { need, NEEDS_TASK, test, unseen } from '../assumption.mts';
import { entryOf, TASKS, UPSCALE_TYPE, type Entry, type Live } from '../live.mts';

const MIN_CUT = 10;
const NEEDS_TWO = 'needs two image tasks of different times in the account';

const times = async (live: Live): Promise<number[]> =>
	(await live.images()).map(({ createTime }) => createTime).filter(Number.isFinite);

function some<T>(list: T[]): T[] {
	need(list.length > 0, NEEDS_TASK);
	return list;
}

test('history (D): GET /v1/kling/tasks is an object with history, whose entries have the works of one task', async (live) => {
	for (const { taskId, works } of some(await live.images())) {
		expect(taskId).toBeDefined();
		for (const work of works) expect(String(work.taskId)).toBe(taskId);
	}
});
test('newest-first (D): history begins with the newest task', async (live) => {
	const listed = await times(live);
	need(new Set(listed).size > 1, NEEDS_TWO);
	expect(listed).toEqual([...listed].sort((a, b) => b - a));
});

/** An upscale that was paid for here is known to be of the source; of another any image will do. */
async function expectInputs(live: Live, inputs: Entry['inputs']) {
	const source = live.options.spend && String((await live.source()).work.workId);
	const of = inputs.map(({ fromWorkId }) => String(fromWorkId ?? 'none'));
	expect(of).toContainEqual(source || expect.stringMatching(/^\d+$/));
}

/** The upscale that was paid for here, or else the newest in the list. */
async function upscaleListed(live: Live): Promise<Entry> {
	const ours = live.options.spend ? (await live.paid()).listed?.entry : undefined;
	const found = ours ?? (await live.images()).find(({ type }) => type === UPSCALE_TYPE);
	return found ?? unseen('needs an upscale in the account, or KLING_SPEND=1');
}

test('list-tells-inputs (D): an entry of history tells by fromWorkId which image an upscale is of', async (live) =>
	await expectInputs(live, (await upscaleListed(live)).inputs));
test('task-tells-inputs (D): GET /tasks/{id} of an upscale tells by fromWorkId which image it is of', async (live) => {
	const { taskId } = await upscaleListed(live);
	const task = await live.read(`${TASKS}/${taskId}`, await live.email());
	await expectInputs(live, entryOf(task).inputs);
});
test('content-type-filter (D): contentType=image leaves out everything but images', async (live) => {
	for (const { contentType } of some((await live.images()).flatMap(({ works }) => works))) {
		expect(contentType).toBe('image');
	}
});
test('filter-before-page (own): contentType filters before a page is cut off', async (live) => {
	const [newest] = await live.tasks();
	const isImage = newest?.works.some(({ contentType }) => contentType === 'image');
	const reason = 'needs a newest task that is no image, and an image task before it';
	need(newest && !isImage && (await live.images()).length > 0, reason);
	expect((await live.images({ pageSize: '1' })).length).toBe(1);
});
test('shortest-page (own): a page of fewer than 10 tasks with nothing older is the end of the list', async (live) => {
	const page = await live.images();
	if (page.length >= MIN_CUT) return;
	const known = page.map(({ taskId }) => taskId);
	const oldest = Math.min(...some(await times(live)));
	const older = await live.images({ createdBefore: String(oldest) });
	expect(older.filter(({ taskId }) => !known.includes(taskId))).toEqual([]);
	need(false, `needs ${MIN_CUT} image tasks`);
});
test('page-size-50 (own): a page of 50 tasks may be asked for', async (live) =>
	expect((await live.images()).length).toBeLessThanOrEqual(50));
test('page-size (D): pageSize is the number of tasks on a page', async (live) => {
	need((await live.images()).length > 1, NEEDS_TWO);
	expect((await live.images({ pageSize: '1' })).length).toBe(1);
});

// The list of tasks, which the pickers read page by page.
import { createTimesMs } from '../../../nodes/Kling/job/history.ts';
import {
	API_DOC,
	confirmed,
	judge,
	judgeStatus,
	NEEDS_TASK,
	refuted,
	SANDBOX_DOC,
	unseen,
	type Assumption,
} from '../assumption.mts';
import { entriesOf } from '../history.mts';
import { told } from '../seen.mts';

const PAGE_SIZE = 50;
const DEFAULT_PAGE_SIZE = 20;
const LIST = 'nodes/Kling/job/history.ts';
const PICKERS = 'nodes/Kling/methods/listSearch.ts';
const MIN_CUT = 10;
const TIMES_APART_MS = 1_000;
const NEEDS_TWO = 'needs two image tasks of different times in the account';

export const listAssumptions: Assumption[] = [
	{
		id: 'history',
		text: 'GET /v1/kling/tasks is an object with history, whose entries have the works of one task.',
		mark: 'D',
		source: { file: API_DOC, words: '`{history:[{works:[…]}]}`' },
		builtOn: { file: LIST, words: 'Array.isArray(history)' },
		check(seen) {
			if (!seen.body('tasks')) return unseen('no list came');
			const entries = entriesOf(seen, 'tasks');
			if (!entries) return refuted(`fields: ${Object.keys(seen.body('tasks') ?? {}).join(', ')}`);
			if (entries.length === 0) return unseen(NEEDS_TASK);
			const mixed = entries.find(
				({ works }) => new Set(works.map(({ taskId }) => String(taskId))).size > 1,
			);
			const nameless = entries.find(({ taskId }) => !taskId);
			if (mixed || nameless) {
				return refuted(mixed ? 'an entry has works of several tasks' : 'an entry names no task');
			}
			return confirmed(`${entries.length} entries`);
		},
	},
	{
		id: 'history-works-only',
		text: 'An entry of history has works and nothing else.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '**The task list** has `works` only' },
		builtOn: { file: 'sandbox/api.mts', words: 'listWholeModels ? model : { works: model.works }' },
		check(seen) {
			const entries = entriesOf(seen, 'tasks') ?? [];
			if (entries.length === 0) return unseen(NEEDS_TASK);
			const fields = [...new Set(entries.flatMap((entry) => entry.fields))];
			return judge(fields.join() === 'works', `fields: ${fields.join(', ')}`);
		},
	},
	{
		id: 'history-without-empty',
		text: 'Tasks without works are left out of history.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'leaves out tasks without works' },
		builtOn: { file: 'sandbox/api.mts', words: 'works.some((work)' },
		check(seen) {
			const entries = entriesOf(seen, 'tasksPlain') ?? [];
			const empty = entries.filter(({ works }) => works.length === 0).length;
			return empty > 0
				? refuted(`${empty} of ${entries.length} entries have no works`)
				: unseen('none was in the list; whether there is one to leave out is not known');
		},
	},
	{
		id: 'newest-first',
		text: 'History begins with the newest task.',
		mark: 'D',
		source: { file: API_DOC, words: 'newest first' },
		builtOn: { file: PICKERS, words: 'Image tasks, newest first' },
		check(seen) {
			const times = (entriesOf(seen, 'tasks') ?? [])
				.map(({ createTime }) => createTime)
				.filter(Number.isFinite);
			if (new Set(times).size < 2) return unseen(NEEDS_TWO);
			const wrong = times.findIndex((time, place) => place > 0 && time > times[place - 1]);
			return wrong < 0
				? confirmed(`in ${times.length} entries`)
				: refuted(`entry ${wrong + 1} is newer than the one before it`);
		},
	},
	{
		id: 'times-apart',
		text: 'The times at which a task and its works were made are at most a second apart.',
		mark: 'own',
		source: { file: LIST, words: 'Our assumption: the times of one entry are no further apart' },
		builtOn: { file: LIST, words: `TIMES_APART_MS = 1_000` },
		check(seen) {
			const several = seen
				.tasks()
				.map(createTimesMs)
				.filter(({ length }) => length > 1);
			if (several.length === 0) return unseen(NEEDS_TASK);
			const apartMs = Math.max(
				...several.map((timesMs) => Math.max(...timesMs) - Math.min(...timesMs)),
			);
			return judge(apartMs <= TIMES_APART_MS, `${apartMs} ms apart`);
		},
	},
	{
		id: 'content-type-filter',
		text: 'contentType=image leaves out everything but images.',
		mark: 'D',
		source: { file: API_DOC, words: 'contentType `video`, `image`, `audio`' },
		builtOn: { file: PICKERS, words: "contentType: 'image'" },
		check(seen) {
			const works = (entriesOf(seen, 'tasks') ?? []).flatMap((entry) => entry.works);
			if (works.length === 0) return unseen(NEEDS_TASK);
			const others = works.filter(({ contentType }) => contentType !== 'image');
			if (others.length > 0) {
				return refuted(`contentType of a work: ${String(others[0].contentType)}`);
			}
			return confirmed(`in ${works.length} works`);
		},
	},
	{
		id: 'filter-before-page',
		text: 'contentType filters before a page is cut off.',
		mark: 'own',
		source: { file: API_DOC, words: 'filters before a page is cut off: we assume so' },
		builtOn: { file: LIST, words: 'if (page.length < MIN_CUT)' },
		check(seen) {
			const [newest] = entriesOf(seen, 'tasksPlain') ?? [];
			const page = entriesOf(seen, 'tasksOne');
			const images = entriesOf(seen, 'tasks')?.length ?? 0;
			if (!newest || !page || images === 0 || newest.images.length > 0) {
				return unseen('needs a newest task that is no image, and an image task before it');
			}
			return judge(page.length > 0, `a page of 1 image held ${page.length}`);
		},
	},
	{
		id: 'shortest-page',
		text: 'A page of fewer than 10 tasks with nothing older is the end of the list.',
		mark: 'own',
		source: {
			file: API_DOC,
			words: 'A page of fewer than 10 with nothing older is the end: our assumption is',
		},
		builtOn: { file: LIST, words: 'Our assumption: no API cuts its pages off below this' },
		check(seen) {
			const page = entriesOf(seen, 'tasks');
			const older = entriesOf(seen, 'tasksOlder');
			if (!page || !older) return unseen(NEEDS_TASK);
			if (page.length >= MIN_CUT) return confirmed(`a page held ${page.length}`);
			const known = new Set(page.map(({ taskId }) => taskId));
			const more = older.filter(({ taskId }) => !known.has(taskId)).length;
			return more > 0
				? refuted(`a page held ${page.length}, and there were ${more} older ones`)
				: unseen(`needs ${MIN_CUT} image tasks`);
		},
	},
	{
		id: 'page-size-50',
		text: 'A page of 50 tasks may be asked for.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'Pages hold 20, at most 200' },
		builtOn: { file: LIST, words: `PAGE_SIZE = ${PAGE_SIZE}` },
		check(seen) {
			const answer = seen.get('tasks');
			if (!answer) return unseen('no answer came');
			if (answer.status === 400) return refuted(told(answer));
			const count = entriesOf(seen, 'tasks')?.length;
			if (count === undefined) return unseen(`HTTP ${answer.status}`);
			return judge(count <= PAGE_SIZE, `asked for ${PAGE_SIZE}, got ${count}`);
		},
	},
	{
		id: 'page-size',
		text: 'pageSize is the number of tasks on a page.',
		mark: 'D',
		source: { file: API_DOC, words: 'tasks?email&pageSize' },
		builtOn: { file: LIST, words: 'page.length >= this.pageSize' },
		check(seen) {
			const all = entriesOf(seen, 'tasks')?.length ?? 0;
			const one = entriesOf(seen, 'tasksOne')?.length;
			if (one === undefined || all < 2) return unseen(NEEDS_TWO);
			return judge(one === 1, `asked for 1 of at least ${all}, got ${one}`);
		},
	},
	{
		id: 'default-page-size',
		text: 'Without pageSize a page holds 20 tasks.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'Pages hold 20' },
		builtOn: { file: 'sandbox/api.mts', words: `PAGE_SIZE = ${DEFAULT_PAGE_SIZE}` },
		check(seen) {
			const count = entriesOf(seen, 'tasksPlain')?.length ?? 0;
			const more = entriesOf(seen, 'tasks')?.length ?? 0;
			if (Math.max(count, more) <= DEFAULT_PAGE_SIZE && count !== DEFAULT_PAGE_SIZE) {
				return unseen(`needs more than ${DEFAULT_PAGE_SIZE} tasks`);
			}
			return judge(count === DEFAULT_PAGE_SIZE, `got ${count}`);
		},
	},
	{
		id: 'created-before',
		text: 'createdBefore excludes the moment itself.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'Both dates exclude the moment itself' },
		builtOn: { file: 'sandbox/options.mts', words: 'listTakesInMoment: false' },
		check(seen) {
			const page = entriesOf(seen, 'tasksBefore');
			const limit = Number(seen.get('tasksBefore')?.query.createdBefore);
			if (!page) return unseen(NEEDS_TWO);
			const late = page.filter(({ createTime }) => createTime >= limit);
			if (late.some(({ createTime }) => createTime > limit)) {
				return refuted('a task made after that moment came');
			}
			if (late.length > 0) return refuted('the task of that very moment came again');
			return page.length > 0 ? confirmed(`${page.length} older ones came`) : unseen(NEEDS_TWO);
		},
	},
	{
		id: 'created-after',
		text: 'createdAfter excludes the moment itself.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'Both dates exclude the moment itself' },
		builtOn: { file: 'sandbox/api.mts', words: 'createTime > after' },
		check(seen) {
			const page = entriesOf(seen, 'tasksAfter');
			const limit = Number(seen.get('tasksAfter')?.query.createdAfter);
			if (!page) return unseen(NEEDS_TASK);
			const early = page.filter(({ createTime }) => createTime <= limit);
			if (early.some(({ createTime }) => createTime < limit)) {
				return refuted('a task made before that moment came');
			}
			return judge(
				early.length === 0,
				early.length === 0
					? 'the task of that very moment did not come'
					: 'the task of that very moment came',
			);
		},
	},
	{
		id: 'created-after-page',
		text: 'A page of createdAfter has the oldest tasks that fit.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '`createdAfter` gives the oldest that fit' },
		builtOn: { file: 'sandbox/api.mts', words: 'fitting.slice(-limit)' },
		check(seen) {
			const [entry] = entriesOf(seen, 'tasksAfterPage') ?? [];
			const newest = entriesOf(seen, 'tasks')?.[0];
			if (!entry || !newest) return unseen('needs three image tasks of different times');
			return entry.taskId === newest.taskId
				? refuted('the newest came')
				: confirmed('an older one than the newest came');
		},
	},
	{
		id: 'dates-exclude-each-other',
		text: 'createdBefore and createdAfter together are refused.',
		mark: 'D',
		source: { file: API_DOC, words: 'the two dates (epoch ms) exclude each other' },
		builtOn: { file: 'sandbox/api.mts', words: 'createdBefore cannot be used with createdAfter' },
		check(seen) {
			return judgeStatus(seen.get('tasksBothDates'), 400);
		},
	},
];

// What a task looks like.
import model from '../../../test/contract/documented/model.json';
import { imagesOf, record } from '../../../nodes/Kling/job/result.ts';
import { vendorText } from '../../../nodes/Kling/transport/errors.ts';
import type { TaskModel } from '../../../nodes/Kling/transport/types.ts';
import {
	API_DOC,
	confirmed,
	judge,
	judgeStatus,
	NEEDS_SPEND,
	NEEDS_TASK,
	refuted,
	SANDBOX_DOC,
	unseen,
	type Assumption,
} from '../assumption.mts';
import { records, type Seen } from '../seen.mts';
import { isNewField, misfits } from '../shapes.mts';

const RESULT = 'nodes/Kling/job/result.ts';
const FINAL = ['succeed', 'failed'];
const NAMES = ['submitted', 'processing', ...FINAL];
const FAILED_NUMBERS = [6, 7, 9, 50, 53, 54, 58];
/** No task is older than Kling itself. */
const FIRST_TASK_MS = Date.UTC(2024, 0);
const DAY_MS = 86_400_000;

interface Status {
	number: unknown;
	name: unknown;
	final: unknown;
}

const statusOf = ({ status, status_name, status_final }: Record<string, unknown>): Status => ({
	number: status,
	name: status_name,
	final: status_final,
});

/** At every level of every task that was seen: top, task, works; in the list as well. */
function statuses(seen: Seen): Status[] {
	const listed = seen.answers
		.filter(({ status }) => status === 200)
		.flatMap(({ body }) => records(record(body).history))
		.flatMap(({ works }) => records(works));
	const levels = seen
		.tasks()
		.flatMap((task) => [task, record(task.task), ...records(task.works)])
		.concat(listed);
	return levels.map(statusOf).filter(({ name }) => name !== undefined);
}

/** The numbers beside one name. */
function numberAssumption(name: string, numbers: number[], words: string): Assumption {
	const expected = numbers.join(', ');
	return {
		id: `status-${name}`,
		text: `The number of ${name} is ${numbers.length > 1 ? `one of ${expected}` : expected}.`,
		mark: 'T',
		source: { file: API_DOC, words },
		builtOn: { file: 'sandbox/models.mts', words: `${name}: ${numbers[0]}` },
		check(seen) {
			const found = [
				...new Set(
					statuses(seen)
						.filter((status) => status.name === name && status.number !== undefined)
						.map(({ number }) => number),
				),
			];
			if (found.length === 0) return unseen(`no task was ${name}`);
			return judge(
				found.every((number) => numbers.includes(number as number)),
				`seen: ${found.join(', ')}`,
			);
		},
	};
}

export const taskAssumptions: Assumption[] = [
	{
		id: 'task-model',
		text: 'GET /v1/kling/tasks/{task_id} answers with the documented Model.',
		mark: 'D',
		source: { file: API_DOC, words: 'The same model as the 200 above' },
		builtOn: { file: 'nodes/Kling/transport/types.ts', words: 'export interface TaskModel' },
		check(seen) {
			const task = seen.body('task');
			if (!task) return unseen(NEEDS_TASK);
			const misfit = misfits(task, model);
			const wrong = misfit.filter((one) => !isNewField(one));
			if (wrong.length > 0) return refuted(wrong.slice(0, 5).join('; '));
			const fresh = misfit.length > 0 ? `, beside it: ${misfit.slice(0, 5).join('; ')}` : '';
			return confirmed(`it fits${fresh}`);
		},
	},
	{
		id: 'three-levels',
		text: 'status, status_name and status_final stand at the top, in task and in each work.',
		mark: 'V',
		source: { file: API_DOC, words: 'stand at three levels' },
		builtOn: { file: RESULT, words: 'const told = [record(model), task]' },
		check(seen) {
			const task = seen.body('task');
			if (!task) return unseen(NEEDS_TASK);
			const places: Array<[string, Record<string, unknown>]> = [
				['top', task],
				['task', record(task.task)],
				...records(task.works).map((work): [string, typeof work] => ['works', work]),
			];
			const without = places.find(([, level]) =>
				Object.values(statusOf(level)).some((value) => value === undefined),
			);
			return without
				? refuted(`missing in ${without[0]}`)
				: confirmed(`in ${places.length} places`);
		},
	},
	{
		id: 'status-names',
		text: 'A status is submitted, processing, succeed or failed; the last two are final, the others are not.',
		mark: 'D',
		source: { file: API_DOC, words: '`submitted`, `processing`, `succeed`, `failed` (D)' },
		builtOn: { file: RESULT, words: "['succeed', 'failed'].includes(status)" },
		check(seen) {
			const found = statuses(seen);
			if (found.length === 0) return unseen(NEEDS_TASK);
			const wrong = found.find(
				({ name, final }) =>
					!NAMES.includes(String(name)) ||
					(final !== undefined && final !== FINAL.includes(String(name))),
			);
			if (wrong) return refuted(`${String(wrong.name)} with status_final ${String(wrong.final)}`);
			return confirmed(`seen: ${[...new Set(found.map(({ name }) => name))].join(', ')}`);
		},
	},
	numberAssumption('submitted', [5], 'Numbers: 5, 10, 99'),
	numberAssumption('processing', [10], 'Numbers: 5, 10, 99'),
	numberAssumption('succeed', [99], 'Numbers: 5, 10, 99'),
	numberAssumption('failed', FAILED_NUMBERS, 'failed is any of 6, 7, 9, 50, 53, 54, 58 (T)'),
	{
		id: 'ids-are-numbers',
		text: 'Ids come as numbers.',
		mark: 'D',
		source: { file: API_DOC, words: 'come back as numbers' },
		builtOn: { file: 'nodes/Kling/transport/json.ts', words: 'keeps integers past 2^53 exact' },
		check(seen) {
			const ids = seen.answers
				.filter(({ status }) => status === 200)
				.flatMap(({ text }) => [...text.matchAll(/"(?:taskId|workId)"\s*:\s*("?)(\d+)/g)]);
			if (ids.length === 0) return unseen(NEEDS_TASK);
			if (ids.some(([, quote]) => quote)) return refuted('ids in quotes came');
			const longest = Math.max(...ids.map(([, , digits]) => digits.length));
			const unsafe = ids.some(([, , digits]) => !Number.isSafeInteger(Number(digits)));
			return confirmed(`up to ${longest} digits, ${unsafe ? 'some' : 'none'} past 2^53`);
		},
	},
	{
		id: 'times',
		text: 'Times are epoch milliseconds.',
		mark: 'D',
		source: { file: API_DOC, words: 'Times are epoch milliseconds' },
		builtOn: { file: RESULT, words: 'new Date(typeof epochMs' },
		check(seen) {
			const { createTime, updateTime } = record(seen.body('task')?.task);
			const times = [createTime, updateTime].filter((time) => time !== undefined);
			if (times.length === 0) return unseen(NEEDS_TASK);
			const holds = times.every(
				(time) => typeof time === 'number' && time > FIRST_TASK_MS && time < Date.now() + DAY_MS,
			);
			return judge(holds, `createTime ${String(createTime)}, updateTime ${String(updateTime)}`);
		},
	},
	{
		id: 'image-work',
		text: 'A finished image work has workId, contentType "image" and resource with link and size.',
		mark: 'V',
		source: { file: API_DOC, words: 'a finished work (D for video, V for images)' },
		builtOn: { file: RESULT, words: 'export function imagesOf' },
		check(seen) {
			const task = seen.body('task');
			if (!task) return unseen(NEEDS_TASK);
			const images = imagesOf(task as TaskModel);
			const types = records(task.works).map(({ contentType }) => String(contentType));
			const holds =
				images.length > 0 &&
				types.includes('image') &&
				images.every(({ workId, width, height }) => workId && width && height);
			const sizes = images.map(({ width, height }) => `${width} x ${height}`);
			return judge(holds, `contentType ${types.join(', ')}; ${sizes.join(', ') || 'no image'}`);
		},
	},
	{
		id: 'cover',
		text: 'The cover of an image is the image itself, at full size.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '`cover` is the image itself' },
		builtOn: { file: 'sandbox/models.mts', words: 'cover: resource' },
		check(seen) {
			const [work] = records(seen.body('task')?.works);
			const { width, height } = record(record(work).cover);
			const full = record(record(work).resource);
			if (!width || !full.width) return unseen('no cover with a size was seen');
			return judge(
				width === full.width && height === full.height,
				`${String(width)} x ${String(height)} beside ${String(full.width)} x ${String(full.height)}`,
			);
		},
	},
	{
		id: 'success-message',
		text: 'The message of a success is "success" or empty.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '`message` is `success` on success' },
		builtOn: { file: RESULT, words: 'word for a success is "success"' },
		check(seen) {
			const task = seen.body('task');
			if (task?.status_name !== 'succeed') return unseen(NEEDS_TASK);
			const message = task.message;
			return judge(
				message === undefined || message === '' || /^success$/i.test(String(message)),
				`message: ${JSON.stringify(message)}`,
			);
		},
	},
	{
		id: 'unknown-task',
		text: 'A task that does not exist is a 404.',
		mark: 'V',
		source: { file: API_DOC, words: '404 while polling: deleted, failed at moderation' },
		builtOn: { file: 'nodes/Kling/job/watch.ts', words: 'result.status === 404' },
		check(seen) {
			return judgeStatus(seen.get('unknownTask'), 404);
		},
	},
	{
		id: 'succeed-without-works',
		text: 'A task can succeed with empty works.',
		mark: 'V',
		source: { file: API_DOC, words: '`succeed` with an empty `works` happens (V' },
		builtOn: { file: 'nodes/Kling/job/output.ts', words: 'finished without an image' },
		check(seen) {
			const empty = seen
				.tasks()
				.filter((task) => task.status_name === 'succeed' && records(task.works).length === 0);
			return empty.length > 0 ? confirmed('seen') : unseen('no such task was met');
		},
	},
	{
		id: 'failed-says-why',
		text: 'A failed task says why in error, at the top.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '**Failed** is status 6, with `error`' },
		builtOn: { file: RESULT, words: 'vendorText(model) ?? vendorText(task)' },
		check(seen) {
			const failed = seen.tasks().find((task) => task.status_name === 'failed');
			if (!failed) return unseen('no task failed');
			const { error } = failed;
			return judge(
				typeof error === 'string' && error !== '',
				`error: ${JSON.stringify(error)}, in all: ${vendorText(failed) ?? 'nothing'}`,
			);
		},
	},
	{
		id: 'while-processing',
		text: 'While processing, works has one unfinished work with an empty link; before that it is empty.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '**While processing** `works` has one unfinished' },
		builtOn: { file: RESULT, words: 'if (!url ||' },
		check(seen) {
			const running = seen.tasks().filter((task) => task.status_name === 'processing');
			if (running.length === 0) return unseen(`${NEEDS_SPEND}, and a look while it is processing`);
			const odd = running.find((task) => {
				const works = records(task.works);
				return works.length !== 1 || record(works[0].resource).resource !== '';
			});
			return odd
				? refuted(`${records(odd.works).length} works`)
				: confirmed(`in ${running.length} looks`);
		},
	},
];

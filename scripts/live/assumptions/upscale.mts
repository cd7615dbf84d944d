// What one paid upscale shows, from its POST to its end.
import model from '../../../test/contract/documented/model.json';
import { idText, imagesOf, record } from '../../../nodes/Kling/job/result.ts';
import type { TaskModel } from '../../../nodes/Kling/transport/types.ts';
import {
	API_DOC,
	confirmed,
	judge,
	NEEDS_SPEND,
	refuted,
	SANDBOX_DOC,
	unseen,
	type Assumption,
} from '../assumption.mts';
import { records, type Seen } from '../seen.mts';
import { isNewField, misfits } from '../shapes.mts';
import { ourJob, whenAccepted, whenFinished, whenSent } from './spent.mts';

const SUBMIT = 'nodes/Kling/job/submit.ts';
const WATCH = 'nodes/Kling/job/watch.ts';
const READ = 'nodes/Kling/job/read.ts';
const EARLY_404_MS = 15_000;
const SUBMIT_TIMEOUT_MS = 300_000;
const DEFAULT_TIMEOUT_MS = 600_000;
const SCALE = 4;

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
/** 404s of the new task that came before the first other answer, by ms after the POST's answer; and whether one came. */
function early404s(seen: Seen): { ms: number[]; thenFound: boolean } {
	const post = seen.get('upscale');
	const polls = seen.all('poll');
	const found = polls.findIndex(({ status }) => status === 200);
	const ms = polls
		.slice(0, found < 0 ? undefined : found)
		.filter(({ status }) => status === 404)
		.map(({ atMs }) => atMs - (post ? post.atMs + post.tookMs : atMs));
	return { ms, thenFound: found >= 0 };
}

export const upscaleAssumptions: Assumption[] = [
	{
		id: 'accepted',
		text: 'An accepted POST answers 200 with the Model, submitted, and empty works.',
		mark: 'D',
		source: { file: API_DOC, words: 'the task model, `status_name: "submitted"`, `works: []`' },
		builtOn: { file: 'nodes/Kling/transport/types.ts', words: 'POST /v1/kling/images/upscale' },
		check: (seen) =>
			whenAccepted(seen, (task) => {
				const wrong = misfits(task, model).filter((misfit) => !isNewField(misfit));
				if (wrong.length > 0) return refuted(wrong.slice(0, 5).join('; '));
				const works = records(task.works).length;
				return judge(
					task.status_name === 'submitted' && works === 0,
					`${String(task.status_name)}, ${works} works`,
				);
			}),
	},
	{
		id: 'task-id',
		text: "The new task's id is task.id; there is no task_id at the top.",
		mark: 'V',
		source: { file: API_DOC, words: 'there is no top-level task_id' },
		builtOn: { file: SUBMIT, words: 'idText((result.body as TaskModel).task?.id)' },
		check: (seen) =>
			whenAccepted(seen, (task) =>
				judge(
					idText(record(task.task).id) !== undefined && task.task_id === undefined,
					`task.id ${String(record(task.task).id)}, task_id ${String(task.task_id)}`,
				),
			),
	},
	{
		id: 'post-time',
		text: 'A POST is answered within 300 seconds.',
		mark: 'own',
		source: { file: 'nodes/Kling/transport/client.ts', words: 'as long as n8n gives any request' },
		builtOn: { file: 'nodes/Kling/transport/client.ts', words: 'SUBMIT_TIMEOUT_MS = 300_000' },
		check: (seen) =>
			whenSent(seen, ({ tookMs }) => judge(tookMs < SUBMIT_TIMEOUT_MS, seconds(tookMs))),
	},
	{
		id: 'early-404',
		text: 'Right after its creation a task can be unknown for a moment.',
		mark: 'T',
		source: { file: API_DOC, words: 'right after creation it can be transient (T)' },
		builtOn: { file: WATCH, words: 'result.status === 404 && !task.seen' },
		check: (seen) =>
			whenAccepted(seen, () => {
				const { ms, thenFound } = early404s(seen);
				if (!thenFound) return unseen('the task was never found');
				return ms.length > 0
					? confirmed(`404 after ${ms.map(seconds).join(', ')}, then it was there`)
					: unseen('it was there at the first look, which proves nothing');
			}),
	},
	{
		id: 'early-404-limit',
		text: 'That moment is shorter than 15 seconds.',
		mark: 'own',
		source: { file: READ, words: 'how long is our assumption' },
		builtOn: { file: READ, words: 'EARLY_404_MS = 15_000' },
		check: (seen) =>
			whenAccepted(seen, () => {
				const { ms, thenFound } = early404s(seen);
				if (ms.length === 0) return unseen('no early 404 came');
				const last = Math.max(...ms);
				const evidence = `the last 404 came ${seconds(last)} after the task was accepted`;
				if (!thenFound) return unseen(`${evidence}, and the task was never found`);
				return judge(last < EARLY_404_MS, evidence);
			}),
	},
	{
		id: 'order-of-statuses',
		text: 'A task is submitted, then processing, then finished.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '**Time.** A task is `submitted` for a quarter' },
		builtOn: { file: 'sandbox/tasks.mts', words: 'SUBMITTED_SHARE = 0.25' },
		check: (seen) =>
			whenFinished(seen, () => {
				const order = ['submitted', 'processing', 'succeed', 'failed'];
				const found = [...seen.all('upscale'), ...seen.all('poll')]
					.filter(({ status }) => status === 200)
					.map(({ body }) => String(record(body).status_name));
				const steps = found.filter((name, place) => name !== found[place - 1]);
				const places = steps.map((name) => order.indexOf(name));
				return judge(
					places.every((place, index) => index === 0 || place > places[index - 1]),
					steps.join(', '),
				);
			}),
	},
	{
		id: 'time-limit',
		text: 'An upscale is finished within 600 seconds.',
		mark: 'own',
		source: { file: 'README.md', words: '600 seconds unless changed' },
		builtOn: {
			file: 'nodes/Kling/actions/parameters.ts',
			words: 'DEFAULT_TIMEOUT_SECONDS = 600',
		},
		check(seen) {
			const post = seen.get('upscale');
			const last = seen.all('poll').at(-1);
			if (!post || !last) return unseen(NEEDS_SPEND);
			const ms = last.atMs - post.atMs;
			if (seen.finished()) return judge(ms < DEFAULT_TIMEOUT_MS, seconds(ms));
			return ms >= DEFAULT_TIMEOUT_MS
				? refuted(`still running after ${seconds(ms)}`)
				: unseen('the upscale was not seen to its end');
		},
	},
	{
		id: 'scale',
		text: 'The result is four times as wide and as high.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: '**Scale.** Four times along each side' },
		builtOn: { file: 'sandbox/options.mts', words: `scale: ${SCALE}` },
		check: (seen) =>
			whenFinished(seen, (task) => {
				const [image] = imagesOf(task as TaskModel);
				const { width, height } = seen.spent ?? {};
				if (!image?.width || !image.height || !width || !height) {
					return unseen('the sizes were not told');
				}
				return judge(
					image.width === SCALE * width && image.height === SCALE * height,
					`${width} x ${height} became ${image.width} x ${image.height}`,
				);
			}),
	},
	{
		id: 'scheduler-reference',
		text: 'replyRef stands in the items of GET /v1/kling/scheduler.',
		mark: 'D',
		source: { file: API_DOC, words: "It does stand in GET /scheduler's items (D)" },
		builtOn: { file: 'sandbox/models.mts', words: 'replyRef: task.replyRef' },
		check: (seen) =>
			whenAccepted(seen, () => {
				const jobs = records(seen.get('schedulerAfter')?.body);
				const ours = jobs.find(({ id }) => idText(id) === seen.spent?.newTaskId);
				if (ourJob(seen)) return confirmed('seen at the running job');
				return ours
					? refuted(`fields of our job: ${Object.keys(ours).join(', ')}`)
					: unseen('our job was not among the running ones any more');
			}),
	},
];

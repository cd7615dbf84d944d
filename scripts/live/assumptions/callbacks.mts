// What useapi.net sends to a reply URL.
import { idText, record } from '../../../nodes/Kling/job/result.ts';
import {
	API_DOC,
	confirmed,
	judge,
	NEEDS_SPEND,
	refuted,
	SANDBOX_DOC,
	unseen,
	type Assumption,
	type Verdict,
} from '../assumption.mts';
import type { Callback, Seen } from '../seen.mts';

const RESUME = 'nodes/Kling/job/resume.ts';
const MOST_LEVELS = 5;
const LAG_MS = 2_000;
const MINUTE_MS = 60_000;
/** So far the clocks of this machine and of the API may be apart, and the poll behind the task. */
const CLOCKS_MS = 3_600_000;

const taskIdOf = ({ body }: Callback) => idText(record(record(body).task).id);

/** For what callbacks show, if there could be any. */
function whenCalled(seen: Seen, check: (callbacks: Callback[]) => Verdict): Verdict {
	if (!seen.replyUrl) return unseen(`${NEEDS_SPEND} and --reply-url`);
	if (!seen.get('upscale')) return unseen(NEEDS_SPEND);
	return seen.callbacks.length > 0
		? check(seen.callbacks)
		: unseen('no call came; can the reply URL be reached from the internet?');
}

/** Where a value stands in an answer, e.g. `request.replyRef`. */
function pathTo(wanted: string, value: unknown, path: string[] = []): string | undefined {
	if (value === wanted) return path.join('.');
	if (path.length >= MOST_LEVELS || typeof value !== 'object' || value === null) return undefined;
	for (const [field, below] of Object.entries(value)) {
		const found = pathTo(wanted, below, [...path, field]);
		if (found !== undefined) return found;
	}
	return undefined;
}

export const callbackAssumptions: Assumption[] = [
	{
		id: 'callback-model',
		text: 'A callback is a POST of JSON with the body that GET returns.',
		mark: 'D',
		source: { file: API_DOC, words: 'several POSTs of JSON per task, the body as GET returns it' },
		builtOn: { file: 'nodes/Kling/job/callback.ts', words: 'expected "as GET returns it"' },
		check: (seen) =>
			whenCalled(seen, (callbacks) => {
				const odd = callbacks.find(
					(callback) =>
						callback.method !== 'POST' ||
						!callback.contentType.includes('json') ||
						taskIdOf(callback) !== seen.spent?.newTaskId,
				);
				if (!odd) return confirmed(`in ${callbacks.length} calls`);
				const fields = Object.keys(record(odd.body)).join(', ');
				return refuted(`${odd.method}, ${odd.contentType}, task.id ${taskIdOf(odd)}, ${fields}`);
			}),
	},
	{
		id: 'callback-several',
		text: 'A task is reported several times, in order: progress, then the end.',
		mark: 'D',
		source: { file: API_DOC, words: 'several POSTs of JSON per task' },
		builtOn: { file: 'README.md', words: 'useapi.net calls several times per job' },
		check: (seen) =>
			whenCalled(seen, (callbacks) => {
				const finals = callbacks.map(({ body }) => record(body).status_final === true);
				return judge(
					finals.length > 1 && finals.indexOf(true) === finals.length - 1,
					callbacks.map(({ body }) => String(record(body).status_name)).join(', '),
				);
			}),
	},
	{
		id: 'callback-two',
		text: 'There are two callbacks per task, and none is repeated.',
		mark: 'own',
		source: { file: SANDBOX_DOC, words: 'two per task, in order, never repeated' },
		builtOn: { file: 'sandbox/callbacks.mts', words: 'once, with no retry' },
		check: (seen) =>
			whenCalled(seen, (callbacks) => judge(callbacks.length === 2, `${callbacks.length} calls`)),
	},
	{
		id: 'callback-reference',
		text: 'replyRef stands at the top level of a callback.',
		mark: 'own',
		source: { file: 'README.md', words: 'we assume `{{ $json.body.replyRef }}`' },
		builtOn: { file: 'examples/upscale-and-hand-over-receive.json', words: 'body.replyRef' },
		check: (seen) =>
			whenCalled(seen, (callbacks) => {
				const reference = seen.spent?.reference ?? '';
				const paths = [...new Set(callbacks.map(({ body }) => pathTo(reference, body)))];
				return judge(
					paths.join() === 'replyRef',
					paths.map((path) => path ?? 'nowhere').join(', '),
				);
			}),
	},
	{
		id: 'callback-lag',
		text: 'When a callback says that a task is finished, GET says so at most 2 seconds later.',
		mark: 'own',
		source: { file: RESUME, words: 'Our assumption: when a callback says that a task is finished' },
		builtOn: { file: RESUME, words: 'LAG_MS = 2_000' },
		check: (seen) => whenCalled(seen, (callbacks) => lagWithin(LAG_MS, seen, callbacks)),
	},
	{
		id: 'trigger-lag',
		text: 'A callback comes at most a minute before GET tells the same.',
		mark: 'I',
		source: {
			file: API_DOC,
			words: 'Kling Trigger assumes besides (I): a callback may come before GET',
		},
		builtOn: { file: 'nodes/Kling/trigger/look.ts', words: 'our assumption: the API' },
		check: (seen) => whenCalled(seen, (callbacks) => lagWithin(MINUTE_MS, seen, callbacks)),
	},
	{
		id: 'trigger-update-time',
		text: 'task.updateTime is the time of the last change, in epoch milliseconds.',
		mark: 'own',
		source: { file: API_DOC, words: '`task.updateTime` is the time of the last change' },
		builtOn: { file: 'nodes/Kling/trigger/receive.ts', words: 'MAX_AGE_MS = 24 * 3_600_000' },
		check: (seen) => {
			const end = seen.all('poll').find(({ body }) => record(body).status_final === true);
			if (!end) return unseen(NEEDS_SPEND);
			const { updateTime } = record(record(end.body).task);
			if (updateTime === undefined) return unseen('the task has no updateTime');
			const offMs = Math.abs(end.atMs - Number(updateTime));
			return judge(
				offMs < CLOCKS_MS,
				`it was ${Math.round(offMs / 1000)} s off when the task was finished`,
			);
		},
	},
];

/** Whether GET told of the task's end soon enough after the callback did. */
function lagWithin(limitMs: number, seen: Seen, callbacks: Callback[]): Verdict {
	const final = callbacks.find(({ body }) => record(body).status_final === true);
	if (!final) return unseen('no call said that the task is finished');
	const looks = seen.all('poll').filter(({ status }) => status === 200);
	const found = looks.find(({ body }) => record(body).status_final === true);
	const late = looks.findLast(({ body }) => record(body).status_final !== true);
	const lateMs = (late?.atMs ?? -Infinity) - final.atMs;
	if (lateMs > limitMs) return refuted(`GET still said otherwise ${lateMs} ms later`);
	if (!found) return unseen('the upscale was not seen to its end');
	const foundMs = Math.max(0, found.atMs + found.tookMs - final.atMs);
	return foundMs <= limitMs
		? confirmed(`GET said so ${foundMs} ms later, or sooner`)
		: unseen(`GET said so between ${Math.max(0, lateMs)} and ${foundMs} ms later`);
}

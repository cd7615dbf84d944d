// A job that is paid for: sent once, watched to its end, never sent again.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Json } from '../contract/support/documented.mts';
import type { Received } from '../support/receiver.mts';
import { entryOf, jobPath, SCHEDULER, TASKS, type Answer, type Entry, type Live } from './live.mts';

export const MINUTE_MS = 60_000;
const WATCH_LIMIT_MS = 20 * MINUTE_MS;
/** The last callback may come after the last look. */
const CALLBACK_LIMIT_MS = 10_000;

export type Kind = 'upscale' | 'enhance';

export interface Paid {
	/** What was sent as replyRef. */
	reference: string;
	post: Answer;
	taskId?: string;
	/** GET /scheduler right after the POST. */
	scheduler: Answer;
	/** The answer to a POST for an upscale of the new task while it runs, and of a work that nobody has. */
	unfinished?: Answer;
	/** GET /tasks/{id}, until it is finished. */
	looks: Answer[];
	final?: Json;
	/** The task as GET /tasks first showed it, so long after its acceptance; absent after a minute without. */
	listed?: { afterMs: number; entry: Entry; wasFinal: boolean };
	callbacks: Received[];
}

export const isFinal = (body: Json): boolean => body?.status_final === true;
export const idOf = (body: Json): string | undefined =>
	body?.task?.id === undefined ? undefined : String(body.task.id);
export const jobsOf = ({ status, body }: Answer): Json[] =>
	status === 200 && Array.isArray(body) ? body : [];

export async function payOnce(live: Live, kind: Kind, fields: object): Promise<Paid> {
	const { receive, pauseMs = 2_000 } = live.options;
	const receiver = await receive?.();
	try {
		const email = await live.email();
		const reference = `contract-live-${randomUUID()}`;
		const replies = { replyRef: reference, replyUrl: receiver?.url };
		process.stderr.write(`Spends credits: one ${kind}.\n`);
		const body = JSON.stringify({ ...email, ...fields, ...replies });
		const post = await live.send(jobPath(kind), {}, { body });
		const paid: Paid = { reference, post, scheduler: post, looks: [], callbacks: [] };
		const sinceMs = () => Date.now() - post.atMs - post.tookMs;

		let hasEnded = false;
		/** At the task until it has ended, and at the list until it shows the task. */
		const look = async () => {
			if (!hasEnded) {
				const answer = await live.send(`${TASKS}/${paid.taskId}`, email);
				paid.looks.push(answer);
				if (answer.status === 200 && isFinal(answer.body)) paid.final = answer.body;
				const isGone = answer.status === 404 && sinceMs() > MINUTE_MS;
				hasEnded = isGone || [400, 401, 402].includes(answer.status) || Boolean(paid.final);
			}
			if (paid.listed) return;
			const { body } = await live.send(TASKS, { ...email, pageSize: '50' });
			const entry = body?.history?.map(entryOf).find((one: Entry) => one.taskId === paid.taskId);
			if (entry) paid.listed = { afterMs: sinceMs(), entry, wasFinal: hasEnded };
		};

		paid.taskId = post.status === 200 ? idOf(post.body) : undefined;
		// At once: whether a task is known right after its creation is one of the assumptions.
		if (paid.taskId) await look();
		paid.scheduler = await live.send(SCHEDULER);
		const ours = jobsOf(paid.scheduler).find(({ replyRef }) => replyRef === reference);
		paid.taskId ??= ours && String(ours.id);
		if (!paid.taskId) return paid;
		if (!hasEnded && kind === 'upscale') {
			paid.unfinished = await live.probe({ task_id: paid.taskId }).catch(() => undefined);
		}
		const isSeen = () => hasEnded && (paid.listed || sinceMs() > MINUTE_MS);
		while (!isSeen() && sinceMs() < WATCH_LIMIT_MS) {
			await pause(pauseMs);
			await look();
		}
		// Anybody who knows the address could call.
		const isOurs = ({ body }: Received) =>
			idOf(body) === paid.taskId || JSON.stringify(body ?? null).includes(reference);
		const endMs = Date.now() + CALLBACK_LIMIT_MS;
		while (receiver && Date.now() < endMs && !paid.callbacks.some(({ body }) => isFinal(body))) {
			await pause(pauseMs);
			paid.callbacks = receiver.received.filter(isOurs);
		}
		return paid;
	} finally {
		await receiver?.close();
	}
}

import { setTimeout as pause } from 'node:timers/promises';

import { itemsOf, type Execution } from '../../../tools/n8n/restClient.mts';
import { unfinished, type QueueMode, type Worker } from './queue-mode.mts';
import { call } from './workflows.mts';

/** Executions that are started together, each with an image of its own, and what useapi.net's side knows of them. */

const LIMIT_MS = 240_000;
const LOOK_AGAIN_MS = 200;
/** Calls of webhooks under way at once. */
const MAX_PARALLEL_CALLS = 10;
const OVER = ['success', 'error', 'crashed', 'canceled'];
/** What n8n says of an execution whose worker was killed: whole, since the node's own errors have similar words. */
const LOST = [
	/^This execution failed to be processed too many times and will no longer retry\./,
	/^Workflow did not finish, possible out-of-memory issue$/,
];

/** As many as the largest test needs, with as many job slots as useapi.net allows an account. */
export const accounts = Array.from({ length: 5 }, (_, number) => ({
	email: `artist-${number}@example.com`,
	maxJobs: 50,
}));

/** Source images enough that every execution of the tests has its own. */
export const seeds = Array.from({ length: 500 }, (_, place) => ({
	taskId: String(700_000_000 + 10 * place),
	workId: String(700_000_001 + 10 * place),
}));
let nextSeed = 0;
/** Five in a row for each account, so that each of five workflows called in turn meets all of them. */
export const nextAccount = (): string => accounts[Math.floor(nextSeed / 5) % accounts.length].email;
/** How many images were asked for so far, in all. */
export const wantedSoFar = (): number => nextSeed;

/** One image to be upscaled, by this account; the API's side sees the Reply Reference. */
export interface Image {
	account: string;
	taskId: string;
	workId: string;
	reference: string;
}

/** An image that no other item has: equal items of an execution, and with reuse of all, would share one job. */
export function nextImage(account = nextAccount()): Image {
	const seed = seeds[nextSeed++];
	if (!seed) throw new Error(`There are only ${seeds.length} source images`);
	return { ...seed, account, reference: `reference-${seed.workId}` };
}

export interface Begun {
	id: string;
	/** What the workflow is called with. */
	body: Image;
}
type WithId = { id: string };
export type Ended<T extends WithId = Begun> = T & { execution: Execution };

/** Calls the webhooks at these paths, in this order, each call with another image. */
export async function begin({ webhook }: QueueMode, paths: string[]): Promise<Begun[]> {
	const begun: Begun[] = [];
	const left = [...paths.entries()];
	const callAll = async () => {
		for (let next = left.shift(); next; next = left.shift()) {
			const [place, path] = next;
			const body = nextImage();
			begun[place] = { id: await call(webhook.url, path, body), body };
		}
	};
	await Promise.all(Array.from({ length: MAX_PARALLEL_CALLS }, callAll));
	return begun;
}

/** The jobs that were sent to the API for these executions. Each is one that is paid. */
export const sentFor = (queue: QueueMode, begun: Begun[]): string[] =>
	sentOf(
		queue,
		begun.map(({ body }) => body),
	);

/** The same, by image. */
export const sentOf = ({ sandbox }: QueueMode, images: Image[]): string[] => {
	const wanted = new Set(images.map(({ reference }) => reference));
	return sandbox.requests
		.filter(({ server, method }) => server === 'api' && method === 'POST')
		.map(({ body }) => (body as { replyRef: string }).replyRef)
		.filter((reference) => wanted.has(reference));
};

/** @returns what `look` gives, once it gives something */
export async function until<T>(
	what: string,
	look: () => T | false | Promise<T | false>,
): Promise<T> {
	const deadline = Date.now() + LIMIT_MS;
	for (;;) {
		const found = await look();
		if (found) return found;
		if (Date.now() > deadline) throw new Error(`It never came to that: ${what}`);
		await pause(LOOK_AGAIN_MS);
	}
}

export const allSent = async (queue: QueueMode, begun: Begun[]): Promise<boolean> =>
	await until('all jobs are sent', () => sentFor(queue, begun).length >= begun.length);

/** Looks at one after the other, so that looking does not keep n8n from its work. */
export async function allHave<T extends WithId>(
	{ api }: QueueMode,
	begun: T[],
	...statuses: string[]
): Promise<Array<Ended<T>>> {
	const ended: Array<Ended<T>> = [];
	for (const one of begun) {
		let execution!: Execution;
		await until(`execution ${one.id} is ${statuses.join(' or ')}`, async () => {
			execution = await api.getExecution(one.id);
			return statuses.includes(execution.status);
		});
		ended.push({ ...one, execution });
	}
	return ended;
}

export const allOver = async <T extends WithId>(
	queue: QueueMode,
	begun: T[],
): Promise<Array<Ended<T>>> => await allHave(queue, begun, ...OVER);

/** Each job was sent once, and each execution ended with the larger version of its own image. */
export async function expectOwnResults(queue: QueueMode, ended: Ended[]): Promise<void> {
	for (const { id, execution } of ended) {
		const { status, resultData } = execution;
		expect({ id, status, error: resultData.error }).toEqual({ id, status: 'success' });
	}
	const sources = await Promise.all(
		ended.map(async ({ execution }) => {
			const [{ json }] = itemsOf(execution, execution.resultData.lastNodeExecuted!);
			return await sourceOf(queue, json);
		}),
	);
	expect(sources).toEqual(ended.map(({ body }) => body.workId));
	expectPaidOnce(queue, ended);
}

/** None doubled, none lost. */
export function expectPaidOnce(queue: QueueMode, begun: Begun[]): void {
	const wanted = begun.map(({ body }) => body.reference);
	expect(sentFor(queue, begun).toSorted()).toEqual(wanted.toSorted());
}

/** The image that the API says the task of an output item is of. */
export async function sourceOf(
	{ sandbox }: QueueMode,
	{ taskId, account }: Record<string, unknown>,
): Promise<string> {
	const { task } = await ask<{ task: { taskInfo: { inputs: Array<{ fromWorkId: number }> } } }>(
		sandbox,
		`/v1/kling/tasks/${String(taskId)}?email=${String(account)}`,
	);
	return String(task.taskInfo.inputs[0].fromWorkId);
}

/** Over all accounts. */
export const noTaskRuns = async ({ sandbox }: QueueMode): Promise<boolean> =>
	(await ask<unknown[]>(sandbox, '/v1/kling/scheduler')).length === 0;

async function ask<T>({ url, token }: QueueMode['sandbox'], path: string): Promise<T> {
	const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
	if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}`);
	return (await answer.json()) as T;
}

/** The worker that works on most of these executions. One that was suspended and goes on runs for the second time. */
export async function busiest<T extends WithId>(
	{ workers }: QueueMode,
	begun: T[],
	turn = 1,
): Promise<{ worker: Worker; has: T[] }> {
	const turnsOf = await Promise.all(workers.map(async (worker) => await worker.turns()));
	const all = turnsOf.flat();
	const inTurn = begun.filter(
		({ id }) => all.filter(({ executionId }) => executionId === id).length === turn,
	);
	const shares = workers.map((worker, place) => {
		const ids = unfinished(turnsOf[place]);
		return { worker, has: inTurn.filter(({ id }) => ids.includes(id)) };
	});
	return shares.reduce((most, share) => (share.has.length > most.has.length ? share : most));
}

export type Killed = Begun & { atMs: number };

export const isLost = ({ resultData }: Execution): boolean =>
	LOST.some((words) => words.test(resultData.error?.message ?? ''));

/** Kills a worker that works on a good part of them. @returns what it had, and how the others ended, well or not */
export async function killBusiest(
	queue: QueueMode,
	begun: Begun[],
	successor: 'empty' | 'same',
	turn?: number,
): Promise<{ killed: Killed[]; others: Ended[] }> {
	const { worker } = await until('a worker has some of them', async () => {
		const most = await busiest(queue, begun, turn);
		return most.has.length >= begun.length / 4 && most;
	});
	const atMs = Date.now();
	const ids = new Set(await queue.replace(worker, 'kill', successor));
	const ended = await allOver(
		queue,
		begun.filter(({ id }) => !ids.has(id)),
	);
	const turns = await Promise.all(queue.workers.map(async (living) => await living.turns()));
	const unfinishedByLiving = unfinished(turns.flat());
	for (const { id, execution } of ended) {
		// It may have taken one more, and not have said so.
		if (isLost(execution) && !unfinishedByLiving.includes(id)) ids.add(id);
	}
	return {
		killed: begun.filter(({ id }) => ids.has(id)).map((one) => ({ ...one, atMs })),
		others: ended.filter(({ id }) => !ids.has(id)),
	};
}

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

/** Source images enough that every execution of the tests has its own. */
export const seeds = Array.from({ length: 400 }, (_, place) => ({
	taskId: String(700_000_000 + 10 * place),
	workId: String(700_000_001 + 10 * place),
}));
let nextSeed = 0;
/** How many images were asked for so far, in all. */
export const wantedSoFar = (): number => nextSeed;

export interface Begun {
	id: string;
	/** What the workflow is called with; the Reply Reference, which the API's side sees, is in it. */
	body: { taskId: string; workId: string; reference: string };
}
export type Ended = Begun & { execution: Execution };

/** Calls the webhooks at these paths, in this order, each call with another image. */
export async function begin({ webhook }: QueueMode, paths: string[]): Promise<Begun[]> {
	const begun: Begun[] = [];
	const left = [...paths.entries()];
	const callAll = async () => {
		for (let next = left.shift(); next; next = left.shift()) {
			const [place, path] = next;
			const seed = seeds[nextSeed++];
			const body = { ...seed, reference: `reference-${seed.workId}` };
			begun[place] = { id: await call(webhook.url, path, body), body };
		}
	};
	await Promise.all(Array.from({ length: MAX_PARALLEL_CALLS }, callAll));
	return begun;
}

/** The jobs that were sent to the API for these executions. Each is one that is paid. */
export const sentFor = ({ sandbox }: QueueMode, begun: Begun[]): string[] => {
	const wanted = new Set(begun.map(({ body }) => body.reference));
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
export async function allHave(
	{ api }: QueueMode,
	begun: Begun[],
	...statuses: string[]
): Promise<Ended[]> {
	const ended: Ended[] = [];
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

export const allOver = async (queue: QueueMode, begun: Begun[]): Promise<Ended[]> =>
	await allHave(queue, begun, ...OVER);

/** Each job was sent once, and each execution ended with the larger version of its own image. */
export async function expectOwnResults(queue: QueueMode, ended: Ended[]): Promise<void> {
	for (const { id, execution } of ended) {
		const { status, resultData } = execution;
		expect({ id, status, error: resultData.error }).toEqual({ id, status: 'success' });
	}
	const sources = await Promise.all(ended.map(async (one) => await sourceOf(queue, one)));
	expect(sources).toEqual(ended.map(({ body }) => body.workId));
	expectPaidOnce(queue, ended);
}

/** None doubled, none lost. */
export function expectPaidOnce(queue: QueueMode, begun: Begun[]): void {
	const wanted = begun.map(({ body }) => body.reference);
	expect(sentFor(queue, begun).toSorted()).toEqual(wanted.toSorted());
}

/** The image that the API says the result was made from. */
async function sourceOf({ sandbox }: QueueMode, { execution }: Ended): Promise<string> {
	const [{ json }] = itemsOf(execution, execution.resultData.lastNodeExecuted!);
	const answer = await fetch(`${sandbox.url}/v1/kling/tasks/${String(json.taskId)}`, {
		headers: { authorization: `Bearer ${sandbox.token}` },
	});
	const { task } = (await answer.json()) as {
		task: { taskInfo: { inputs: Array<{ fromWorkId: number }> } };
	};
	return String(task.taskInfo.inputs[0].fromWorkId);
}

/** The worker that works on most of these executions. A parked one that goes on is in its second turn. */
export async function busiest(
	{ workers }: QueueMode,
	begun: Begun[],
	turn = 1,
): Promise<{ worker: Worker; has: Begun[] }> {
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

/** Kills a worker that works on a good part of them. @returns what it had, and how the others ended */
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
	const ids = await queue.replace(worker, 'kill', successor);
	// It may have taken one more, and not have said so.
	const ended = await allOver(
		queue,
		begun.filter(({ id }) => !ids.includes(id)),
	);
	const others = ended.filter(({ execution }) => execution.status === 'success');
	const lived = others.map(({ id }) => id);
	const killed = begun.filter(({ id }) => !lived.includes(id)).map((one) => ({ ...one, atMs }));
	return { killed, others };
}

// Wait for Result → Poll, beside what people use without this node, all in one run: a loop of n8n's own nodes, and
// n8n-nodes-useapi-net.
import { stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Workflow } from '../../tools/n8n/restClient.mts';
import { step, UserError } from '../../tools/terminal.mts';
import { answered, start, untilEnded } from '../executions.mts';
import { atLeast, atMost, count, kilobytes, seconds, tenths, times } from '../report.mts';
import type { Section } from '../report.mts';
import type { Site, SiteOptions, Stage } from '../stage.mts';
import { DONE, httpLoop, kling, useApiNet } from '../workflows.mts';

const FULL = { jobMs: 20_000, slots: 10, items: [1, 10, 100], pauses: [10, 5], longMs: 60_000 };
const QUICK = { jobMs: 6_000, slots: 3, items: [1, 3, 9], pauses: [3], longMs: 10_000 };
const TARGETS = { single: 1.2, limit: 1.1, faster: 9, requests: 3, bytes: 60_000 };

/** One execution: its time as n8n notes it, requests to the API without files, and the items that came out finished. */
export interface Run {
	way: string;
	items: number;
	jobMs: number;
	seconds: number;
	toLimit: number;
	requests: number;
	finished: number;
	error?: string;
}

export async function measure(
	stage: Stage,
	way: string,
	workflow: Workflow,
	options: SiteOptions & { jobMs: number },
): Promise<Run> {
	const { images: items, slots = items, jobMs } = options;
	const title = `${way}: ${count(items, 'item')}, ${slots} slots, tasks of ${jobMs / 1000} s`;
	const execute = async (site: Site): Promise<Run> => {
		const { api, images, sandbox } = site;
		const published = await site.publish(workflow);
		await start(published, [images]);
		const list = async () => await answered(async () => await api.listExecutions(published.id));
		// n8n answers a call a moment before it notes the execution.
		while ((await list()).length === 0) await pause(100);
		if (!(await untilEnded(site, published))) throw new UserError(`${way}: undecided, too slow`);
		const [{ id }] = await list();
		const { startedAt, stoppedAt, resultData } = await answered(async () => api.getExecution(id));
		const { message, description } = resultData.error ?? {};
		const results = (resultData.runData[DONE] ?? []).flatMap(({ data }) => data?.main.flat() ?? []);
		const statuses = results.map((item) => item?.json.status_name ?? item?.json.status);
		const tookMs = Date.parse(stoppedAt) - Date.parse(startedAt);
		return {
			way,
			items,
			jobMs,
			seconds: tookMs / 1000,
			toLimit: tookMs / (Math.ceil(items / slots) * jobMs),
			requests: sandbox.requests.filter(({ server }) => server === 'api').length,
			finished: statuses.filter((status) => status === 'succeed').length,
			...(message && { error: [message, description].filter(Boolean).join(' – ') }),
		};
	};
	return await step(title, async () => await stage.site(options, execute));
}

/** Of runs that cannot be compared with, unless all their items are finished. */
export function faultsOf(runs: Run[]): string[] {
	const wrong = runs.filter(({ error, finished, items }) => error || finished !== items);
	return wrong.map(
		({ way, items, finished, error = '' }) => `${way}: ${finished}/${items} ${error}`,
	);
}

export async function polling(stage: Stage, quick: boolean): Promise<Section> {
	const size = quick ? QUICK : FULL;
	const { slots, jobMs, items, pauses, longMs } = size;
	const run = async (way: string, workflow: Workflow, images: number) =>
		await measure(stage, way, workflow, { images, slots, jobMs });
	const node: Run[] = [];
	for (const images of items) node.push(await run('Kling node', kling('poll'), images));
	const options = { images: items[2], slots, jobMs: longMs };
	const long = await measure(stage, 'Kling node, long tasks', kling('poll'), options);
	const loops: Run[] = [];
	for (const pauseS of pauses) {
		for (const images of items.slice(0, 2)) {
			const way = `HTTP Request, Wait ${pauseS} s, If: one by one`;
			loops.push(await run(way, httpLoop(pauseS, true), images));
		}
	}
	const others: Run[] = [];
	for (const images of [slots, slots + 1]) {
		const way = `HTTP Request, Wait ${pauses[0]} s, If: all at once`;
		others.push(await run(way, httpLoop(pauses[0], false), images));
	}
	const [, rival] = stage.packages;
	if (rival) others.push(await run(rival.name, useApiNet(), 1));
	const sizes = stage.packages.map(async ({ tarball }) => (await stat(tarball)).size);
	return compare(size, node, long, loops, others, await Promise.all(sizes));
}

/** What the measurements say, those too where the node is not ahead. */
export function compare(
	{ slots, jobMs, pauses }: typeof FULL,
	[single, few, batch]: Run[],
	long: Run,
	loops: Run[],
	others: Run[],
	[ownBytes, rivalBytes = NaN]: number[],
): Section {
	const fastest = (items: number) =>
		loops.filter((run) => run.items === items).reduce((a, b) => (a.seconds <= b.seconds ? a : b));
	const [loopOne, loopFew] = [fastest(single.items), fastest(few.items)];
	const loopEach = (loopFew.seconds - loopOne.seconds) / (few.items - single.items);
	const loopBatch = loopFew.seconds + (batch.items - few.items) * loopEach;
	const perTask = ({ requests, items }: Run) => tenths(requests / items);
	const shown = (run: Run) => `${seconds(run.seconds)}, ${perTask(run)} requests per task`;
	const beside = (own: Run, what: string, other: Run) => `${shown(own)}; ${what} ${shown(other)}`;
	const limit = (run: Run, most: number) =>
		atMost(`${run.way}, ${count(run.items, 'item')}: of the limit`, run.toLimit, most, times);
	const faster = (what: string, run: Run, loop: number) =>
		atLeast(`${what}: times faster than the loop`, loop / run.seconds, TARGETS.faster, tenths);
	const outcome = ({ error, finished, items }: Run) =>
		error ? `stops: ${error}` : finished ? `${finished} of ${items} finished` : 'ends without it';
	const head = ['', 'Items', 'Tasks of', 'Time', 'Of the limit', 'Requests per task', 'Outcome'];
	const rows = [single, few, batch, long, ...loops, ...others].map((run) => [
		run.way,
		String(run.items),
		seconds(run.jobMs / 1000),
		seconds(run.seconds),
		times(run.toLimit),
		perTask(run),
		outcome(run),
	]);
	return {
		title: 'Waiting by polling',
		load: `One account with ${slots} job slots.`,
		checks: [
			limit(single, TARGETS.single),
			...[few, batch, long].map((run) => limit(run, TARGETS.limit)),
			faster(`${few.items} items`, few, loopFew.seconds),
			faster(`${batch.items} items (computed)`, batch, loopBatch),
			{ what: '1 item', measured: beside(single, 'the loop', loopOne) },
			{ what: `${slots} items`, measured: beside(few, 'HTTP nodes all at once', others[0]) },
			atMost('Long tasks: requests per task', long.requests / long.items, TARGETS.requests, tenths),
			atMost('Size of the package', ownBytes, TARGETS.bytes, kilobytes),
			{ what: 'Size of n8n-nodes-useapi-net', measured: kilobytes(rivalBytes) },
		],
		text: `The limit is ceil(items / slots) task times: who keeps to the account's job slots cannot be faster. "Times faster" comes from running ${slots} tasks side by side where the loop runs one after another. Tasks of ${jobMs / 1000} s suit a Wait of ${pauses.join(' or ')} s: it looks again just when they are finished. "Computed": every further item takes the loop as long again. n8n-nodes-useapi-net has no field for the image, which the API requires.`,
		tables: [[head, rows]],
		faults: faultsOf([single, few, batch, long, ...loops]),
	};
}

// Wait for Result → Poll, beside what people use without this node, all in one run: a loop of n8n's own nodes, and
// n8n-nodes-useapi-net.
import { stat } from 'node:fs/promises';
import type { Workflow } from '../../tools/n8n/restClient.mts';
import { answered, readAll, start, untilEnded } from '../executions.mts';
import { atLeast, atMost, count, kilobytes, seconds, tenths, times } from '../report.mts';
import type { Check, Row, Section } from '../report.mts';
import type { SiteOptions, Stage } from '../stage.mts';
import { DONE, httpLoop, kling, useApiNet } from '../workflows.mts';

const FULL = { jobMs: 20_000, slots: 10, items: [1, 10, 100], pauses: [10, 5], longMs: 60_000 };
const QUICK = { jobMs: 6_000, slots: 3, items: [1, 3, 9], pauses: [3], longMs: 10_000 };
const PACKAGE_BYTES = 60_000;
const NODE = 'Kling node';
const ONE_BY_ONE = 'HTTP Request and If, one by one';
const ALL_AT_ONCE = 'HTTP Request and If, all at once';

/** One execution of a workflow, and what it may take at most: times the limit, requests per task. */
export interface Plan extends SiteOptions {
	way: string;
	workflow: Workflow;
	jobMs: number;
	most?: { toLimit: number; requests?: number };
}
/** Its time as n8n notes it, requests per task without files, and the items that came out finished. */
export interface Run {
	plan: Plan;
	seconds: number;
	toLimit: number;
	requests: number;
	finished: number;
	error?: string;
}

export async function measure(stage: Stage, plan: Plan): Promise<Run> {
	const { way, workflow, images: items, slots = items, jobMs } = plan;
	const title = `${way}: ${count(items, 'item')}, ${slots} slots, tasks of ${jobMs / 1000} s`;
	return await stage.site(title, plan, async (site) => {
		const published = await site.publish(workflow);
		await start(site, published, [site.images]);
		await untilEnded(site, published, 1);
		const { results: noted } = await answered(() => site.api.listExecutions(published.id));
		const [execution] = await readAll(site, [noted[0].id]);
		const { startedAt, stoppedAt, resultData } = execution;
		const { message, description } = resultData.error ?? {};
		const results = (resultData.runData[DONE] ?? []).flatMap(({ data }) => data?.main.flat() ?? []);
		const statuses = results.map((item) => item?.json.status_name ?? item?.json.status);
		const tookMs = Date.parse(stoppedAt) - Date.parse(startedAt);
		return {
			plan,
			seconds: tookMs / 1000,
			toLimit: tookMs / (Math.ceil(items / slots) * jobMs),
			requests: site.sandbox.requests.filter(({ server }) => server === 'api').length / items,
			finished: statuses.filter((status) => status === 'succeed').length,
			...(message && { error: [message, description].filter(Boolean).join(' – ') }),
		};
	});
}

/** Of runs that cannot be compared with, unless all their items are finished. */
export function faultsOf(runs: Run[]): string[] {
	const wrong = runs.filter(({ error, finished, plan }) => error || finished !== plan.images);
	return wrong.map(
		({ plan, finished, error = '' }) => `${plan.way}: ${finished}/${plan.images} ${error}`,
	);
}

export async function polling(stage: Stage, quick: boolean): Promise<Section> {
	const { slots, jobMs, items, pauses, longMs } = quick ? QUICK : FULL;
	const [one, few, many] = items;
	const own = (images: number, toLimit: number, requests?: number, more: Partial<Plan> = {}) => ({
		...{ way: NODE, workflow: kling('poll'), images, slots, jobMs },
		...{ most: { toLimit, requests }, ...more },
	});
	const timed = (taskTimes: Plan['taskTimes'], jobMs = 5_000, toLimit = 1.15, more = '') =>
		own(many, toLimit, 2.5, { way: `${taskTimes} times${more}`, jobMs, taskTimes });
	const further: Plan[] = [
		own(many, 1.1, 3, { way: 'long tasks', jobMs: longMs }),
		own(one, 1.25, undefined, { way: 'a short task', jobMs: 3_000 }),
		own(one, 1.05, 6, { way: 'told the end', jobMs: FULL.jobMs, tellsEta: true }),
		...(['right', 'moving', 'missing', 'doubled'] as const).map((each) => timed(each)),
		timed('moving', FULL.jobMs, 1.05, ', 20 s'),
	];
	const loop = (pauseS: number, way: string, images: number): Plan => ({
		...{ way: `${way}, Wait ${pauseS} s`, images, slots, jobMs },
		workflow: httpLoop(pauseS, way === ONE_BY_ONE),
	});
	const [, rival] = stage.packages;
	const plans = [
		own(one, 1.2),
		own(few, 1.1),
		own(many, quick ? 1.1 : 1.05, quick ? undefined : 2.5),
		...(quick ? further.slice(0, 1) : further),
		...pauses.flatMap((pauseS) => [one, few].map((images) => loop(pauseS, ONE_BY_ONE, images))),
		...[slots, slots + 1].map((images) => loop(pauses[0], ALL_AT_ONCE, images)),
		...(rival ? [{ way: rival.name, workflow: useApiNet(), images: 1, slots, jobMs }] : []),
	];
	const runs: Run[] = [];
	for (const plan of plans) runs.push(await measure(stage, plan));
	const sizes = stage.packages.map(async ({ tarball }) => (await stat(tarball)).size);
	return {
		title: 'Waiting by polling',
		load: `One account with ${slots} job slots.`,
		checks: compare(runs, items, await Promise.all(sizes)),
		text: `The limit is ceil(items / slots) task times; job slots allow no less. "Times faster" comes from running ${slots} tasks side by side where the loop runs one after another; "computed": every further item takes the loop as long again. Tasks of ${jobMs / 1000} s suit a Wait of ${pauses.join(' or ')} s: it looks again just when they are finished. n8n-nodes-useapi-net has no field for the image, which the API requires.`,
		// What the others took is told by the targets above.
		tables: [runs.filter(({ plan }) => !further.includes(plan)).map(rowOf)],
		faults: faultsOf(runs.filter(({ plan }) => plan.most || plan.way.startsWith(ONE_BY_ONE))),
	};
}

/** What each run of the node is held to, and its runs beside the loop, also where it is not ahead. */
export function compare(
	runs: Run[],
	[one, few, many]: number[],
	[ownBytes, rivalBytes = NaN]: number[],
): Check[] {
	const fastest = (way: string, images: number) =>
		runs
			.filter(({ plan }) => plan.images === images)
			.filter(({ plan }) => (way === NODE ? plan.way === way : plan.way.startsWith(way)))
			.reduce((a, b) => (a.seconds <= b.seconds ? a : b));
	const [loopOne, loopFew] = [one, few].map((images) => fastest(ONE_BY_ONE, images));
	const loopEach = (loopFew.seconds - loopOne.seconds) / (few - one);
	const faster = (what: string, images: number, loop: number) =>
		atLeast(what, loop / fastest(NODE, images).seconds, tenths, 0.9 * few);
	const shown = (run: Run) => `${seconds(run.seconds)}, ${tenths(run.requests)} requests per task`;
	const beside = (images: number, what: string, other: Run): Check => ({
		what: count(images, 'item'),
		measured: `${shown(fastest(NODE, images))}; ${what} ${shown(other)}`,
	});
	const held = ({ plan: { way, images, most }, toLimit, requests }: Run) => [
		atMost(`${way}, ${count(images, 'item')}: of the limit`, toLimit, times, most?.toLimit),
		atMost(`${way}: requests per task`, requests, tenths, most?.requests),
	];
	return [
		...runs.flatMap(held).filter(({ target }) => target),
		faster(`${few} items: times faster than the loop`, few, loopFew.seconds),
		faster(`${many} items (computed)`, many, loopFew.seconds + (many - few) * loopEach),
		beside(one, 'the loop', loopOne),
		beside(few, 'HTTP nodes all at once', fastest(ALL_AT_ONCE, few)),
		atMost('Size of the package', ownBytes, kilobytes, PACKAGE_BYTES),
		atMost('Size of n8n-nodes-useapi-net', rivalBytes, kilobytes),
	];
}

function rowOf({ plan, error, finished, ...run }: Run): Row {
	return {
		'': plan.way,
		Items: String(plan.images),
		'Tasks of': seconds(plan.jobMs / 1000),
		Time: seconds(run.seconds),
		'Of the limit': times(run.toLimit),
		'Requests per task': tenths(run.requests),
		Finished: error ? `stops: ${error}` : `${finished}/${plan.images}`,
	};
}

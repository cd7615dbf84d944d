// Wait for Result → Pause Until Called Back, beside n8n's own Wait node in the same run.
import { setTimeout as pause } from 'node:timers/promises';
import * as executions from '../executions.mts';
import { atMost, count, megabytes, ms, percentiles, times } from '../report.mts';
import type { Check, Row, Section } from '../report.mts';
import type { Site, Stage } from '../stage.mts';
import { judge } from '../verdict.mts';
import { kling, waitNode } from '../workflows.mts';

/** A task is processing after a quarter of it, when its execution is suspended, and may be ended after it. */
export const JOB_MS = 3_000;
const MOST_CALLS = 5;
const NODE = 'Kling node';
const WAIT = "n8n's Wait node";

/**
 * So many executions of so many items each, with a pause between the ends of two tasks, or all at once; whether n8n's memory
 * at rest is looked at, which takes its time; and what they may take at most, also as multiples of what the Wait node takes.
 */
interface Plan {
	executions: number;
	items: number;
	pauseMs: number;
	/** How often both are measured, by turns, after one of the Wait node that does not count; without, once. */
	turns?: number;
	rest?: boolean;
	most?: { p95Ms?: number; cpuToWait?: number; p95ToWait?: number; slowestToWait?: number };
}
type Measured = Awaited<ReturnType<typeof resume>>;

/** Of Kling (own) or n8n's own Wait node, called at its resume URLs. */
async function resume(site: Site, plan: Plan, name: string, own: boolean) {
	const { images, probe, sandbox } = site;
	const { items, pauseMs } = plan;
	const memory: Row = { 'Size (in use)': name };
	const readMemory = async (when: string) => {
		if (!plan.rest) return;
		const { sizeBytes, usedBytes } = await probe.rest();
		memory[when] = `${megabytes(sizeBytes)} (${megabytes(usedBytes)})`;
	};
	const workflow = await site.publish(own ? kling('callback') : waitNode());
	const calls = Array.from({ length: plan.executions }, (_, at) =>
		images.slice(at * items, (at + 1) * items),
	);
	await readMemory('Before');
	const jobs = own ? await executions.suspend(site, workflow, calls) : [];
	const urls = own
		? jobs.map((job) => job.replyUrl)
		: await executions.start(site, workflow, calls);
	if (!own) await executions.untilParked(site, workflow, calls.length);
	await readMemory('All suspended');

	const posts: Array<{ url: string; at: number }> = [];
	const { cost } = await probe.around(async () => {
		const calling = urls.map(async (url, place) => {
			await pause(place * pauseMs);
			if (own) return sandbox.release(jobs[place].taskId);
			posts.push({ url, at: Date.now() });
			await fetch(url, { method: 'POST' }).catch(() => undefined);
		});
		await Promise.all(calling);
		await executions.untilEnded(site, workflow, plan.executions);
	});
	await readMemory('Afterwards');

	const callbacks = sandbox.callbacks.filter(({ statusName }) => statusName === 'succeed');
	const called = own ? callbacks : posts;
	const ids = [...new Set(urls.map(executions.executionIn))];
	const all = await executions.readAll(site, ids);
	const ended = all.filter(({ status }) => status === 'success');
	const tookMs = ended.map(({ id, stoppedAt }) => {
		const toIt = called.filter(({ url }) => executions.executionIn(url) === id);
		return Date.parse(stoppedAt) - Math.max(...toIt.map(({ at }) => at));
	});
	const [p95Ms, slowestMs] = percentiles(tookMs, 95, 100);
	const perTask = own ? sandbox.requests.length / jobs.length : NaN;
	const faults = own ? await judge(site, jobs, all) : [];
	if (perTask > MOST_CALLS) faults.push(`${name}: ${times(perTask)} API calls per task`);
	const cpuMs = cost.cpuMs / plan.executions;
	const row: Row = {
		'': name,
		'Ended well': `${ended.length}/${all.length}`,
		p95: ms(p95Ms),
		Slowest: ms(slowestMs),
		'API calls per task': times(perTask),
		'Processor time per execution': ms(cpuMs),
	};
	memory['Size at most'] = megabytes(cost.peakBytes);
	return { row, memory, p95Ms, slowestMs, cpuMs, faults };
}

const nameOf = ({ executions: many, items, pauseMs }: Plan) =>
	`${many} × ${count(items, 'item')}, ${pauseMs ? `every ${pauseMs} ms` : 'at once'}`;

/** @param waits the same with n8n's own Wait node */
function checksOf(plan: Plan, owns: Measured[], waits: Measured[]): Check[] {
	const { p95Ms, cpuToWait, p95ToWait, slowestToWait } = plan.most ?? {};
	const name = nameOf(plan);
	const toWait = (what: string, key: 'cpuMs' | 'p95Ms' | 'slowestMs', most?: number) => {
		const sum = (all: Measured[]) => all.reduce((total, measured) => total + measured[key], 0);
		if (waits.length === 0 || !most) return [];
		return [atMost(`${name}: ${what}, of the Wait node's`, sum(owns) / sum(waits), times, most)];
	};
	const slowestP95 = Math.max(...owns.map((own) => own.p95Ms));
	return [
		...(p95Ms ? [atMost(`${name}: p95`, slowestP95, ms, p95Ms)] : []),
		...toWait('processor time', 'cpuMs', cpuToWait),
		...toWait('p95', 'p95Ms', p95ToWait),
		...toWait('slowest', 'slowestMs', slowestToWait),
	];
}

/** Each plan with Kling; those of one item an execution with n8n's own Wait node too. */
export async function callbacks(stage: Stage, quick: boolean): Promise<Section> {
	const one = { executions: 1, pauseMs: 0 };
	const many = { items: 1, rest: true, turns: 2 };
	const spaced = { cpuToWait: 1.1, p95ToWait: 1.2 };
	const atOnce = { cpuToWait: 1.1, slowestToWait: 1.2 };
	const plans: Plan[] = [
		// First, so that n8n has run for a while when a single execution is measured.
		{ executions: quick ? 15 : 60, items: 1, pauseMs: 400, most: { p95Ms: 1_000 } },
		{ ...one, items: 1, most: { p95Ms: 500 } },
		{ ...one, items: 10, most: { p95Ms: 500 } },
		{ ...one, items: 40, most: { p95Ms: 3_000 } },
		{ ...one, items: 40, pauseMs: 300, most: { p95Ms: 3_000 } },
		// About what n8n can do with one processor of its own.
		...(quick ? [] : [{ ...many, executions: 125, pauseMs: 240, most: spaced }]),
		{ ...many, executions: quick ? 50 : 500, pauseMs: 0, most: atOnce },
	];
	const [checks, measured]: [Check[], Measured[]] = [[], []];
	const measure = async (plan: Plan, own: boolean) => {
		const options = { images: plan.executions * plan.items, jobMs: JOB_MS, hold: true };
		const name = `${own ? NODE : WAIT}: ${nameOf(plan)}`;
		return await stage.site(name, options, (site) => resume(site, plan, name, own));
	};
	for (const plan of plans) {
		const [owns, waits]: Measured[][] = [[], []];
		// What n8n grows by in the first turn it need not grow by again.
		if (plan.turns) await measure(plan, false);
		for (let turn = 0; turn < (plan.turns ?? 1); turn++) {
			owns.push(await measure(plan, true));
			if (plan.items === 1) waits.push(await measure(plan, false));
			measured.push(owns[turn], ...waits.slice(turn));
		}
		checks.push(...checksOf(plan, owns, waits));
	}
	const memories = measured.filter(({ memory }) => memory.Before).map(({ memory }) => memory);
	return {
		title: 'Pause Until Called Back',
		load: 'Executions × items; accounts with 50 job slots, as many as the items need.',
		checks,
		text: "Times are from the final callback, or the call of the Wait node, to the end of the execution. Where there are several rows of a kind both were measured by turns, after a first turn of the Wait node's that does not count: n8n grows in it.",
		tables: [measured.map(({ row }) => row), memories],
		faults: measured.flatMap(({ faults }) => faults),
	};
}

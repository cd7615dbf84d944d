// Wait for Result → Pause Until Called Back, beside n8n's own Wait node in the same run.
import { setTimeout as pause } from 'node:timers/promises';
import { step } from '../../tools/terminal.mts';
import * as executions from '../executions.mts';
import { atMost, count, megabytes, ms, percentiles, times } from '../report.mts';
import type { Check, Section } from '../report.mts';
import type { Site, Stage } from '../stage.mts';
import { judge, type Verdict } from '../verdict.mts';
import { kling, waitNode } from '../workflows.mts';

/** A task is processing after a quarter of it, when its execution is suspended, and may be ended after it. */
export const JOB_MS = 3_000;
/** About what n8n can do with one processor of its own. */
const STEADY_MS = 240;
const MOST_CALLS = 5;

/** So many executions of so many items each, with a pause between the ends of two tasks, or all at once. */
type Plan = { executions: number; items: number; pauseMs: number; targetMs?: number };
type Table = Section['tables'][number];
type Measured = Verdict & { checks: Check[]; row: string[]; memory: string[] };

/** Of Kling (own) or n8n's own Wait node, called at its resume URLs; with n8n's memory at rest, which takes its time. */
async function resume(site: Site, plan: Plan, own: boolean, rest: boolean): Promise<Measured> {
	const { api, images, probe, sandbox } = site;
	const { items, pauseMs, targetMs = NaN } = plan;
	const memory: string[] = [];
	const readMemory = async () => {
		if (!rest) return;
		const { sizeBytes, usedBytes } = await probe.rest();
		memory.push(`${megabytes(sizeBytes)} (${megabytes(usedBytes)})`);
	};
	const workflow = await site.publish(own ? kling('callback') : waitNode());
	const calls = Array.from({ length: plan.executions }, (_, at) =>
		images.slice(at * items, (at + 1) * items),
	);
	await readMemory();
	const jobs = own ? await executions.suspend(site, workflow, calls) : [];
	const urls = own ? [] : await executions.start(workflow, calls);
	if (!own) await executions.untilWaiting(site, workflow, calls.length);
	await readMemory();

	const called: Array<{ executionId: string; at: number; answer: string }> = [];
	const { result: decided, cost } = await probe.around(async () => {
		const calling = urls.map(async (url, place) => {
			await pause(place * pauseMs);
			const at = Date.now();
			const { status } = await fetch(url, { method: 'POST' }).catch(() => ({ status: 'none' }));
			called.push({ executionId: executions.executionIn(url), at, answer: String(status) });
		});
		for (const { taskId } of jobs) {
			sandbox.release(taskId);
			if (pauseMs) await pause(pauseMs);
		}
		await Promise.all(calling);
		return await executions.untilEnded(site, workflow);
	});
	await readMemory();

	for (const { statusName, at, url, answer = 'none' } of sandbox.callbacks) {
		const executionId = executions.executionIn(url);
		if (statusName === 'succeed') called.push({ executionId, at, answer: String(answer) });
	}
	const all = await executions.answered(async () => await api.listExecutions(workflow.id));
	const ended = all.filter(({ status }) => status === 'success');
	const calledAt = (id: string) =>
		called.filter((call) => call.executionId === id).map(({ at }) => at);
	const tookMs = ended.map(
		({ id, stoppedAt }) => Date.parse(stoppedAt!) - Math.max(...calledAt(id)),
	);
	const [p50, p95, slowest] = percentiles(tookMs, 50, 95, 100);
	const perTask = own ? sandbox.requests.length / jobs.length : NaN;
	const verdict = await judge(site, jobs, decided);
	const many = `${count(plan.executions, 'execution')} of ${count(items, 'item')}`;
	const what = `${many}, ${pauseMs ? `one every ${pauseMs} ms` : 'all at once'}`;
	const name = `${own ? 'Kling node' : "n8n's Wait node"}: ${what}`;
	const faults = perTask > MOST_CALLS ? [`${name}: ${times(perTask)} API calls per task`] : [];
	const refused = called.filter(({ answer }) => answer !== '200').length;
	return {
		checks: own && targetMs ? [atMost(`${what}: p95`, p95, targetMs, ms)] : [],
		row: [
			name,
			`${ended.length} of ${all.length}`,
			...[p50, p95, slowest].map(ms),
			String(refused),
			times(perTask),
			ms(cost.cpuMs / plan.executions),
			ms(cost.stallMs),
		],
		memory: [name, ...memory, megabytes(cost.peakBytes)],
		faults: [...faults, ...verdict.faults],
		undecided: verdict.undecided,
	};
}

/** Each plan with Kling; those of one item an execution with n8n's own Wait node too. */
async function resumeAll(stage: Stage, title: string, plans: Plan[], rest: boolean) {
	const measured: Measured[] = [];
	for (const plan of plans) {
		for (const own of plan.items === 1 ? [true, false] : [true]) {
			const options = { images: plan.executions * plan.items, jobMs: JOB_MS, hold: true };
			const work = async (site: Site) => await resume(site, plan, own, rest);
			const what = `${own ? 'Kling' : 'Wait'}: ${plan.executions} × ${count(plan.items, 'item')}`;
			measured.push(await step(what, async () => await stage.site(options, work)));
		}
	}
	const head = ['', 'Ended well', 'p50', 'p95', 'Slowest', 'Calls refused', 'API calls per task'];
	const memoryHead = ['Size (in use)', 'Before', 'All waiting', 'Afterwards', 'Size at most'];
	const rows: Table = [
		[...head, 'Processor time per execution', 'Longest stall'],
		measured.map(({ row }) => row),
	];
	const memories: Table = [memoryHead, measured.map(({ memory }) => memory)];
	return {
		title,
		load: 'Accounts with 50 job slots, as many as the items need.',
		checks: measured.flatMap(({ checks }) => checks),
		text: 'Times are from the final callback, or the call of the Wait node, to the end of the execution. Nobody gives up on a call here, however late n8n answers; n8n does not take one whose caller is gone, which is what the time limit is for.',
		tables: rest ? [rows, memories] : [rows],
		faults: measured.flatMap(({ faults }) => faults),
		undecided: measured.flatMap(({ undecided }) => undecided),
	};
}

export async function callbacks(stage: Stage, quick: boolean): Promise<Section> {
	const plans = [
		{ executions: 1, items: 1, pauseMs: 0, targetMs: 500 },
		{ executions: 1, items: 10, pauseMs: 0, targetMs: 500 },
		{ executions: 1, items: 40, pauseMs: 0, targetMs: 5_000 },
		{ executions: 1, items: 40, pauseMs: 300, targetMs: 5_000 },
		{ executions: quick ? 15 : 60, items: 1, pauseMs: 400, targetMs: 1_000 },
	];
	return await resumeAll(stage, 'Pause Until Called Back', plans, false);
}

export async function waiting(stage: Stage, quick: boolean): Promise<Section> {
	const pauses = quick ? [0] : [STEADY_MS, 0];
	const plans = pauses.map((pauseMs) => ({ executions: quick ? 50 : 500, items: 1, pauseMs }));
	return await resumeAll(stage, 'Many waiting executions', plans, true);
}

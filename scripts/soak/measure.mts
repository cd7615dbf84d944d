// What is measured. Every measurement parks executions, lets their tasks end, and judges every execution.
import { setTimeout as pause } from 'node:timers/promises';
import { forge, sendForged } from './forged.mts';
import { answered, endTasks, park, settle, untilEnded, type Job } from './jobs.mts';
import {
	endedRow,
	executionsIn,
	latencyRow,
	listed,
	memoryRow,
	ms,
	workRows,
	type Measurement,
	type Row,
} from './rows.mts';
import type { Stage } from './stage.mts';
import { countBy, percentile } from './statistics.mts';
import { judge, nodeStarts, type NodeStart } from './verdict.mts';
import { atRest, during } from './vitals.mts';
import { UPSCALE, type Published } from './workflows.mts';

const LATENCY_TARGET_MS = 1_000;
const CALLS_TARGET = 5;
const BATCH_TARGET_MS = 5_000;
/** n8n writes its event log a moment later. */
const EVENTS_LATE_MS = 1_000;
/** Between the ends that forged calls are mixed with. */
const MIXED_PAUSE_MS = 200;
/** How many of the forged calls come again while the tasks end. */
const MIXED_SHARE = 0.2;
const LATENCY = 'From the final callback to the end of the execution';

let rounds = 0;
/** Never the same twice, so that a job that was sent twice shows. */
function references(count: number): string[] {
	rounds++;
	return Array.from({ length: count }, (_, place) => `${rounds}-${place + 1}`);
}
const singles = (count: number): string[][] => references(count).map((reference) => [reference]);

/** From the sandbox sending an execution's last final callback to the execution's end, in ms, per execution. */
async function latencies(
	{ api, sandbox }: Stage,
	{ id }: Published,
	jobs: Job[],
): Promise<number[]> {
	const executionOf = new Map(jobs.map(({ taskId, executionId }) => [taskId, executionId]));
	const calledAtMs = new Map<string, number>();
	for (const { at, taskId, statusName } of sandbox.callbacks) {
		const executionId = executionOf.get(taskId);
		if (statusName === 'succeed' && executionId) calledAtMs.set(executionId, at);
	}
	const executions = await answered(async () => await api.listExecutions(id));
	return executions.flatMap((execution) => {
		const at = calledAtMs.get(execution.id);
		const { status, stoppedAt } = execution;
		return at !== undefined && status === 'success' && stoppedAt
			? [Date.parse(stoppedAt) - at]
			: [];
	});
}

/** Calls of the API, and what became of the final callbacks. */
function trafficOf(
	{ sandbox }: Stage,
	jobs: Job[],
	sinceMs: number,
): Pick<Measurement, 'rows' | 'faults'> {
	const requests = sandbox.requests.filter(({ server, at }) => server === 'api' && at >= sinceMs);
	const byPath = countBy(requests, ({ method, path }) => `${method} ${path.replace(/\d+$/, '…')}`);
	const perTask = requests.length / jobs.length;
	const met = perTask <= CALLS_TARGET;
	const tasks = new Set(jobs.map(({ taskId }) => taskId));
	const final = sandbox.callbacks.filter(
		({ taskId, statusName }) => statusName === 'succeed' && tasks.has(taskId),
	);
	const took = final.flatMap(({ tookMs }) => tookMs ?? []);
	const rows: Row[] = [
		{
			what: 'API calls per task',
			measured: `${perTask.toFixed(2)} (${listed(byPath)})`,
			target: `at most ${CALLS_TARGET}`,
			met,
		},
		{
			what: "n8n's answers to the final callbacks",
			measured: `${listed(countBy(final, ({ answer, error }) => String(answer ?? error)))}, after p95 ${ms(percentile(took, 95))}, max ${ms(percentile(took, 100))}`,
		},
	];
	return { rows, faults: met ? [] : [`${perTask.toFixed(2)} API calls per task`] };
}

/** Ends the tasks and waits for the executions. */
const letEnd = async (stage: Stage, workflow: Published, jobs: Job[], pauseMs: number) =>
	await during(stage.n8n, async () => {
		await endTasks(stage, jobs, pauseMs);
		return await untilEnded(stage, workflow);
	});

/** Executions of one item, whose tasks end one after another. */
export async function calm(stage: Stage, count: number, pauseMs: number): Promise<Measurement> {
	const { single } = stage;
	const sinceMs = Date.now();
	const jobs = await park(stage, single, singles(count));
	const { result: decided, vitals } = await letEnd(stage, single, jobs, pauseMs);
	const values = await latencies(stage, single, jobs);
	const verdict = await judge(stage, jobs, decided);
	const traffic = trafficOf(stage, jobs, sinceMs);
	return {
		title: `${count} executions, one task ends every ${ms(pauseMs)}`,
		rows: [
			endedRow(count, verdict),
			{
				...latencyRow(LATENCY, values),
				target: `p95 under ${ms(LATENCY_TARGET_MS)}`,
				met: percentile(values, 95) < LATENCY_TARGET_MS,
			},
			...traffic.rows,
			...workRows(vitals, count),
		],
		faults: [...verdict.faults, ...traffic.faults],
		undecided: verdict.undecided,
	};
}

/**
 * Many executions of one item. Memory before, while all are parked, while they resume, and after.
 *
 * @param pauseMs between two ends; 0 for all at once
 */
export async function soak(stage: Stage, count: number, pauseMs: number): Promise<Measurement> {
	const { single, n8n } = stage;
	const before = await atRest(n8n);
	const sinceMs = Date.now();
	const { result: jobs, vitals: parking } = await during(
		n8n,
		async () => await park(stage, single, singles(count)),
	);
	const parkedMs = Date.now() - sinceMs;
	const parked = await atRest(n8n);
	const { result: decided, vitals } = await letEnd(stage, single, jobs, pauseMs);
	const after = await atRest(n8n);
	const values = await latencies(stage, single, jobs);
	const verdict = await judge(stage, jobs, decided);
	const traffic = trafficOf(stage, jobs, sinceMs);
	return {
		title: `${count} parked executions, ${pauseMs > 0 ? `one task ends every ${ms(pauseMs)}` : 'all tasks end at once'}`,
		rows: [
			endedRow(count, verdict),
			latencyRow(LATENCY, values),
			...traffic.rows,
			{ what: 'Until all were parked', measured: ms(parkedMs) },
			memoryRow('Memory before', before),
			memoryRow('Memory while they start, at most', parking),
			memoryRow(`Memory with ${count} parked`, parked),
			memoryRow('Memory while they resume, at most', vitals),
			memoryRow('Memory after', after),
			...workRows(vitals, count),
		],
		faults: [...verdict.faults, ...traffic.faults],
		undecided: verdict.undecided,
	};
}

/** One execution with many items. */
export async function batch(stage: Stage, items: number, pauseMs: number): Promise<Measurement> {
	const { many } = stage;
	const sinceMs = Date.now();
	const jobs = await park(stage, many, [references(items)]);
	const { result: decided, vitals } = await letEnd(stage, many, jobs, pauseMs);
	const [latency = NaN] = await latencies(stage, many, jobs);
	const verdict = await judge(stage, jobs, decided);
	const traffic = trafficOf(stage, jobs, sinceMs);
	return {
		title: `${items} items in one execution, ${pauseMs > 0 ? `one task ends every ${ms(pauseMs)}` : 'all tasks end at once'}`,
		rows: [
			endedRow(1, verdict),
			{
				what: 'From the last final callback to the end of the execution',
				measured: ms(latency),
				target: `within ${ms(BATCH_TARGET_MS)}`,
				met: latency <= BATCH_TARGET_MS,
			},
			...traffic.rows,
			...workRows(vitals, 1),
		],
		faults: [...verdict.faults, ...traffic.faults],
		undecided: verdict.undecided,
	};
}

/** Calls that only look like useapi.net's, while the tasks run; then the tasks end, amid more of them. */
export async function forged(
	stage: Stage,
	executions: number,
	count: number,
): Promise<Measurement> {
	const { single, sandbox } = stage;
	const jobs = await park(stage, single, singles(executions));
	const before = await stateOf(stage);
	const startsBefore = await startsOf(stage, jobs);
	const sinceMs = Date.now();
	const answers = await sendForged(forge(jobs, count));
	await pause(EVENTS_LATE_MS);

	const looks = sandbox.requests.filter(({ at }) => at >= sinceMs).length;
	const newStarts = (await nodeStarts(stage)).slice(startsBefore.length);
	const after = await stateOf(stage);
	const moved = [
		...after.filter((line) => !before.includes(line)),
		...before.filter((line) => !after.includes(line)),
		...newStarts.map(({ executionId, node }) => `Execution ${executionId}: "${node}" ran`),
	].map((line) => `${line}, after a forged call`);

	const mixed = forge(jobs, count * MIXED_SHARE);
	const [{ result: decided }] = await Promise.all([
		letEnd(stage, single, jobs, MIXED_PAUSE_MS),
		sendForged(mixed),
	]);
	const verdict = await judge(stage, jobs, decided);
	const kinds = [...new Set(answers.map(({ kind }) => kind))];
	return {
		title: `${count} forged calls at ${executions} parked executions`,
		rows: [
			{
				what: 'Executions that a forged call resumed, started or changed',
				measured: String(executionsIn(moved)),
				target: '0',
				met: moved.length === 0,
			},
			{
				what: "n8n's answers to the forged calls",
				measured: listed(countBy(answers, ({ answer }) => answer)),
			},
			{ what: 'Looks at the API that they caused', measured: String(looks) },
			{
				...endedRow(executions, verdict),
				what: `Then, with the true callbacks amid ${mixed.length} more forged ones: ended wrongly, twice or never`,
			},
		],
		details: kinds.map((kind) => {
			const own = answers.filter((answer) => answer.kind === kind);
			return { what: kind, measured: listed(countBy(own, ({ answer }) => answer)) };
		}),
		faults: [...moved, ...verdict.faults],
		undecided: verdict.undecided,
	};
}

/** The nodes that have run so far; n8n writes its event log after it has noted that an execution is parked. */
async function startsOf(stage: Stage, jobs: Job[]): Promise<NodeStart[]> {
	let starts: NodeStart[] = [];
	await settle(async () => {
		starts = await nodeStarts(stage);
		const begun = new Set(
			starts.filter(({ node }) => node === UPSCALE).map(({ executionId }) => executionId),
		);
		return { left: jobs.filter(({ executionId }) => !begun.has(executionId)).length, busy: false };
	});
	return starts;
}

/** All executions there are, and whether and until when each is parked. */
async function stateOf({ api, single, many }: Stage): Promise<string[]> {
	const list = async (id: string) => await answered(async () => await api.listExecutions(id));
	const all = [...(await list(single.id)), ...(await list(many.id))];
	return all.map(({ id, status, waitTill }) => `Execution ${id}: ${status}, until ${waitTill}`);
}

// The same with n8n's own Wait node: what of a soak's cost is n8n's own.
import { answered, eachOf, startAll, untilEnded, untilParked } from './jobs.mts';
import { latencyRow, listed, memoryRow, workRows, type Measurement } from './rows.mts';
import type { Stage } from './stage.mts';
import { countBy } from './statistics.mts';
import { atRest, during } from './vitals.mts';

/** Executions parked at a Wait node, all called back at once. They tell nothing about Kling, so nothing is a fault. */
export async function compare(stage: Stage, count: number): Promise<Measurement> {
	const { n8n, api, wait } = stage;
	const before = await atRest(n8n);
	const resumeUrls = await startAll(
		wait,
		Array.from({ length: count }, () => ({})),
	);
	await untilParked(stage, wait, count);
	const parked = await atRest(n8n);

	const calledAtMs = Date.now();
	const answers: string[] = [];
	const { vitals } = await during(n8n, async () => {
		await eachOf(resumeUrls, count, async (url) => {
			const response = await fetch(url, { method: 'POST' }).catch((error: Error) => error);
			answers.push(response instanceof Error ? response.name : String(response.status));
		});
		await untilEnded(stage, wait);
	});
	const after = await atRest(n8n);
	const executions = await answered(async () => await api.listExecutions(wait.id));
	const ended = executions.filter(({ status }) => status === 'success');
	return {
		title: `For comparison: ${count} executions parked at n8n's own Wait node, all called at once`,
		rows: [
			{ what: 'Executions that did not end well', measured: `${count - ended.length} of ${count}` },
			latencyRow(
				'From the call to the end of the execution',
				ended.map(({ stoppedAt }) => Date.parse(stoppedAt ?? '') - calledAtMs),
			),
			{ what: "n8n's answers", measured: listed(countBy(answers, (answer) => answer)) },
			memoryRow('Memory before', before),
			memoryRow(`Memory with ${count} parked`, parked),
			memoryRow('Memory while they resume, at most', vitals),
			memoryRow('Memory after', after),
			...workRows(vitals, count),
		],
		faults: [],
		undecided: [],
	};
}

// What a measurement says, line by line.
import { spreadOf } from './statistics.mts';
import type { Verdict } from './verdict.mts';
import type { Memory, Vitals } from './vitals.mts';

export interface Row {
	what: string;
	measured: string;
	/** What it should be, and whether it is. */
	target?: string;
	met?: boolean;
}
export interface Measurement {
	title: string;
	rows: Row[];
	/** Too long for the terminal. */
	details?: Row[];
	/** What does not depend on the machine and went wrong; empty when all is well. */
	faults: string[];
	/** Executions of which this machine was too slow to tell; empty when all is well. */
	undecided: string[];
}

export const ms = (value: number): string =>
	value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`;
const mb = (value: number) => `${Math.round(value)} MB`;

export const listed = (counts: Map<string, number>): string =>
	[...counts].map(([key, count]) => `${count} × ${key}`).join(', ') || 'none';

export const memoryRow = (what: string, { residentMb, heapMb }: Memory): Row => ({
	what,
	measured: `${mb(residentMb)} resident, ${mb(heapMb)} of JavaScript objects`,
});

export function latencyRow(what: string, values: number[]): Row {
	const { count, p50, p95, max } = spreadOf(values);
	const measured = `p50 ${ms(p50)}, p95 ${ms(p95)}, max ${ms(max)} (${count} executions)`;
	return { what, measured: count === 0 ? 'none ended' : measured };
}

export const workRows = ({ stallMs, cpuMs }: Vitals, executions: number): Row[] => [
	{ what: 'Processor time of n8n per resumed execution', measured: ms(cpuMs / executions) },
	{ what: 'Longest stall of n8n', measured: ms(stallMs) },
];

/** Every fault begins with the execution it is about. */
export const executionsIn = (faults: string[]): number =>
	new Set(faults.map((fault) => fault.split(':')[0])).size;

export function endedRow(executions: number, { faults, undecided }: Verdict): Row {
	const slow = undecided.length > 0 ? `, ${undecided.length} undecided, too slow` : '';
	return {
		what: 'Executions that ended wrongly, twice or never',
		measured: `${executionsIn(faults)} of ${executions}${slow}`,
		target: '0',
		met: faults.length + undecided.length === 0,
	};
}

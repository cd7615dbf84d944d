// What a scenario has to tell, as people read it, and the page that it is written to.
import { createHistogram } from 'node:perf_hooks';
import type { Verdict } from './verdict.mts';

/** A figure beside what it should be, or beside what it is compared with. */
export type Check = { what: string; measured: string; target?: string; met?: boolean };
/** The load is what accounts and tasks there were. */
export interface Section extends Partial<Verdict> {
	title: string;
	load: string;
	checks: Check[];
	text?: string;
	tables: Array<[head: string[], rows: string[][]]>;
}

type Write = (value: number) => string;
function known(write: Write): Write {
	return (value) => (Number.isFinite(value) ? write(value) : '–');
}
export const seconds = known((value) => `${value.toFixed(1)} s`);
export const ms = known((value) =>
	value < 1_000 ? `${value.toFixed(0)} ms` : seconds(value / 1e3),
);
export const times = known((value) => value.toFixed(2));
export const tenths = known((value) => value.toFixed(1));
export const megabytes = known((bytes) => `${(bytes / 1e6).toFixed(0)} MB`);
export const kilobytes = known((bytes) => `${(bytes / 1e3).toFixed(1)} kB`);
export const count = (number: number, what: string): string =>
	`${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`;

function check(what: string, value: number, target: string, met: boolean, write: Write): Check {
	return { what, measured: write(value), target, met: Number.isFinite(value) ? met : undefined };
}
export const atMost = (what: string, value: number, most: number, write: Write): Check =>
	check(what, value, `at most ${write(most)}`, value <= most, write);
export const atLeast = (what: string, value: number, least: number, write: Write): Check =>
	check(what, value, `at least ${write(least)}`, value >= least, write);

/** Of times in whole ms; NaN of none. */
export function percentiles(valuesMs: number[], ...percents: number[]): number[] {
	const histogram = createHistogram();
	for (const value of valuesMs) histogram.record(Math.max(1, Math.round(value)));
	return percents.map((percent) => (valuesMs.length > 0 ? histogram.percentile(percent) : NaN));
}

/** Cells are texts of one line; a bar in one would end it. */
export function table(head: string[], rows: string[][]): string {
	const line = (cells: string[]) =>
		`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
	return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function summary(checks: Check[]): string {
	const verdict = (met?: boolean) => (met === undefined ? '–' : met ? 'yes' : '**no**');
	return table(
		['What', 'Measured', 'Target', 'Met'],
		checks.map(({ what, measured, target = '–', met }) => [what, measured, target, verdict(met)]),
	);
}

/** @param conditions when, with what and on which machine it was measured */
export function asMarkdown(section: Section, conditions: string): string {
	const { title, load, checks, text, tables, faults = [], undecided = [] } = section;
	const found = `Faults found: ${faults.length}; undecided, too slow: ${undecided.length}.`;
	return [
		`## ${title}`,
		`${conditions} ${load} ${found}`,
		...(checks.length > 0 ? [summary(checks)] : []),
		...(text ? [text] : []),
		...tables.map(([head, rows]) => table(head, rows)),
	].join('\n\n');
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
export function fillIn(document: string, name: string, content: string): string {
	const [before, rest, ...more] = document.split(`<!-- ${name} -->`);
	const [, after] = rest?.split(`<!-- /${name} -->`) ?? [];
	if (after === undefined || more.length > 0) throw new Error(`There is no one place ${name}`);
	return `${before}<!-- ${name} -->\n\n${content}\n\n<!-- /${name} -->${after}`;
}

// What a scenario has to tell, as people read it, and the page that it is written to.

/** A figure beside what it should be, or beside what it is compared with. */
export type Check = { what: string; measured: string; target?: string; met?: boolean };
/** Of a table, by column. */
export type Row = Record<string, string>;
/** The load is what accounts and tasks there were. */
export interface Section {
	title: string;
	load: string;
	checks: Check[];
	text?: string;
	tables: Row[][];
	/** What no execution may do: be lost, end twice or wrongly. */
	faults: string[];
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

/** Without a target the figure is there to compare with. */
export function atMost(what: string, value: number, write: Write, most?: number): Check {
	const measured = write(value);
	if (most === undefined) return { what, measured };
	const met = Number.isFinite(value) ? value <= most : undefined;
	return { what, measured, target: `≤ ${write(most)}`, met };
}
export function atLeast(what: string, value: number, write: Write, least: number): Check {
	const met = Number.isFinite(value) ? value >= least : undefined;
	return { what, measured: write(value), target: `≥ ${write(least)}`, met };
}

/** NaN of no values. */
export function percentiles(values: number[], ...percents: number[]): number[] {
	const sorted = values.toSorted((a, b) => a - b);
	return percents.map((percent) => sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? NaN);
}

/** A bar in a cell would end it. */
export function table(rows: Row[]): string {
	const line = (cells: string[]) =>
		`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
	const head = Object.keys(rows[0]);
	return [head, head.map(() => '---'), ...rows.map(Object.values<string>)].map(line).join('\n');
}

export function summary(checks: Check[]): string {
	const verdict = (met?: boolean) => (met === undefined ? '–' : met ? '✓' : '**missed**');
	return table(
		checks.map(({ what, measured, target = '–', met }) => ({
			What: what,
			Measured: measured,
			Target: target,
			Met: verdict(met),
		})),
	);
}

/** @param conditions when, with what and on which machine it was measured */
export function asMarkdown(section: Section, conditions: string): string {
	const { title, load, checks, text, tables, faults } = section;
	return [
		`## ${title}`,
		`${conditions} ${load} Faults found: ${faults.length}.`,
		...(checks.length > 0 ? [summary(checks)] : []),
		...(text ? [text] : []),
		...tables.filter((rows) => rows.length > 0).map(table),
	].join('\n\n');
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
export function fillIn(document: string, name: string, content: string): string {
	const [before, rest, ...more] = document.split(`<!-- ${name} -->`);
	const [, after] = rest?.split(`<!-- /${name} -->`) ?? [];
	if (after === undefined || more.length > 0) throw new Error(`There is no one place ${name}`);
	return `${before}<!-- ${name} -->\n\n${content}\n\n<!-- /${name} -->${after}`;
}

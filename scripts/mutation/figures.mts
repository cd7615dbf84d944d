// What Stryker's JSON report says, as text for the terminal and as a table for docs/mutation.md.
export interface Mutant {
	mutatorName: string;
	replacement?: string;
	status:
		| 'Killed'
		| 'Timeout'
		| 'Survived'
		| 'NoCoverage'
		| 'Ignored'
		| 'RuntimeError'
		| 'CompileError';
	location: { start: { line: number; column: number }; end: { line: number; column: number } };
}

/** The mutation-testing report schema, as far as it is read here. */
export interface Report {
	files: Record<string, { source: string; mutants: Mutant[] }>;
}

const COLUMNS = ['Killed', 'Timeout', 'Survived', 'NoCoverage'] as const;

type Row = Record<(typeof COLUMNS)[number], number>;

const count = (mutants: Mutant[]): Row => {
	const row: Row = { Killed: 0, Timeout: 0, Survived: 0, NoCoverage: 0 };
	for (const { status } of mutants) if (status in row) row[status as keyof Row]++;
	return row;
};

const total = (row: Row) => COLUMNS.reduce((sum, column) => sum + row[column], 0);

/** In percent, as Stryker counts: what times out is noticed too; what no test reaches is not. */
const score = (row: Row) => `${((100 * (row.Killed + row.Timeout)) / total(row)).toFixed(1)} %`;

const line = (name: string, row: Row) =>
	`| ${[name, total(row), ...COLUMNS.map((column) => row[column]), score(row)].join(' | ')} |`;

function wanted(report: Report, paths: string[]) {
	return Object.entries(report.files)
		.filter(([file]) => paths.length === 0 || paths.some((path) => file.startsWith(path)))
		.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** @param paths files or folders; all of them unless some are named */
export function figures(report: Report, paths: string[] = []): string {
	const rows = wanted(report, paths)
		.map(([file, { mutants }]) => ({ file, row: count(mutants) }))
		.filter(({ row }) => total(row) > 0);
	const all = count(wanted(report, paths).flatMap(([, { mutants }]) => mutants));
	return [
		'| File | Mutants | Killed | Timed out | Survived | No coverage | Score |',
		'| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
		...rows.map(({ file, row }) => line(`\`${file}\``, row)),
		line('**All**', all),
	].join('\n');
}

/** Each mutant that no test noticed, with what it would change. */
export function survivors(report: Report, paths: string[]): string {
	return wanted(report, paths)
		.flatMap(([file, { source, mutants }]) =>
			mutants
				.filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
				.sort((a, b) => a.location.start.line - b.location.start.line)
				.map(({ location: { start, end }, mutatorName, replacement, status }) => {
					const lines = source.split('\n').slice(start.line - 1, end.line);
					lines[lines.length - 1] = lines[lines.length - 1].slice(0, end.column - 1);
					lines[0] = lines[0].slice(start.column - 1);
					const [was, is] = [lines.join(' '), replacement ?? ''].map((text) =>
						text.replaceAll(/\s+/g, ' ').slice(0, 100),
					);
					return `${file}:${start.line}:${start.column} ${status} ${mutatorName}\n  - ${was}\n  + ${is}`;
				}),
		)
		.join('\n');
}

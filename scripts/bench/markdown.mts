// Tables and marked places in Markdown files.

/** Cells are texts of one line; a bar in one would end it. */
export function table(head: string[], rows: string[][]): string {
	const line = (cells: string[]) =>
		`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
	return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
export function fillIn(document: string, name: string, content: string): string {
	const begin = `<!-- ${name} -->`;
	const end = `<!-- /${name} -->`;
	const from = document.indexOf(begin);
	const to = document.indexOf(end);
	if (from < 0 || to < from) throw new Error(`There is no place ${begin} … ${end} to write to`);
	return `${document.slice(0, from + begin.length)}\n\n${content}\n\n${document.slice(to)}`;
}

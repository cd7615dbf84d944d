import { asPair, callNames, calls, type CallPromises } from './fault-table.mts';
import { faultNames, faults, outcomes, type FaultName, type Outcome } from './faults.mts';

/** The fault table as it stands in docs/reliability.md, as Prettier would write it. */

export const BEGIN = '<!-- The fault table: made from test/engine/support/fault-table.mts -->';
export const END = '<!-- End of the fault table -->';

/** Said once above the tables, in docs/reliability.md: "A broken answer is …". */
const BROKEN: FaultName[] = [
	'hang',
	'stall',
	'resetBefore',
	'resetAfter',
	'truncated',
	'html',
	'empty',
	'huge',
];
/** The same for every call, and said once as well. */
const EVERYWHERE: Partial<Record<FaultName, Outcome>> = { slow: 'fine', bigIds: 'exact' };

const HEAD = ['Fault', 'What happens', 'If it stays'];

export function faultTable(): string {
	return callNames.map((call) => section(calls[call])).join('\n\n');
}

function section({ title, about, promises }: CallPromises): string {
	const rows = new Map<string, { names: FaultName[]; cells: string[] }>();
	for (const name of faultNames) {
		const [once, lasting] = asPair(promises[name]);
		if (EVERYWHERE[name] === once && once === lasting) continue;
		const cells = [outcomes[once], lasting === once ? '' : outcomes[lasting]];
		const key = cells.join('|');
		rows.set(key, { cells, names: [...(rows.get(key)?.names ?? []), name] });
	}
	const body = [...rows.values()].map(({ names, cells }) => [listed(names), ...cells]);
	return `### ${title}\n\n${about}\n\n${aligned([HEAD, ...body])}`;
}

/** "HTTP 401, 402, a web page": the word HTTP once, and all kinds of broken answers as one. */
function listed(names: FaultName[]): string {
	const areAllBroken = BROKEN.every((name) => names.includes(name));
	const words = names
		.filter((name) => !areAllBroken || !BROKEN.includes(name))
		.map((name) => faults[name].says);
	const text = (areAllBroken ? [...words, 'a broken answer'] : words).join(', ');
	return text.replaceAll(/, HTTP/g, ',').replace(/^./, (letter) => letter.toUpperCase());
}

function aligned([head, ...body]: string[][]): string {
	const widths = head.map((_, column) =>
		Math.max(...[head, ...body].map((cells) => cells[column].length)),
	);
	const line = (cells: string[], fill = ' ') =>
		`| ${cells.map((cell, column) => cell.padEnd(widths[column], fill)).join(' | ')} |`;
	return [line(head), line(['', '', ''], '-'), ...body.map((cells) => line(cells))].join('\n');
}

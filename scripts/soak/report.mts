// The measurements, for the terminal and for the documentation.
import { cpus, loadavg, totalmem } from 'node:os';
import { N8N_VERSION } from '../../tools/n8n/install.mts';
import type { Measurement, Row } from './rows.mts';

const BYTES_PER_GB = 1024 ** 3;

const targetOf = ({ target, met }: Row) =>
	target === undefined ? '' : `${target} ${met ? '✓' : '✗'}`;

/** For the terminal. */
export function asText({ title, rows }: Measurement): string {
	const width = Math.max(...rows.map(({ what }) => what.length));
	const lines = rows.map((row) => {
		const target = row.target === undefined ? '' : `  (target: ${targetOf(row)})`;
		return `    ${row.what.padEnd(width)}  ${row.measured}${target}`;
	});
	return [`  ${title}`, ...lines, ''].join('\n');
}

const table = (head: string[], rows: string[][]): string[] =>
	[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);

function section({ title, rows, details }: Measurement): string[] {
	const measured = rows.map((row) => [row.what, row.measured, targetOf(row)]);
	const calls = details?.map(({ what, measured: answers }) => [what, answers]);
	return [
		`## ${title}`,
		'',
		...table(['', 'Measured', 'Target'], measured),
		'',
		...(calls ? [...table(['Forged call', "n8n's answers"], calls), ''] : []),
	];
}

/** For docs/callbacks-measured.md. */
/** What the machine was busy with at the start: nothing, if the times are to mean something. */
const loadAtStart = loadavg()[0];

export function asMarkdown(measurements: Measurement[], command: string): string {
	const processor = `${cpus().length} × ${cpus()[0]?.model.trim()}`;
	const memory = `${Math.round(totalmem() / BYTES_PER_GB)} GB of memory`;
	const faults = measurements.flatMap((measurement) => measurement.faults).length;
	return [
		'# Pause Until Called Back, measured',
		'',
		`Written by \`${command}\` on ${new Date().toISOString().slice(0, 10)}: a real n8n ${N8N_VERSION} (one process, SQLite) with the packed Kling node, and the sandbox,`,
		`both on one machine with ${processor}, ${memory}, and a load of ${loadAtStart.toFixed(1)} from other work at the start.`,
		'Times and memory depend on the machine; what must hold everywhere, that no execution is lost, ends twice or wrongly, or is',
		`moved by a forged call, and that a task takes at most 5 calls of the API, makes the command fail. Faults found: ${faults}.`,
		'',
		'A latency is the time from the moment in which the sandbox sends the final callback to the end of the execution as n8n has',
		'noted it. Memory at rest is read after a garbage collection. How long useapi.net waits for an answer to a callback is not',
		'documented; here nobody gives up. n8n does not take a call whose caller is gone before n8n came to it, so what it answers',
		'late it might not have heard of at all: that is what the time limit is for.',
		'',
		...measurements.flatMap(section),
	].join('\n');
}

// docs/benchmarks.md and the table in the README: the figures of one run, in words and tables.
import { checks } from './checks.mts';
import { table } from './markdown.mts';
import type { Results } from './results.mts';
import { againstLimit, againstLoop, againstRival, growing, memory } from './sections.mts';
import { count } from './units.mts';
import { SOURCE } from './workflows.mts';

const GB = 1_000_000_000;

/** What is promised, and what was measured. */
export function summary(results: Results): string {
	const verdict = (met: boolean | undefined) => (met === undefined ? '–' : met ? 'yes' : '**no**');
	return table(
		['What', 'Measured', 'Target', 'Met'],
		checks(results).map(({ what, measured, target, met }) => [
			what,
			measured,
			target,
			verdict(met),
		]),
	);
}

function conditions({ settings, machine, own, rival }: Results): string {
	const { processor, cores, memoryBytes, system, load } = machine;
	const memoryGb = `${(memoryBytes / GB).toFixed(0)} GB`;
	return table(
		['What', 'With what'],
		[
			['Command', `\`npm run bench${settings.quick ? ' -- --quick' : ''}\`, ${machine.date}`],
			[
				'Machine',
				`${processor}, ${count(cores, 'core')}, ${memoryGb}, ${system}; load ${load.toFixed(1)} when it began`,
			],
			['n8n', `${machine.n8n} on Node.js ${machine.node}, with its own SQLite`],
			['This package', `${own.name} ${own.version}, from its tarball`],
			['From npm', 'error' in rival ? rival.error : `${rival.name} ${rival.version}`],
			[
				'API',
				`the [sandbox](../sandbox/README.md) of this project, on Node.js ${machine.benchNode}, on the same machine`,
			],
			[
				'Tasks',
				`${settings.jobMs / 1000} s each on ${settings.slots} job slots, unless a table says otherwise`,
			],
			[
				'Image',
				`task ${SOURCE.taskId}, image ${SOURCE.workId}, of 64 x 64 pixels and not enlarged, so that making it takes no time`,
			],
		],
	);
}

/** The whole of docs/benchmarks.md. */
export function report(results: Results): string {
	return `# Benchmarks

What this node costs in time, requests and memory, beside what people use without it. All of it was measured in one run on one
machine, one thing at a time. \`npm run bench\` measures it again and writes this page, so do not edit it by hand.

${summary(results)}

"–" means that it was not measured: only the full run does, or the system does not tell.

## How it was measured

${conditions(results)}

Times are those that n8n notes for an execution, from its start to its end. Requests are those that reached the API; files are
not counted. useapi.net itself was not asked: a request takes longer on the internet, and a task of Kling's as long as it takes.

${[againstLoop, againstRival, againstLimit, growing, memory].map((section) => section(results)).join('\n\n')}`;
}

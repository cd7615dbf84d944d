// The chapters of docs/benchmarks.md.
import { grown, limitSeconds, linearly, toLimit } from './figures.mts';
import { table } from './markdown.mts';
import type { Memory, PackageFigures, Results, Run } from './results.mts';
import * as units from './units.mts';
import { count, megabytes, perTask, seconds, times, whole } from './units.mts';

const UNKNOWN = '–';
type Loop = Results['loops'][number];

export function againstLoop({ settings, loops, atOnce, single, few, batch }: Results): string {
	const carriedOn = ({ single: one, few: more }: Loop) =>
		linearly([one.items, one.seconds], [more.items, more.seconds], batch.items);
	const rows: Array<[string, Run, (loop: Loop) => number]> = [
		['1', single, (loop) => loop.single.seconds],
		[String(few.items), few, (loop) => loop.few.seconds],
		[`${batch.items} (loops: computed)`, batch, carriedOn],
	];
	const loopTitles = loops.map(({ pauseSeconds }) => `Loop, Wait ${pauseSeconds} s`);
	const comesOfIt = ({ error, finished, items, accepted }: Run) =>
		error
			? `stops with "${error}"; ${count(accepted, 'job')} had been accepted, and no result is seen`
			: `${finished} of ${items} finished`;
	return `## Against the loop of HTTP Request, Wait and If

What people build today: [\`loop.json\`](../scripts/bench/workflows/loop.json) takes one item after the other through HTTP Request
(POST), Wait, HTTP Request (GET) and If, and back to Wait until the task is final. Its Wait is ${settings.loopPauses.join(' s and ')} s: five seconds is what
n8n's Wait node has when nothing is changed, while the vendor's own script for images waits 15 s between two looks. Tasks of
${settings.jobMs / 1000} s suit the loop well: they last a whole number of its pauses, so it looks again just when they are finished.

${table(
	['Items', 'Kling node', ...loopTitles, 'Times faster than the faster loop'],
	rows.map(([items, run, loopSeconds]) => {
		const each = loops.map(loopSeconds);
		const ratio = times(Math.min(...each) / run.seconds);
		return [items, seconds(run.seconds), ...each.map(seconds), ratio];
	}),
)}

"Computed": carried on from the loop's times for 1 and ${count(few.items)}, since every further item takes it as long again. The
same runs in requests per task:

${table(
	['Items', 'Kling node', ...loopTitles],
	[
		['1', perTask(single), ...loops.map((loop) => perTask(loop.single))],
		[String(few.items), perTask(few), ...loops.map((loop) => perTask(loop.few))],
		[String(batch.items), perTask(batch), ...loops.map(() => UNKNOWN)],
	],
)}

Without Loop Over Items ([\`all-at-once.json\`](../scripts/bench/workflows/all-at-once.json), Wait ${atOnce.pauseSeconds} s) all items go together.
That is as fast as the tasks are while every item finds a job slot, and stops at the first one that finds none:

${table(
	['Items', 'Slots', 'Time', 'Requests per task', 'What comes of it'],
	[atOnce.fitting, atOnce.oneMore].map((run) => [
		String(run.items),
		String(run.slots),
		seconds(run.seconds),
		perTask(run),
		comesOfIt(run),
	]),
)}`;
}

export function againstRival({ own, rival, rivalRuns, single }: Results): string {
	const intro = `## Against n8n-nodes-useapi-net

A package on npm that has an operation for this, Kling → Upscale Image. The bench downloads it and runs it as published, with
that operation's own defaults ([\`useapi-net.json\`](../scripts/bench/workflows/useapi-net.json)).`;
	if ('error' in rival) return `${intro} This time it could not: ${rival.error}.`;
	if (!rivalRuns) return intro;
	const comesOfIt = ({ error, finished }: Run) => {
		if (error) return `no: "${error}"`;
		return finished ? 'yes' : 'no: it ends with the task as submitted, without the result';
	};
	const weight = ({ tarballBytes, loadMs, nodes, credentials }: PackageFigures) => [
		units.kilobytes(tarballBytes),
		`${loadMs.toFixed(1)} ms (${count(nodes, 'node')}, ${count(credentials, 'credential')})`,
	];
	const row = (title: string, run: Run, weighed: PackageFigures) => [
		title,
		comesOfIt(run),
		seconds(run.seconds),
		String(run.requests.total),
		...weight(weighed),
	];
	const rivalTitle = `${rival.name} ${rival.version}`;
	return `${intro} It has no field for the image,
which useapi.net requires with every upscale (\`workId\`). So a second run lets its request through and gives it the vendor's
documented answer, to see whether it would wait for the result.

${table(
	['', 'Finishes an upscale', 'Time', 'Requests', 'Tarball', 'Time to load'],
	[
		row('Kling node', single, own),
		row(rivalTitle, rivalRuns.plain, rival),
		row(`${rivalTitle}, request let through`, rivalRuns.letThrough, rival),
	],
)}

Time to load is that of all its nodes and credentials, the median of ${own.loads} fresh processes, with n8n-workflow loaded before, as it
is in n8n. Its node serves ten of the vendor's APIs, not only Kling's.`;
}

export function againstLimit({ single, few, batch, callbacks, long }: Results): string {
	const called = table(
		['Items', 'Time', 'After the final callback', 'Requests per task'],
		callbacks.map((run) => [
			String(run.items),
			seconds(run.seconds),
			units.milliseconds(run.afterCallbackMs),
			perTask(run),
		]),
	);
	const seen = (value: number) => `after ${times(value)} task times`;
	const asked = long
		? table(
				['Items', 'Slots', 'Tasks of', 'Limit', 'Time', 'Requests per task', 'Median', 'Latest'],
				[
					[
						String(long.items),
						String(long.slots),
						seconds(long.jobMs / 1000),
						seconds(limitSeconds(long.items, long.slots, long.jobMs)),
						seconds(long.seconds),
						perTask(long),
						seen(long.seen.median),
						seen(long.seen.latest),
					],
				],
			)
		: 'Only the full run measures it.';
	return `## Against the limit

Whoever keeps to the account's job slots cannot be faster than ceil(items / slots) task times.

${table(
	['Items', 'Limit', 'Kling node', 'In times of the limit', 'Requests per task'],
	[single, few, batch].map((run) => [
		String(run.items),
		seconds(limitSeconds(run.items, run.slots, run.jobMs)),
		seconds(run.seconds),
		times(toLimit(run)),
		perTask(run),
	]),
)}

Pause Until Called Back, from the moment the final callback is sent to the end of the execution:

${called}

A batch of long tasks: how often it asks, and how soon it sees that a task is finished, counted from when the task was made:

${asked}`;
}

export function growing({ growth, settings }: Results): string {
	const { jobMs, slots } = settings.growth;
	return `## How cost grows

Tasks of ${jobMs / 1000} s on ${slots} job slots, so that the largest batch ends in reasonable time. With tasks this short the pause before each look
counts for more. Memory is the size of n8n's process (RSS), with garbage that n8n has not collected, which is most of it (see
below).

${table(
	[
		'Items',
		'Limit',
		'Time',
		'In times of the limit',
		'Requests',
		'Per task',
		'Peak memory',
		'Growth',
	],
	growth.map((run) => [
		whole(run.items),
		seconds(limitSeconds(run.items, run.slots, run.jobMs)),
		seconds(run.seconds),
		times(toLimit(run)),
		whole(run.requests.total),
		perTask(run),
		run.memory ? megabytes(run.memory.peak) : UNKNOWN,
		run.memory ? megabytes(grown(run.memory)) : UNKNOWN,
	]),
)}`;
}

const memoryRow = (title: string, memory: Memory | undefined): string[] => [
	title,
	...(memory
		? [memory.before, memory.peak, memory.after, grown(memory)].map(megabytes)
		: Array(4).fill(UNKNOWN)),
];

export function memory({ file, watched, settings }: Results): string {
	const large = `${settings.fileBytes / units.MB} MB`;
	const { accounts, slots, jobMs } = settings.watched;
	const head = ['', 'Before', 'Peak', 'After', 'Growth'];
	const perRequest = (memory: Memory | undefined, { requests }: Run) => [
		whole(requests.total),
		memory ? units.kilobytes(grown(memory) / requests.total) : UNKNOWN,
	];
	return `## Memory

"In use" is what is left in n8n's heap and buffers when its garbage is collected, looked at again and again in a run of its own;
the targets are held to that. "Size" is the size of n8n's process (RSS), garbage and all, in a run in which nobody makes it collect.
n8n leaves garbage at every request and every execution, whichever node they are of, and does not collect it while the machine has
room. Before each run it is made to collect, and to give back what it can.

**A large file.** One item with Download Image, each row a run of its own, one after the other in a new n8n:

${table(head, [
	memoryRow('Small image, size', file.small),
	memoryRow(`${large}, size, the first large file`, file.large),
	memoryRow(`${large}, size, the second`, file.again),
	memoryRow(`${large}, in use`, file.use),
])}

**${count(watched.run.items, 'task')} watched at once**, on ${count(accounts, 'account')} with ${slots} job slots each, ${jobMs / 1000} s long:

${table(
	[...head, 'Requests', 'Growth per request'],
	[
		[...memoryRow('Kling node, in use', watched.use), UNKNOWN, UNKNOWN],
		[...memoryRow('Kling node, size', watched.size), ...perRequest(watched.size, watched.run)],
		[
			...memoryRow('HTTP Request, Wait and If, all at once, size', watched.loopSize),
			...perRequest(watched.loopSize, watched.loopRun),
		],
	],
)}`;
}

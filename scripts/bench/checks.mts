// What this project promises, beside what was measured.
import { grown, perItem, timesFaster, toLimit } from './figures.mts';
import type { Memory, Results } from './results.mts';
import { TARGETS } from './settings.mts';
import { kilobytes, MB, megabytes, milliseconds, times } from './units.mts';

export interface Check {
	what: string;
	target: string;
	measured: string;
	/** Undefined: not measured. */
	met: boolean | undefined;
}

const NOT_MEASURED = 'not measured';

/** A figure that must not be larger than its target. */
function atMost(
	what: string,
	figure: number | undefined,
	most: number,
	write: (value: number) => string,
): Check {
	return {
		what,
		target: `at most ${write(most)}`,
		measured: figure === undefined ? NOT_MEASURED : write(figure),
		met: figure === undefined ? undefined : figure <= most,
	};
}

/** Beside memory in use, how much the process grew, whose garbage n8n had not collected. */
const withSize = (check: Check, size: Memory | undefined): Check => ({
	...check,
	measured: size ? `${check.measured}, with garbage ${megabytes(grown(size))}` : check.measured,
});

export function checks(results: Results): Check[] {
	const { settings, own, single, few, batch, callbacks, file, watched, long } = results;
	const faster = timesFaster(results);
	const seconds = settings.jobMs / 1000;
	const tasks = settings.watched.accounts * settings.watched.slots;
	return [
		atMost(
			`Batch of ${batch.items} on ${batch.slots} slots, in times of its limit`,
			toLimit(batch),
			TARGETS.batchShare,
			times,
		),
		atMost(
			`One item by polling, in times of its ${seconds} s task`,
			toLimit(single),
			TARGETS.singleShare,
			times,
		),
		atMost(
			'One item by callback, after the final callback',
			callbacks[0].afterCallbackMs,
			TARGETS.callbackMs,
			milliseconds,
		),
		{
			what: `${few.items} items, times faster than the loop of HTTP Request, Wait and If`,
			target: `at least ${TARGETS.timesFasterThanLoop}`,
			measured: faster.toFixed(1),
			met: faster >= TARGETS.timesFasterThanLoop,
		},
		atMost(
			'Requests per task, in a batch of long tasks',
			long && perItem(long),
			TARGETS.requestsPerTask,
			(requests) => requests.toFixed(1),
		),
		atMost(
			'Latest result of that batch seen, in task times',
			long?.seen.latest,
			TARGETS.singleShare,
			times,
		),
		atMost('Size of the package', own.tarballBytes, TARGETS.tarballBytes, kilobytes),
		atMost(
			'Time to load its nodes and its credential',
			own.loadMs,
			TARGETS.loadMs,
			(ms) => `${ms.toFixed(1)} ms`,
		),
		withSize(
			atMost(
				`Growth of n8n's memory in use by a file of ${settings.fileBytes / MB} MB`,
				file.use && grown(file.use),
				TARGETS.fileGrowthBytes,
				megabytes,
			),
			file.large,
		),
		withSize(
			atMost(
				`Growth of n8n's memory in use by ${tasks} tasks watched at once`,
				watched.use && grown(watched.use),
				TARGETS.watchedGrowthBytes,
				megabytes,
			),
			watched.size,
		),
	];
}

// One measurement after the other, told to the person at the screen.
import { UserError, step } from '../../tools/terminal.mts';
import { limitSeconds } from './figures.mts';
import type { Run } from './results.mts';
import type { Observed, RunOptions, Stage } from './stage.mts';
import { about, count, perTask, seconds as inSeconds } from './units.mts';

function tell(run: Run): string {
	const { seconds, requests, items, finished, error } = run;
	const outcome = error ? `, failed: ${error}` : '';
	return `    ${inSeconds(seconds)}, ${count(requests.total, 'request')} (${perTask(run)} per item), ${finished} of ${items} finished${outcome}`;
}

/** Runs a workflow once. A failed execution is a result like any other. */
export async function measure(stage: Stage, title: string, options: RunOptions): Promise<Observed> {
	const observed = await step(
		`${title} (${about(options.seconds)})`,
		async () => await stage.observe(options),
	);
	console.log(tell(observed.run));
	return observed;
}

export type KlingOptions = Pick<RunOptions, 'items' | 'jobMs' | 'slots'> & Partial<RunOptions>;

/** Runs the Kling node once. There is nothing to publish when it does not finish all of its items. */
export async function measureKling(stage: Stage, options: KlingOptions): Promise<Observed> {
	const { items, jobMs, slots, accounts = 1 } = options;
	const title = `Kling node: ${count(items)}, ${slots * accounts} slots, tasks of ${jobMs / 1000} s`;
	const observed = await measure(stage, title, {
		workflow: 'kling',
		seconds: limitSeconds(items, slots * accounts, jobMs),
		...options,
	});
	const { finished, error } = observed.run;
	if (error || finished < items) {
		throw new UserError(
			`The Kling node finished ${finished} of ${items} items${error ? ` and failed: ${error}` : ''}. Nothing has been written. Find the reason with npm test and npm start, then run the same command again.`,
		);
	}
	return observed;
}

import {
	EarlierJobs,
	type KnownJob,
	type Wanted,
} from '../../../../../nodes/Kling/job/submission/earlierJobs.ts';
import {
	contextOf,
	FakeKling,
	START_MS,
	through,
	type FakeJob,
} from '../../../../support/fakes.mts';
import { callOf } from '../../../support/submitting.mts';

/** Looks in the API's lists for a job of the image. */

export const MINUTE_MS = 60_000;
/** Made so many minutes ago, and finished. */
export const ago = (minutes: number) => {
	const madeMs = START_MS - minutes * MINUTE_MS;
	return { madeMs, endMs: madeMs };
};

export function earlierJobs(kling: FakeKling, read?: Map<string, KnownJob>) {
	const jobs = new EarlierJobs(contextOf(kling.api), read);
	return async (changes: Partial<Wanted> = {}) =>
		await through(jobs.find({ ...callOf().wanted, ...changes }));
}

export async function find(jobs: Array<Partial<FakeJob>>, changes: Partial<Wanted> = {}) {
	const kling = new FakeKling();
	jobs.forEach((job) => kling.add(job));
	return { kling, sighting: await earlierJobs(kling)(changes) };
}

import fc from 'fast-check';

import { broken } from './model/sequence.mts';
import { sequences } from './model/setup.mts';

/**
 * Tries to rob the user: random workflows, faults, callbacks, retries, cancels and restarts on n8n's engine, in virtual
 * time. KLING_MODEL_RUNS says how many sequences; KLING_MODEL_SEED and KLING_MODEL_PATH replay what was found.
 */

const { KLING_MODEL_RUNS, KLING_MODEL_SEED, KLING_MODEL_PATH } = process.env;
const RUNS = Number(KLING_MODEL_RUNS ?? 300);
const MOST_MS_PER_RUN = 1_000;

test(
	`nothing is paid twice and nothing paid is lost, in ${RUNS} sequences`,
	async () => {
		const seed = Number(KLING_MODEL_SEED ?? Date.now() % 2 ** 31);
		process.stdout.write(`KLING_MODEL_SEED=${seed}\n`);
		await fc.assert(
			fc.asyncProperty(sequences, async (sequence) => {
				expect(await broken(sequence)).toEqual([]);
			}),
			{ numRuns: RUNS, seed, path: KLING_MODEL_PATH },
		);
	},
	120_000 + RUNS * MOST_MS_PER_RUN,
);

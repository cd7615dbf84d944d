// `npm run soak`: measures Wait for Result → Pause Until Called Back in a real n8n, under load and under attack.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { N8N_VERSION } from '../tools/n8n/install.mts';
import { UserError, step } from '../tools/terminal.mts';
import { PROJECT } from '../tools/project.mts';
import { compare } from './soak/compare.mts';
import { batch, calm, forged, soak } from './soak/measure.mts';
import { asMarkdown, asText } from './soak/report.mts';
import type { Measurement } from './soak/rows.mts';
import { LOG, openStage } from './soak/stage.mts';

const SIZES = {
	full: { warmUp: 20, calm: 60, attacked: 50, forged: 1_000, parked: 500, items: 40 },
	quick: { warmUp: 10, calm: 15, attacked: 10, forged: 100, parked: 50, items: 40 },
};
const CALM_PAUSE_MS = 400;
const BATCH_PAUSE_MS = 300;
/** About what n8n can do with one processor of its own. */
const SOAK_PAUSE_MS = 240;
const FAULTS_SHOWN = 50;
const REPORT = join(PROJECT, 'docs', 'callbacks-measured.md');
const HELP = `Measures Wait for Result → Pause Until Called Back in a real n8n ${N8N_VERSION} with the packed Kling node, against the sandbox:
hundreds of parked executions, many items that finish at once, and forged calls.

  npm run soak                the whole of it: some 15 minutes, and n8n needs up to 8 GB of memory for a while
  npm run soak -- --quick     a small version
  npm run soak -- --write     also writes ${REPORT}

Ends with 1 when an execution was lost, ended twice or wrongly, or was moved by a forged call, and when a task took more
than 5 calls of the API. An execution that still runs is not lost: what has not ended after 45 minutes is undecided, and the
command ends with 1 and says so. Times and memory are only told: they depend on the machine.`;

function readOptions() {
	try {
		return parseArgs({
			options: {
				quick: { type: 'boolean', default: false },
				write: { type: 'boolean', default: false },
				help: { type: 'boolean', short: 'h', default: false },
			},
		}).values;
	} catch (error) {
		throw new UserError(`${(error as Error).message}\n\n${HELP}`);
	}
}

async function measureAll(quick: boolean): Promise<Measurement[]> {
	const size = SIZES[quick ? 'quick' : 'full'];
	const stage = await openStage();
	const measurements: Measurement[] = [];
	const measure = async (title: string, work: () => Promise<Measurement>) => {
		const measurement = await step(title, work);
		measurements.push(measurement);
		console.log(asText(measurement));
	};
	try {
		// n8n loads much of itself only when it is first needed.
		await step('Warming up', () => calm(stage, size.warmUp, 0));
		await measure('Tasks that end one after another', () => calm(stage, size.calm, CALM_PAUSE_MS));
		await measure('Many items that end at once', () => batch(stage, size.items, 0));
		await measure('Many items that end one after another', () =>
			batch(stage, size.items, BATCH_PAUSE_MS),
		);
		await measure('Forged calls', () => forged(stage, size.attacked, size.forged));
		if (!quick) {
			await measure('Many parked executions', () => soak(stage, size.parked, SOAK_PAUSE_MS));
		}
		await measure('Many parked executions that end at once', () => soak(stage, size.parked, 0));
		if (!quick) await measure("n8n's own Wait node", () => compare(stage, size.parked));
		return measurements;
	} finally {
		await stage.close();
	}
}

try {
	const { quick, write, help } = readOptions();
	if (help) {
		console.log(HELP);
		process.exit(0);
	}
	const measurements = await measureAll(quick);
	if (write) {
		const command = `npm run soak --${quick ? ' --quick' : ''} --write`;
		await writeFile(REPORT, asMarkdown(measurements, command));
		console.log(`Written: ${REPORT}`);
	}
	const faults = measurements.flatMap((measurement) => measurement.faults);
	if (faults.length > 0) {
		const shown = faults.slice(0, FAULTS_SHOWN).join('\n');
		throw new UserError(`${faults.length} faults:\n${shown}\nn8n's log is ${LOG}`);
	}
	const undecided = measurements.flatMap((measurement) => measurement.undecided);
	if (undecided.length > 0) {
		throw new UserError(
			`Undecided: nothing was found wrong, but this machine was too slow.\n${undecided.slice(0, FAULTS_SHOWN).join('\n')}`,
		);
	}
	console.log('✓ No execution was lost, ended twice or wrongly, or was moved by a forged call.');
} catch (error) {
	const unexpected = `${(error as Error).stack ?? error}\nn8n's log, if it came so far, is ${LOG}`;
	console.error(`✗ ${error instanceof UserError ? error.message : unexpected}`);
	process.exit(1);
}

// The tests that mutants are put to: those that load the node and are done in seconds.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { project } from '../../jest.config.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Tests of what stands around the node: they would only take time. The rest is found by what it imports. */
const AROUND = ['layers', 'package', 'repository', 'builder-hints'];

const units = readdirSync(join(ROOT, 'test/unit'))
	.filter((file) => file.endsWith('.test.mts'))
	.filter((file) => !AROUND.includes(file.replace('.test.mts', '')))
	.filter((file) =>
		/\/nodes\/|\/credentials\/|support\/account/.test(
			readFileSync(join(ROOT, 'test/unit', file), 'utf8'),
		),
	);

export default {
	...project('mutation'),
	rootDir: ROOT,
	testMatch: [
		...units.map((file) => `<rootDir>/test/unit/${file}`),
		...(process.env.KLING_MUTATION_UNIT ? [] : ['<rootDir>/scripts/mutation/engine.test.mts']),
	],
	// Loading it takes longer than most tests that need it.
	moduleNameMapper: { '^n8n-workflow$': '<rootDir>/scripts/mutation/workflow.js' },
	testEnvironment: join(ROOT, 'scripts/mutation/environment.js'),
	// A mutant that makes a test wait for ever is found sooner.
	testTimeout: 10_000,
};

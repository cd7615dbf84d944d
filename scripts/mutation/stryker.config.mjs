// Stryker's settings for `npm run test:mutation` (scripts/mutation.mts).
import { fileURLToPath } from 'node:url';

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));
const WORK = '.kling/mutation';

export default {
	mutate: ['nodes/**/*.ts', 'credentials/**/*.ts'],
	plugins: [beside('runner.mjs'), beside('descriptions.mjs')],
	// Left out are descriptions of fields: see there. Sentences for users are counted: that an error says what to do next is a
	// promise, so a test has to notice its loss.
	ignorers: ['descriptions'],

	testRunner: 'kling',
	coverageAnalysis: 'perTest',
	jest: {
		projectType: 'custom',
		configFile: 'scripts/mutation/jest.config.mjs',
		// n8n loads the node from dist/, which no import leads to.
		enableFindRelatedTests: false,
	},
	// The engine tests run the build, as n8n does; so the build has the mutants in it as well.
	buildCommand: 'gulp',

	// Most of a test's time is waiting, so there may be more of them than cores.
	concurrency: Number(process.env.KLING_MUTATION_WORKERS ?? 3),
	// Jest does not give back all memory.
	maxTestRunnerReuse: 150,
	// The time of the tests that a mutant is put to, and a half, and this.
	timeoutFactor: 1.5,
	timeoutMS: 10_000,
	dryRunTimeoutMinutes: 15,

	// A second run asks only what has changed since.
	incremental: true,
	incrementalFile: `${WORK}/incremental.json`,
	reporters: ['progress-append-only', 'json', 'html'],
	jsonReporter: { fileName: `${WORK}/report.json` },
	htmlReporter: { fileName: `${WORK}/report.html` },
	cleanTempDir: 'always',
	tempDirName: `${WORK}/copy`,
	ignorePatterns: ['.kling', 'dist', 'docs/images', '.github', '.ci'],
	allowConsoleColors: false,
	warnings: { slow: false },
};

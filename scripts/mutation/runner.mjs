// Stryker's jest runner loads every test file for every mutant. This one loads those that reach the mutant: the unit tests
// first, and n8n's engine only if they do not notice anything.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { strykerPlugins as jestPlugins } from '@stryker-mutator/jest-runner';

const [{ factory: createJestRunner }] = jestPlugins;
const ENGINE = 'engine.test.mts';
/** In the copy of the project that the tests run in: what the first run of all tests has found out, for all workers. */
const COVERAGE_FILE = 'coverage-of-tests.json';

/** A test that takes longer by itself is too dear to be put to every mutant that it reaches. */
const LONGEST_MS = 2_500;
/** Nor is one mutant put to more of them: of three hundred tests that reach a line, not every one would find another fault. */
const ENOUGH_MS = 10_000;
/** Of these all are asked. */
const QUICK_MS = 150;
/** About what it takes to load a file of tests. */
const LOADING_MS = 300;

const isEngine = (file) => basename(file) === ENGINE;

/** Every engine test begins with the name of its own file, which Stryker is to look at for changes. */
function ownFile({ name, fileName }) {
	const [suite] = name.split(' ');
	return isEngine(fileName) ? resolve('test', `${suite}.test.mts`) : fileName;
}

const mutantsIn = (file) =>
	[...readFileSync(file, 'utf8').matchAll(/stryMutAct_\w+\("(\d+)"\)/g)].map(([, id]) => id);

/** The test files to load, and the tests to run in them. */
function wanted(tests, { testFilter, sandboxFileName }) {
	const short = tests.filter(({ ms }) => ms <= LONGEST_MS);
	if (testFilter) {
		const ids = new Set(testFilter);
		return affordable(short.filter(({ id }) => ids.has(id)));
	}
	// A mutant of what is done once, as the file is loaded: whoever uses the file may notice, else anybody.
	const mutants = new Set(mutantsIn(sandboxFileName));
	const users = short.filter(({ covers }) => covers.some((mutant) => mutants.has(mutant)));
	return affordable(users.length > 0 ? users : short);
}

/** All that are quick; of the others one of each suite in turn, until it is enough. */
function affordable(tests) {
	const taken = new Map();
	const inTurn = tests
		.filter(({ ms }) => ms > QUICK_MS)
		.toSorted((a, b) => a.ms - b.ms)
		.map((test) => {
			const suite = ownFile({ name: test.id, fileName: test.loadedBy });
			const round = (taken.get(suite) ?? 0) + 1;
			taken.set(suite, round);
			return { test, round };
		})
		.toSorted((a, b) => a.round - b.round)
		.map(({ test }) => test);
	let sumMs = 0;
	const slow = inTurn.filter(({ ms }) => (sumMs += ms) <= ENOUGH_MS);
	return [...tests.filter(({ ms }) => ms <= QUICK_MS), ...slow];
}

/** The files of these tests, quickest first. */
function byFile(tests) {
	const costs = new Map();
	for (const { loadedBy: file, ms } of tests) costs.set(file, (costs.get(file) ?? LOADING_MS) + ms);
	return [...costs.keys()].sort((a, b) => costs.get(a) - costs.get(b));
}

function createRunner(injector) {
	const runner = createJestRunner(injector);
	const { jestTestAdapter: jest } = runner;
	const run = jest.run.bind(jest);
	const [dryRun, mutantRun] = [runner.dryRun.bind(runner), runner.mutantRun.bind(runner)];
	let chosen;

	jest.run = async (settings) => {
		if (!chosen) return await run(settings);
		let last;
		for (const file of byFile(chosen)) {
			last = await run({ ...settings, testFiles: [file] });
			if (last.results.numFailedTests > 0 || last.results.numRuntimeErrorTestSuites > 0) break;
		}
		return last;
	};

	runner.dryRun = async (options) => {
		const result = await dryRun(options);
		if (result.status !== 'complete') return result;
		const perTest = result.mutantCoverage?.perTest ?? {};
		const tests = result.tests.map(({ id, fileName, timeSpentMs }) => ({
			id,
			loadedBy: fileName,
			ms: timeSpentMs,
			covers: Object.keys(perTest[id] ?? {}),
		}));
		writeFileSync(COVERAGE_FILE, JSON.stringify(tests));
		return { ...result, tests: result.tests.map((test) => ({ ...test, fileName: ownFile(test) })) };
	};

	let tests;
	runner.mutantRun = async (options) => {
		tests ??= JSON.parse(readFileSync(COVERAGE_FILE, 'utf8'));
		chosen = wanted(tests, options);
		return await mutantRun({ ...options, testFilter: chosen.map(({ id }) => id) });
	};
	return runner;
}
createRunner.inject = createJestRunner.inject;

export const strykerPlugins = [{ kind: 'TestRunner', name: 'kling', factory: createRunner }];

// For the tests under mutation; everything here is about time, since each of some thousand mutants is put to them.
const { readFileSync } = require('node:fs');
const { join, sep } = require('node:path');
const { TestEnvironment } = require('jest-environment-node');

const BUILD = join(process.cwd(), 'dist') + sep;

/** How long each test takes without a mutant, in ms, as the first run of all tests has left it (runner.mjs). */
function durations() {
	try {
		return new Map(
			JSON.parse(readFileSync('coverage-of-tests.json', 'utf8')).map(({ id, ms }) => [id, ms]),
		);
	} catch {
		return new Map();
	}
}

function fullName(test) {
	const names = [];
	for (let block = test; block.parent; block = block.parent) names.unshift(block.name);
	return names.join(' ');
}

module.exports = class extends TestEnvironment {
	hasFailed = false;

	async setup() {
		await super.setup();
		// n8n-core takes seconds to load in jest and a tenth of that outside, where it can also stay loaded. The node it
		// loads is there too, with the mutant, and is forgotten with every file of tests.
		for (const file of Object.keys(require.cache)) {
			if (file.startsWith(BUILD)) delete require.cache[file];
		}
		globalThis.__stryker__ = this.global.__stryker__ ?? {};
		// What is loaded outside knows its own errors only.
		for (const name of ['Error', 'TypeError', 'RangeError', 'SyntaxError']) {
			this.global[name] = globalThis[name];
		}
		this.global.requireOutside = require;
		// The tests tell n8n-core by these where its files are to be.
		this.global.process.env = process.env;
	}

	async handleTestEvent(event, { rootDescribeBlock }) {
		if (event.name === 'run_start') quickestFirst(rootDescribeBlock, durations());
		// One failed test is enough to find a mutant.
		if (event.name === 'test_start' && this.hasFailed) event.test.mode = 'skip';
		if (event.name === 'test_fn_failure' || event.name === 'hook_failure') this.hasFailed = true;
	}
};

/** @returns the average of the tests in it, in ms */
function quickestFirst(block, times) {
	if (block.type === 'test') return times.get(fullName(block)) ?? 0;
	const rated = block.children.map((child) => ({ child, ms: quickestFirst(child, times) }));
	rated.sort((a, b) => a.ms - b.ms);
	block.children = rated.map(({ child }) => child);
	return rated.reduce((sum, { ms }) => sum + ms, 0) / Math.max(rated.length, 1);
}

/** ES modules among the packages that the tools use; Jest loads CommonJS only. */
const ES_MODULES = [
	'env-paths',
	'execa',
	'@sec-ant/readable-stream',
	'@sindresorhus/merge-streams',
	'figures',
	'get-port',
	'get-stream',
	'human-signals',
	'is-network-error',
	'is-plain-obj',
	'is-safe-filename',
	'is-stream',
	'is-unicode-supported',
	'npm-run-path',
	'p-map',
	'p-retry',
	'parse-ms',
	'path-key',
	'pretty-ms',
	'strip-final-newline',
	'unicorn-magic',
	'yocto-spinner',
	'yoctocolors',
];

const swc = [
	'@swc/jest',
	{
		jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
		module: { type: 'commonjs' },
	},
];

/** Published code is .ts; everything around it is .mts. Both are compiled to CommonJS in memory, as n8n loads them. */
export const project = (name, folder = name) => ({
	displayName: name,
	testEnvironment: 'node',
	testMatch: [`<rootDir>/test/${folder}/**/*.test.mts`],
	modulePathIgnorePatterns: ['<rootDir>/dist/package.json', '<rootDir>/.kling/'],
	...(name === 'live' && { testEnvironment: '<rootDir>/test/live/environment.mjs' }),
	transform: { '\\.(ts|mts|mjs)$': swc, '/node_modules/.+\\.js$': swc },
	// It has no entry for CommonJS.
	moduleNameMapper: { '^unicorn-magic$': '<rootDir>/node_modules/unicorn-magic/node.js' },
	transformIgnorePatterns: [`/node_modules/(?!(${ES_MODULES.join('|')})/)`],
});

/** Everybody gets one copy of n8n's engine: the tests, the node under test and n8n-core itself. */
const oldestEngine = {
	...project('oldest', 'engine'),
	// It keeps requests off the network by way of n8n's axios, of which 2.8 brings a copy of its own.
	testPathIgnorePatterns: ['/paid-once-model'],
	moduleNameMapper: {
		'^n8n-core$': 'n8n-core-oldest',
		'^n8n-workflow$': '<rootDir>/node_modules/n8n-core-oldest/node_modules/n8n-workflow',
	},
};

/** What the variable KLING_TESTS names. The first two start a real n8n; the others need nothing but node_modules. */
const projects =
	{
		e2e: [project('e2e')],
		queue: [project('queue')],
		oldest: [oldestEngine],
		live: [project('live')],
	}[process.env.KLING_TESTS] ?? ['unit', 'contract', 'engine', 'repo'].map((name) => project(name));

export default {
	projects,
	// The tests wait more than they compute.
	maxWorkers: 7,
	testSequencer: '<rootDir>/test/sequencer.cjs',
	testTimeout: 30_000,
	// n8n-core 2.8 leaves something open that would keep Jest from ending.
	forceExit: process.env.KLING_TESTS === 'oldest',
};

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const PROJECT = import.meta.dirname;

/** Those of the packages that are ES modules, with what they use in turn: Jest loads CommonJS only. */
const esModules = (names, user = PROJECT) =>
	names.flatMap((name) => {
		const folder = [user, PROJECT].map((base) => `${base}/node_modules/${name}`).find(existsSync);
		const { type, dependencies = {} } = JSON.parse(readFileSync(`${folder}/package.json`));
		return type === 'module' ? [name, ...esModules(Object.keys(dependencies), folder)] : [];
	});
const ES_MODULES = esModules([
	'env-paths',
	'execa',
	'get-port',
	'p-map',
	'p-retry',
	'yocto-spinner',
]);

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
	...(['e2e', 'queue'].includes(name) && { globalSetup: '<rootDir>/test/support/pack.mjs' }),
	...(name === 'live' && { testEnvironment: '<rootDir>/test/live/environment.mjs' }),
	transform: { '\\.(ts|mts|mjs)$': swc, '/node_modules/.+\\.js$': swc },
	// It has no entry for CommonJS.
	moduleNameMapper: { '^unicorn-magic$': '<rootDir>/node_modules/unicorn-magic/node.js' },
	transformIgnorePatterns: [`/node_modules/(?!(${ES_MODULES.join('|')})/)`],
});

/** Everybody gets one copy of n8n's engine: the tests, the node under test and n8n-core itself. */
const oldestEngine = {
	...project('oldest', 'engine'),
	// It holds that a failed task ends its waiting execution, which 2.8 cannot do.
	testPathIgnorePatterns: ['/paid-once/model'],
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
	// One more than there are cores, for some tests wait for the clock.
	maxWorkers: availableParallelism() + 1,
	testSequencer: '<rootDir>/test/sequencer.cjs',
	testTimeout: 30_000,
	// n8n-core 2.8 leaves something open that would keep Jest from ending.
	forceExit: process.env.KLING_TESTS === 'oldest',
};

import { join } from 'node:path';

/**
 * n8n's engine of another version, for the engine tests: the folder whose node_modules has `n8n-core` and the
 * `n8n-workflow` that belongs to it (npm run test:engines). Everybody gets that one copy of both: the tests, the node
 * under test and n8n-core itself.
 */
const { KLING_N8N_CORE } = process.env;
const otherEngine = KLING_N8N_CORE && {
	'^(n8n-core|n8n-workflow)$': join(KLING_N8N_CORE, 'node_modules', '$1'),
};

/** Published code is .ts; everything around it is .mts. Both are compiled to CommonJS in memory, as n8n loads them. */
export const project = (name) => ({
	displayName: name,
	testEnvironment: 'node',
	testMatch: [`<rootDir>/test/${name}/**/*.test.mts`],
	modulePathIgnorePatterns: ['<rootDir>/dist/package.json', '<rootDir>/.kling/'],
	...(name === 'engine' && otherEngine && { moduleNameMapper: otherEngine }),
	...(name === 'live' && { testEnvironment: '<rootDir>/test/live/environment.mjs' }),
	transform: {
		'\\.(ts|mts|mjs)$': [
			'@swc/jest',
			{
				jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
				module: { type: 'commonjs' },
			},
		],
	},
});

/** By the variable KLING_E2E. */
const PROJECTS = { 1: ['e2e'], queue: ['queue'], live: ['live'] };

export default {
	// Some tests start a real n8n (npm run test:e2e and test:queue); the others need nothing but node_modules.
	projects: (PROJECTS[process.env.KLING_E2E] ?? ['unit', 'contract', 'engine', 'repo']).map(
		project,
	),
	testTimeout: 30_000,
};

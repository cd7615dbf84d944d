import { project } from '../../jest.config.mjs';

/** What Stryker runs: all unit tests as one file. */
export default {
	...project('unit'),
	rootDir: '.',
	testMatch: ['<rootDir>/test/mutation/unit.cjs'],
	moduleNameMapper: { '^n8n-workflow$': '<rootDir>/test/mutation/n8n-workflow.cjs' },
	testEnvironment: './test/mutation/environment.cjs',
	// Or Jest would take those of jest.config.mjs.
	projects: [],
};

/** Published code is .ts; everything around it is .mts. Both are compiled to CommonJS in memory, as n8n loads them. */
const project = (name) => ({
	displayName: name,
	testEnvironment: 'node',
	testMatch: [`<rootDir>/test/${name}/**/*.test.mts`],
	modulePathIgnorePatterns: ['<rootDir>/dist/package.json', '<rootDir>/.kling/'],
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

export default {
	// The end-to-end tests start a real n8n (npm run test:e2e); the others need nothing but node_modules.
	projects: (process.env.KLING_E2E ? ['e2e'] : ['unit', 'contract', 'engine']).map(project),
	testTimeout: 30_000,
};

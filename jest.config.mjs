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
	projects: [project('unit'), project('contract'), project('engine')],
	testTimeout: 30_000,
};

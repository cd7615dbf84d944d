import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** Imports go down only, and never in a circle; no folder and no file grows without bounds. */

const HOME = resolve(import.meta.dirname, '../../nodes/Kling');
const LAYERS = ['transport', 'runtime', 'tasks', 'job', 'methods', 'actions', 'trigger', ''];
const MAX_FILES = 8;
const UNIT_TESTS = resolve(import.meta.dirname, '../unit');
/** Tests of several modules at once, and what tests share. */
const OF_NO_MODULE = /^(?:properties|support)\/|^[^/]+$/;

/** `from './a'`, `import './a'`, `import('./a')` and `require('./a')`. */
const IMPORT = /\b(?:from|import|require)\s*\(?\s*['"`](\.[^'"`]+)['"`]/g;

const files = readdirSync(HOME, { recursive: true, encoding: 'utf8' }).filter((file) =>
	file.endsWith('.ts'),
);
const importsOf = (file: string): string[] =>
	[...readFileSync(join(HOME, file), 'utf8').matchAll(IMPORT)].map(([, path]) => {
		const target = relative(HOME, join(HOME, dirname(file), path));
		return files.find((known) => known === `${target}.ts` || known === join(target, 'index.ts'))!;
	});
const layerOf = (file: string) => LAYERS.indexOf(file.includes('/') ? file.split('/')[0] : '');

test.each(files)('%s imports only from its own layer or below', (file) => {
	expect(layerOf(file)).toBeGreaterThanOrEqual(0);
	for (const imported of importsOf(file)) {
		expect(layerOf(imported)).toBeLessThanOrEqual(layerOf(file));
	}
});

test('no file comes back to itself by way of its imports', () => {
	const cleared = new Set<string>();
	const visit = (file: string, path: string[]): void => {
		expect(path).not.toContain(file);
		if (cleared.has(file)) return;
		for (const imported of importsOf(file)) visit(imported, [...path, file]);
		cleared.add(file);
	};
	for (const file of files) visit(file, []);
});

test('no file is longer than some 300 lines', () => {
	const long = files.filter(
		(file) => readFileSync(join(HOME, file), 'utf8').split('\n').length > 300,
	);
	expect(long).toEqual([]);
});

test('no folder has more than 8 files', () => {
	const counts = new Map<string, number>();
	for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
	expect([...counts].filter(([, count]) => count > MAX_FILES)).toEqual([]);
});

const unitTests = readdirSync(UNIT_TESTS, { recursive: true, encoding: 'utf8' }).filter(
	(file) => file.endsWith('.test.mts') && !OF_NO_MODULE.test(file),
);

test.each(unitTests)('%s is where the module is that it tests', (file) => {
	// `client.test.mts`, `client-outcome.test.mts` or `client/outcome.test.mts`.
	const own = file.replace(/(?:-[^/]*)?\.test\.mts$/, '');
	const modules = [`${own}.ts`, `${own}.operation.ts`, `${dirname(file)}.ts`];
	expect(modules.some((module) => files.includes(module))).toBe(true);
});

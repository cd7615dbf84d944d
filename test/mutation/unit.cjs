const { readdirSync } = require('node:fs');
const { join } = require('node:path');

/**
 * The unit tests as one file, for Stryker: n8n's code is then loaded once for each change, and not once for each test file.
 * Without those that take seconds: tests of hundreds of made-up inputs, and of a thousand items.
 */
const folder = join(__dirname, '../unit');
const SLOW = /^properties/;
/** Stryker names the tests that a change concerns: `(file name of test)|(…)`. */
const { source } = globalThis.testNamePattern ?? {};
const isWanted = (file) => !source || source.replaceAll('\\', '').includes(`(${file} `);

for (const file of readdirSync(folder, { recursive: true }).sort()) {
	if (!file.endsWith('.test.mts') || SLOW.test(file) || !isWanted(file)) continue;
	describe(file, () => void require(join(folder, file)));
}

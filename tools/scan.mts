// n8n's verification scan, without publishing first: the sources, and the tarball as it would be published.
// Stricter than n8n's own: a warning fails it too.
import { ESLint } from 'eslint';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packTarball, unpack } from './n8n/pack.mts';
import { PROJECT, WORK } from './project.mts';
import { describeError, step, UserError } from './terminal.mts';

/** What the scanner exports and this uses; the package has no types of its own. */
interface Scanner {
	SOURCE_FILE_PATTERNS: string[];
	analyzePackage(
		folder: string,
		patterns: string[],
	): Promise<{ passed: boolean; message?: string; details?: string }>;
	buildScanConfig(): Promise<ESLint.Options['overrideConfig']>;
}
const SCANNER: string = '@n8n/scan-community-package/scanner/scanner.mjs';
const TARBALL_PATTERNS = ['**/*.js', 'package.json'];

/** analyzePackage() is silent about warnings, so its rules are run once more, and everything they say counts. */
async function warnings(scanner: Scanner, folder: string, patterns: string[]): Promise<string> {
	const eslint = new ESLint({
		cwd: folder,
		allowInlineConfig: false,
		overrideConfigFile: true,
		overrideConfig: await scanner.buildScanConfig(),
	});
	const formatter = await eslint.loadFormatter('stylish');
	return await formatter.format(await eslint.lintFiles(patterns));
}

async function scan(scanner: Scanner, folder: string, patterns: string[]): Promise<void> {
	const { passed, message, details = '' } = await scanner.analyzePackage(folder, patterns);
	const found = passed ? await warnings(scanner, folder, patterns) : `${message}\n${details}`;
	if (found.trim()) throw new UserError(`The scan found:\n${found}`);
}

try {
	// The scanner makes a temporary folder and leaves it behind.
	const work = join(WORK, 'scan');
	await rm(work, { recursive: true, force: true });
	await mkdir(work, { recursive: true });
	process.env.TMPDIR = work;
	const scanner = (await import(SCANNER)) as Scanner;
	const unpacked = join(work, 'package');
	await unpack(await packTarball(), unpacked);
	await step('Scanning the sources', () => scan(scanner, PROJECT, scanner.SOURCE_FILE_PATTERNS));
	await step('Scanning the packed tarball', () => scan(scanner, unpacked, TARBALL_PATTERNS));
} catch (error) {
	console.error(`✗ ${describeError(error)}`);
	process.exitCode = 1;
}

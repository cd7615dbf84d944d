// n8n's verification scan, without publishing first: the sources, and the tarball as it would be published.
// Stricter than n8n's own: a warning fails it too.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { PlainError, step } from './npm.mjs';
import { buildAndPack, unpack } from './pack.mts';
import { PROJECT, WORK } from './project.mts';

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
	const results = await eslint.lintFiles(patterns);
	const formatter = await eslint.loadFormatter('stylish');
	return await formatter.format(results);
}

async function scan(scanner: Scanner, folder: string, patterns: string[]): Promise<string> {
	const verdict = await scanner.analyzePackage(folder, patterns);
	if (!verdict.passed) return `${verdict.message}\n${verdict.details ?? ''}`;
	return await warnings(scanner, folder, patterns);
}

try {
	// The scanner makes a temporary folder and leaves it behind.
	const work = join(WORK, 'scan');
	await rm(work, { recursive: true, force: true });
	await mkdir(work, { recursive: true });
	process.env.TMPDIR = work;
	const scanner = (await import(SCANNER)) as Scanner;
	const tarball = await buildAndPack();
	const unpacked = join(work, 'package');
	await unpack(tarball, unpacked);
	let dirty = false;
	for (const [what, folder, patterns] of [
		['sources', PROJECT, scanner.SOURCE_FILE_PATTERNS],
		['packed tarball', unpacked, TARBALL_PATTERNS],
	] as const) {
		const said = await step(
			`Scanning the ${what}`,
			() => scan(scanner, folder, [...patterns]),
			(findings) => findings.trim() !== '',
		);
		if (!said.trim()) continue;
		dirty = true;
		console.error(`✗ The scan of the ${what} found:\n${said}`);
	}
	if (dirty) process.exit(1);
	console.log("✓ n8n's verification scan found nothing in the sources and nothing in the tarball.");
} catch (error) {
	console.error(
		`✗ ${error instanceof PlainError ? error.message : ((error as Error).stack ?? error)}`,
	);
	process.exit(1);
}

// `npm run release:check -- v1.2.3`: whether the tag, package.json, package-lock.json and CHANGELOG.md speak of one version.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROJECT } from '../tools/project.mts';

export interface Release {
	tag: string;
	/** In package.json. */
	version: string;
	lockVersion: string;
	changelog: string;
}

/** What keeps the release from going out, in plain words; empty when all agree. */
export function disagreements({ tag, version, lockVersion, changelog }: Release): string[] {
	const found: string[] = [];
	if (tag !== `v${version}`) found.push(`The tag is ${tag}, but package.json has ${version}.`);
	if (lockVersion !== version) found.push(`package-lock.json has ${lockVersion}, not ${version}.`);
	const [, ...sections] = changelog.split(/^## /m);
	const unreleased = sections.find((section) => section.startsWith('[Unreleased]'));
	if (unreleased?.replace('[Unreleased]', '').trim()) {
		found.push('CHANGELOG.md still has changes under Unreleased.');
	}
	const newest = sections.find((section) => section !== unreleased)?.split('\n')[0] ?? 'nothing';
	if (!newest.startsWith(`[${version}] - `) || !/ - \d{4}-\d{2}-\d{2}$/.test(newest)) {
		found.push(`CHANGELOG.md begins with "${newest}", not with "[${version}] - <yyyy-mm-dd>".`);
	}
	return found;
}

function main(tag: string | undefined): void {
	const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8');
	const { version } = JSON.parse(read('package.json'));
	const found = disagreements({
		tag: tag ?? '(none)',
		version,
		lockVersion: JSON.parse(read('package-lock.json')).version,
		changelog: read('CHANGELOG.md'),
	});
	for (const one of found) console.error(`✗ ${one}`);
	if (found.length > 0) process.exitCode = 1;
	else console.log(`✓ Tag, package and changelog agree on ${version}.`);
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) main(process.argv[2]);

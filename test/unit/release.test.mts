import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

import { disagreements, type Release } from '../../scripts/release.mts';

/** What the publish workflow asks before anything else. */

const PROJECT = resolve(import.meta.dirname, '../..');
const good: Release = {
	tag: 'v1.2.3',
	version: '1.2.3',
	lockVersion: '1.2.3',
	changelog:
		'# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-05-04\n\n### Fixed\n\n- A.\n\n## [1.2.2] - 2026-05-01\n',
};

test('nothing is found when all agree, with or without an empty Unreleased', () => {
	expect(disagreements(good)).toEqual([]);
	const changelog = good.changelog.replace('## [Unreleased]\n\n', '');
	expect(disagreements({ ...good, changelog })).toEqual([]);
});

test.each<[string, Partial<Release>, RegExp]>([
	['another tag', { tag: 'v1.2.4' }, /tag is v1\.2\.4/],
	['a tag without v', { tag: '1.2.3' }, /tag is 1\.2\.3/],
	['an old lockfile', { lockVersion: '1.2.2' }, /package-lock\.json has 1\.2\.2/],
	['no section', { changelog: '# Changelog\n' }, /begins with "nothing"/],
	[
		'an older section on top',
		{ changelog: '# C\n\n## [1.2.2] - 2026-05-01\n\n## [1.2.3] - 2026-05-04\n' },
		/begins with "\[1\.2\.2\]/,
	],
	['no date', { changelog: '# C\n\n## [1.2.3]\n' }, /not with "\[1\.2\.3\] - <yyyy-mm-dd>"/],
	[
		'changes left over',
		{ changelog: good.changelog.replace('[Unreleased]', '[Unreleased]\n\n- B.') },
		/still has changes under Unreleased/,
	],
])('%s', (_name, otherwise, words) => {
	expect(disagreements({ ...good, ...otherwise })).toEqual([expect.stringMatching(words)]);
});

test('the command fails with the reasons, for a tag that cannot be right', () => {
	const { status, stderr } = spawnSync(
		process.execPath,
		['--import', 'tsx', join('scripts', 'release.mts'), 'v0.0.0-none'],
		{ cwd: PROJECT, encoding: 'utf8' },
	);
	expect([status, stderr]).toEqual([1, expect.stringContaining('The tag is v0.0.0-none')]);
});

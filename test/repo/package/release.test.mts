import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** `npm run release:check`, which the publish workflow runs before anything else. */

const CHECK = resolve(import.meta.dirname, '../../../.ci/release');
const good = {
	tag: 'v1.2.3',
	version: '1.2.3',
	lockVersion: '1.2.3',
	changelog:
		'# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-05-04\n\n### Fixed\n\n- A.\n\n## [1.2.2] - 2026-05-01\n',
};

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kling-release-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function check({ tag, version, lockVersion, changelog }: typeof good) {
	writeFileSync(join(folder, 'package.json'), JSON.stringify({ version }));
	writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ version: lockVersion }));
	writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
	const { status, stderr } = spawnSync(CHECK, [tag], { cwd: folder, encoding: 'utf8' });
	return { status, complaints: stderr.trim().split('\n').filter(Boolean) };
}

test('nothing is found when all agree, with or without an empty Unreleased', () => {
	expect(check(good)).toEqual({ status: 0, complaints: [] });
	const changelog = good.changelog.replace('## [Unreleased]\n\n', '');
	expect(check({ ...good, changelog })).toEqual({ status: 0, complaints: [] });
});

test.each<[string, Partial<typeof good>, RegExp]>([
	['another tag', { tag: 'v1.2.4' }, /tag is v1\.2\.4/],
	['a tag without v', { tag: '1.2.3' }, /tag is 1\.2\.3/],
	['an old lockfile', { lockVersion: '1.2.2' }, /package-lock\.json has 1\.2\.2/],
	['no section', { changelog: '# Changelog\n' }, /begins with ""/],
	[
		'an older section on top',
		{ changelog: '# C\n\n## [1.2.2] - 2026-05-01\n\n## [1.2.3] - 2026-05-04\n' },
		/begins with "## \[1\.2\.2\]/,
	],
	['no date', { changelog: '# C\n\n## [1.2.3]\n' }, /not with "## \[1\.2\.3\] - <yyyy-mm-dd>"/],
	[
		'changes left over',
		{ changelog: good.changelog.replace('[Unreleased]', '[Unreleased]\n\n- B.') },
		/still has changes under Unreleased/,
	],
])('%s', (_name, otherwise, words) => {
	expect(check({ ...good, ...otherwise })).toEqual({
		status: 1,
		complaints: [expect.stringMatching(words)],
	});
});

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What would be published: the build, and what n8n and a reader need with it. */

const PROJECT = resolve(import.meta.dirname, '../../..');

function packedFiles(): string[] {
	const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
		cwd: PROJECT,
		encoding: 'utf8',
		shell: process.platform === 'win32',
	});
	const [{ files }] = JSON.parse(stdout) as Array<{ files: Array<{ path: string }> }>;
	return files.map(({ path }) => path);
}

test('the tarball holds the build, its icons and search words, and three files about it', () => {
	const files = packedFiles();
	const outside = files.filter((path) => !path.startsWith('dist/')).sort();
	expect(outside).toEqual(['LICENSE', 'README.md', 'package.json']);
	for (const path of files.filter((file) => file.startsWith('dist/'))) {
		expect(path).toMatch(/^dist\/(nodes|credentials)\/.+\.(js|svg|node\.json)$/);
		expect(path).not.toMatch(/test|sandbox|\.map$/);
	}
	const { n8n } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
		n8n: { nodes: string[]; credentials: string[] };
	};
	const loaded = [...n8n.nodes, ...n8n.credentials];
	for (const path of loaded) {
		expect(existsSync(join(PROJECT, path))).toBe(true);
		expect(files).toContain(path);
	}
	const others = files.filter((path) => path.endsWith('.js') && !loaded.includes(path));
	expect(others).toEqual(['dist/nodes/Kling/shared.js']);
});

test('no file of it tells where it was built, or points to a source map', () => {
	for (const path of packedFiles().filter((file) => file.endsWith('.js'))) {
		const text = readFileSync(join(PROJECT, path), 'utf8');
		expect(text).not.toContain(PROJECT);
		expect(text).not.toContain('sourceMappingURL');
	}
});

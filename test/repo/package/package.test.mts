import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What a stranger, and n8n's installer, hold on to in the package's own files. */

const PROJECT = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8');
const { n8n, dependencies, peerDependencies, files } = JSON.parse(read('package.json'));

test('it brings no dependency along and ships only what n8n needs', () => {
	expect(dependencies).toBeUndefined();
	expect(peerDependencies).toEqual({ 'n8n-workflow': '*' });
	expect(files).toEqual(['dist']);
});

test('every node and credential that n8n is told of has its source, and index.js hands it out', () => {
	const index = read('index.js');
	for (const path of [...n8n.nodes, ...n8n.credentials] as string[]) {
		const source = path.replace(/^dist\//, '').replace(/\.js$/, '.ts');
		expect(existsSync(join(PROJECT, source))).toBe(true);
		expect(index).toContain(`./${path}`);
	}
});

test('the lockfile names no place to download from', () => {
	const lockfile = read('package-lock.json');
	expect(lockfile).not.toContain('"resolved"');
	expect(lockfile).toContain('"integrity"');
});

/** n8n's own list. "AI" is on it too, but n8n keeps such nodes out of its search. */
const CATEGORIES = [
	'Analytics',
	'Communication',
	'Data & Storage',
	'Development',
	'Finance & Accounting',
	'Marketing & Content',
	'Miscellaneous',
	'Productivity',
	'Sales',
	'Utility',
];

test('every icon has its light and its dark form, and each codex names its node', () => {
	for (const icon of ['nodes/Kling/kling', 'credentials/useApiNet']) {
		expect(read(`${icon}.svg`)).toContain('<svg');
		expect(read(`${icon}.dark.svg`)).toContain('<svg');
	}
	for (const [file, name] of [
		['Kling', 'kling'],
		['KlingTrigger', 'klingTrigger'],
	]) {
		const codex = JSON.parse(read(`nodes/Kling/${file}.node.json`));
		expect(codex.node).toBe(`n8n-nodes-useapi-kling.${name}`);
		expect(CATEGORIES).toEqual(expect.arrayContaining(codex.categories));
	}
});

/** n8n's scan takes such an address for a way to carry data off, also in a comment. */
const TUNNEL =
	/\b((ngrok(-free)?|trycloudflare|serveo|beeceptor|pipedream|oastify)\.\w+|localhost\.run|loca\.lt|webhook\.(site|cool))\b/i;
const SOURCES = ['nodes', 'credentials', 'docs', 'examples', 'sandbox', 'test', 'tools', 'bench'];

test('no file names the address of a tunnelling service', () => {
	const files = SOURCES.flatMap((folder) =>
		readdirSync(join(PROJECT, folder), { encoding: 'utf8', recursive: true }).map((name) =>
			join(folder, name),
		),
	).filter((file) => /\.(m?[jt]s|json|md)$/.test(file));
	expect(files.filter((file) => TUNNEL.test(read(file)))).toEqual([]);
});

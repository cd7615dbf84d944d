import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { devDependencies, scripts } from '../../package.json';

/** What goes stale when nobody looks: links, commands and versions in documents and workflows. */

const PROJECT = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8');
const filesIn = (folder: string, ending: RegExp) =>
	readdirSync(join(PROJECT, folder), { encoding: 'utf8' })
		.filter((name) => ending.test(name))
		.map((name) => join(folder, name));

const FOLDERS = ['.', 'docs', 'examples', 'sandbox', '.github'];
const documents = FOLDERS.flatMap((folder) => filesIn(folder, /\.md$/));
const workflows = filesIn('.github/workflows', /\.ya?ml$/);

/** As GitHub makes them of headings: "Task → Get" becomes "task--get". */
const anchors = (file: string) =>
	[...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
		heading
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
			.replaceAll(' ', '-'),
	);

describe.each(documents)('%s', (document) => {
	const text = read(document);

	test('every link within the repository leads somewhere', () => {
		const targets = [...text.matchAll(/\]\(([^()\s]+)\)/g)]
			.map(([, target]) => target)
			.filter((target) => !/^[a-z]+:/.test(target));
		for (const target of targets) {
			const [path, anchor] = target.split('#');
			const file = path === '' ? document : join(dirname(document), path);
			expect([target, existsSync(join(PROJECT, file))]).toEqual([target, true]);
			if (anchor) expect(anchors(file)).toContain(anchor);
		}
	});

	test('every file that is named by its path exists', () => {
		const paths = [...text.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\.(?:m?ts|mjs|md|json|yml))`/g)]
			.map(([, path]) => path)
			.filter((path) => existsSync(join(PROJECT, path.split('/')[0])));
		for (const path of paths) {
			expect([path, existsSync(join(PROJECT, path))]).toEqual([path, true]);
		}
	});
});

const tests = readdirSync(join(PROJECT, 'test'), { recursive: true, encoding: 'utf8' })
	.filter((name) => name.endsWith('.test.mts'))
	.map((name) => `test/${name}`);

test.each(documents)('%s names only tests that there are', (document) => {
	const named = [...read(document).matchAll(/npx jest ((?:test\/[\w/.-]+ ?)+)/g)];
	for (const [, list] of named) {
		for (const path of list.trim().split(' ')) {
			expect([path, tests.some((test) => test.startsWith(path))]).toEqual([path, true]);
		}
	}
});

test.each([
	...documents,
	...workflows,
	...filesIn('.github/ISSUE_TEMPLATE', /\.yml$/),
	'.ci/run',
	'tools/start.mts',
])('%s names only commands that package.json has', (file) => {
	const named = [...read(file).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)];
	for (const [, script, short] of named) expect(Object.keys(scripts)).toContain(script ?? short);
});

describe.each(workflows)('%s', (workflow) => {
	const text = read(workflow);
	const jobs = text
		.slice(text.indexOf('\njobs:\n'))
		.split(/^ {2}(?=[\w-]+:$)/m)
		.slice(1);

	test('every action is pinned to a commit, with its version beside it', () => {
		const used = [...text.matchAll(/\buses: *(.+)$/gm)].map(([, action]) => action);
		expect(used.length).toBeGreaterThan(0);
		for (const action of used) {
			if (action.startsWith('./')) expect(existsSync(join(PROJECT, action))).toBe(true);
			else expect(action).toMatch(/^[\w.-]+(\/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
		}
	});

	test('nobody may do anything unless their job says so, and no job runs for ever', () => {
		expect(text).toMatch(/^permissions: \{\}$/m);
		expect(text).toMatch(/^concurrency:$/m);
		expect(jobs.length).toBeGreaterThan(0);
		for (const job of jobs) {
			expect(job).toMatch(/^ {4}permissions:$/m);
			// A job that is a whole workflow has its limits there.
			if (!/^ {4}uses: /m.test(job)) expect(job).toMatch(/^ {4}timeout-minutes: \d+$/m);
		}
	});

	test('a checkout leaves no token behind, and no text from outside is run', () => {
		const checkouts = text.split('actions/checkout@').slice(1);
		for (const rest of checkouts) {
			expect(rest.split('\n').slice(0, 3).join('\n')).toContain('persist-credentials: false');
		}
		const run = [...text.matchAll(/\brun: (?:\|\n(?:(?: {10}.*)?\n)+|.*)/g)].map(
			([script]) => script,
		);
		for (const script of run) expect(script).not.toContain('${{');
	});
});

test('the picture of the architecture shows files that are there', () => {
	const labels = [...read('docs/architecture.md').matchAll(/\[((?:\w+\/)*[\w.]+\.ts)\]/g)];
	expect(labels.length).toBeGreaterThan(5);
	for (const [, label] of labels) {
		expect([label, existsSync(join(PROJECT, 'nodes/Kling', label))]).toEqual([label, true]);
	}
});

test('README names the n8n that everything is tried on', () => {
	const [major, minor] = devDependencies['n8n-core'].split('.');
	expect(read('README.md')).toContain(`Tested with n8n ${major}.${minor}.`);
});

test('README and docs/versioning.md name the oldest engine that is tried', () => {
	const [, oldest] = /n8n-core@(\d+\.\d+)\./.exec(devDependencies['n8n-core-oldest'])!;
	expect(read('README.md')).toContain(`n8n's engine of ${oldest} `);
	expect(read('docs/versioning.md')).toContain(`n8n-core ${oldest},`);
});

test('one action has one commit everywhere', () => {
	const pins = new Map<string, Set<string>>();
	for (const workflow of workflows) {
		for (const [, owner, commit] of read(workflow).matchAll(
			/uses: ([\w-]+\/[\w-]+)[^@\n]*@(.+)$/gm,
		)) {
			pins.set(owner, (pins.get(owner) ?? new Set()).add(commit));
		}
	}
	for (const [owner, commits] of pins)
		expect([owner, [...commits]]).toEqual([owner, [expect.any(String)]]);
});

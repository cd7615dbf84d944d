import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { assumptions } from '../live/assumption.mts';
import '../live/assumptions/index.mts';

/** What the code assumes of the API it says by an id (`assumes: <id>`), and a test of that id asks the API: test/live. */

const PROJECT = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8');
const sources = ['nodes', 'credentials', 'sandbox'].flatMap((folder) =>
	readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
		.filter((file) => /\.m?ts$/.test(file))
		.map((file) => join(folder, file)),
);

/** `assumes: one, another` may go on in the next line of the comment. */
const idsIn = (text: string): string[] =>
	[...text.matchAll(/assumes: ([a-z0-9-]+(?:,(?:\s+\*|\s+\/\/)?\s+[a-z0-9-]+)*)/g)].flatMap(
		([, list]) => list.split(/[^a-z0-9-]+/),
	);

const named = new Map(sources.map((file) => [file, idsIn(read(file))]));
const ids = assumptions.map(({ id }) => id);

test('every id in the code has its test', () => {
	for (const [file, found] of named) {
		expect([file, found.filter((id) => !ids.includes(id))]).toEqual([file, []]);
	}
});

test('every test of an assumption has its place in the code', () => {
	const inCode = new Set([...named.values()].flat());
	expect(ids.filter((id) => !inCode.has(id))).toEqual([]);
});

test('whatever the published code calls an assumption has an id', () => {
	for (const file of sources.filter((name) => !name.startsWith('sandbox'))) {
		const words = read(file).match(/\b(?:our assumption|we assume|assum\w+(?<!assumes))\b.*/gi);
		expect([file, words]).toEqual([file, null]);
	}
});

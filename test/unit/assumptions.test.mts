import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Place } from '../../scripts/live/assumption.mts';
import { ASSUMPTIONS } from '../../scripts/live/assumptions/index.mts';

/** The table behind `npm run contract:live` says where things are written down and built on: that must stay true. */

const PROJECT = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(PROJECT, file), 'utf8');
/** As one line, without the signs that begin a line of a comment. */
const flat = (text: string) => text.replaceAll(/\s*\n\s*(?:\*|\/\/)?\s*/g, ' ');

/** Whether an assumption quotes the place from `start` to `end` of a file. */
const isQuoted = (file: string, text: string, start: number, end: number) =>
	ASSUMPTIONS.flatMap(({ source, builtOn }) => [source, builtOn])
		.filter((place) => place.file === file)
		.some(({ words }) => {
			for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
				if (at < end && at + words.length > start) return true;
			}
			return false;
		});

test('every id is there once', () => {
	const ids = ASSUMPTIONS.map(({ id }) => id);
	expect(new Set(ids).size).toBe(ids.length);
});

test.each(
	ASSUMPTIONS.map(({ id, source, builtOn }): [string, Place, Place] => [id, source, builtOn]),
)('%s is written down and built on where the table says', (_id, source, builtOn) => {
	expect(flat(read(source.file))).toContain(source.words);
	// On one line, which is named when it is refuted.
	expect(read(builtOn.file).split('\n')).toContainEqual(expect.stringContaining(builtOn.words));
});

test('everything that kling-api.md marks T or I is in the table', () => {
	const file = 'docs/kling-api.md';
	const text = flat(read(file));
	const marks = [...text.matchAll(/\((?:[^()]*[ ,])?[TI](?:[ ,:][^()]*)?\)/g)];
	expect(marks.length).toBeGreaterThanOrEqual(3);
	for (const { 0: mark, index } of marks) {
		const around = text.slice(Math.max(0, index - 60), index + mark.length);
		const quoted = isQuoted(file, text, index, index + mark.length);
		expect([around, quoted]).toEqual([around, true]);
	}
});

test('everything that the sandbox assumes is in the table', () => {
	/** Facts about the sandbox alone. */
	const ownAffairs = ['Result files', 'Ids'];
	const file = 'sandbox/README.md';
	const text = flat(read(file));
	const assumed = text.indexOf('## What is assumed here');
	const bullets = [...text.matchAll(/- \*\*([^*]+?)[.:]?\*\*/g)].filter(
		({ index }) => index > assumed,
	);
	expect(bullets.length).toBeGreaterThan(10);
	bullets.forEach(({ 1: title, index }, place) => {
		const end = bullets[place + 1]?.index ?? text.length;
		const quoted = isQuoted(file, text, index, end);
		expect([title, quoted || ownAffairs.includes(title)]).toEqual([title, true]);
	});
});

test('whatever code and README call an assumption is in the table', () => {
	const sources = readdirSync(join(PROJECT, 'nodes'), { recursive: true, encoding: 'utf8' })
		.filter((file) => file.endsWith('.ts'))
		.map((file) => join('nodes', file));
	for (const file of [...sources, 'README.md', 'docs/kling-api.md']) {
		const text = flat(read(file));
		for (const { index } of text.matchAll(/\b(?:our assumption|we assume)\b/gi)) {
			expect([file, isQuoted(file, text, index, index + 1)]).toEqual([file, true]);
		}
	}
});

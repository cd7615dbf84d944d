// Says of every assumption whether it holds.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../../tools/project.mts';
import type { Assumption, Place, Verdict } from './assumption.mts';
import { ASSUMPTIONS } from './assumptions/index.mts';
import type { Seen } from './seen.mts';
import type { Words } from './words.mts';

export interface Finding extends Verdict {
	assumption: Assumption;
}

export const judgeAll = (seen: Seen): Finding[] =>
	ASSUMPTIONS.map((assumption) => ({ assumption, ...assumption.check(seen) }));

const SIGN = { confirmed: '✓', refuted: '✗', unseen: '·' };
const INDENT = ' '.repeat(18);

/** "nodes/Kling/job/watch.ts:14" */
function lineOf({ file, words }: Place): string {
	const lines = readFileSync(join(PROJECT, file), 'utf8').split('\n');
	return `${file}:${lines.findIndex((line) => line.includes(words)) + 1}`;
}

export function tell(words: Words, findings: Finding[]): void {
	words.say(`
Each with where it comes from: D the vendor's pages, V the vendor's scripts, T third-party clients, I inferred
(docs/kling-api.md), own: only this project's code.
`);
	for (const { assumption, verdict, evidence } of findings) {
		const { text, mark, source, builtOn } = assumption;
		words.say(`${SIGN[verdict]} ${verdict.padEnd(9)}  ${mark.padEnd(3)}  ${text}`);
		words.say(`${INDENT}${evidence}`);
		if (verdict !== 'refuted') continue;
		words.say(`${INDENT}Built on in ${lineOf(builtOn)}, written down in ${source.file}`);
	}
	const count = (verdict: Verdict['verdict']) =>
		findings.filter((finding) => finding.verdict === verdict).length;
	words.say(
		`\n${count('confirmed')} confirmed, ${count('refuted')} refuted, ${count('unseen')} unseen`,
	);
}

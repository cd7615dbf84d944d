// How long n8n takes to load each package, in a process of its own with what n8n has loaded before.
import { execa } from 'execa';
import { join } from 'node:path';
import { installN8n } from '../../tools/n8n/install.mts';
import { step } from '../../tools/terminal.mts';
import { atMost, count, ms } from '../report.mts';
import type { Section } from '../report.mts';
import type { Stage } from '../stage.mts';

const LOAD = `
	const [, folder] = process.argv;
	const { n8n } = require(folder + '/package.json');
	require('n8n-workflow');
	const began = performance.now();
	for (const file of [...n8n.nodes, ...n8n.credentials]) require(folder + '/' + file);
	console.log(performance.now() - began);
`;

export async function loading({ packages, modules }: Stage, quick: boolean): Promise<Section> {
	const { node } = await installN8n();
	const turns = quick ? 5 : 21;
	const least = packages.map(() => Infinity);
	await step(`Loading ${count(packages.length, 'package')}, ${turns} times in turn`, async () => {
		for (let turn = 0; turn < turns; turn++) {
			for (const [at, { name }] of packages.entries()) {
				const cwd = join(modules, name);
				const { stdout } = await execa(node, ['--eval', LOAD, cwd], { cwd });
				least[at] = Math.min(least[at], Number(stdout));
			}
		}
	});
	// In whole ms, as they are shown: parts of one tell nothing here.
	const checks = packages.map(({ name }, at) =>
		atMost(`${name}: least of ${turns}`, least[at], ms, at === 0 ? Math.ceil(least[1]) : undefined),
	);
	const text =
		'Both nodes and the credential, once for each start of n8n. What costs is the number of files.';
	return { title: 'Loading', load: '', checks, text, tables: [], faults: [] };
}

// How long n8n takes to load each package, in a process of its own with what n8n has loaded before.
import { execa } from 'execa';
import { join } from 'node:path';
import { installN8n } from '../../tools/n8n/install.mts';
import { step } from '../../tools/terminal.mts';
import { atMost, count, ms } from '../report.mts';
import type { Section } from '../report.mts';
import type { Package, Stage } from '../stage.mts';

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
	const load = async ({ name }: Package) => {
		const cwd = join(modules, name);
		const { stdout } = await execa(node, ['--eval', LOAD, cwd], { cwd });
		return Number(stdout);
	};
	const took = new Map(packages.map((each) => [each, [] as number[]]));
	const turns = quick ? 5 : 21;
	await step(`Loading ${count(packages.length, 'package')}, ${turns} times in turn`, async () => {
		for (let turn = 0; turn < turns; turn++) {
			for (const [each, all] of took) all.push(await load(each));
		}
	});
	const least = packages.map((each) => Math.min(...took.get(each)!));
	const [own, ...others] = least;
	const fastest = others.length > 0 ? Math.min(...others) : undefined;
	return {
		title: 'Loading',
		load: '',
		checks: packages.map(({ name }, at) =>
			atMost(
				`${name}: least of ${turns}`,
				least[at],
				ms,
				at === 0 && own >= 0 ? fastest : undefined,
			),
		),
		text: 'Both nodes and the credential, once for each start of n8n. What costs is the number of files.',
		tables: [],
		faults: [],
	};
}

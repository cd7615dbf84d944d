// What a package weighs: the tarball's size, and the time n8n needs to load it.
import { execa } from 'execa';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodesFolder } from '../../tools/n8n/process.mts';
import { step, UserError } from '../../tools/terminal.mts';
import { median } from './figures.mts';
import type { PackageFigures } from './results.mts';
import { kilobytes } from './units.mts';

const LOAD = fileURLToPath(new URL('./load.mjs', import.meta.url));

async function loadOnceMs(node: string, folder: string): Promise<number> {
	const { failed, all: output } = await execa(node, [LOAD, folder], { all: true, reject: false });
	const ms = Number(output);
	if (failed || !Number.isFinite(ms)) {
		throw new UserError(`The package in ${folder} could not be loaded:\n${output.trim()}`);
	}
	return ms;
}

/**
 * All packages in turns, so that what else the machine does meanwhile meets them alike.
 *
 * @param stageFolder folder of an n8n that has them installed
 */
export async function weigh(
	packages: Array<{ name: string; tarball: string }>,
	stageFolder: string,
	node: string,
	loads: number,
): Promise<PackageFigures[]> {
	const folderOf = (name: string) => join(nodesFolder(stageFolder), 'node_modules', name);
	const times = new Map(packages.map(({ name }) => [name, [] as number[]]));
	const names = [...times.keys()].join(' and ');
	await step(`Loading ${names}, each in ${loads} fresh processes`, async () => {
		// Once without the clock: files that were just unpacked are read from the disk.
		for (const name of times.keys()) await loadOnceMs(node, folderOf(name));
		for (let load = 0; load < loads; load++) {
			for (const [name, each] of times) each.push(await loadOnceMs(node, folderOf(name)));
		}
	});
	return await Promise.all(
		packages.map(async ({ name, tarball }) => {
			const { version, n8n } = JSON.parse(
				await readFile(join(folderOf(name), 'package.json'), 'utf8'),
			);
			const figures: PackageFigures = {
				name,
				version,
				tarballBytes: (await stat(tarball)).size,
				loadMs: median(times.get(name)!),
				loads,
				nodes: n8n.nodes.length,
				credentials: n8n.credentials.length,
			};
			const { tarballBytes, loadMs } = figures;
			console.log(`    ${name}: ${kilobytes(tarballBytes)}, loaded in ${loadMs.toFixed(1)} ms`);
			return figures;
		}),
	);
}

// Build, pack, unpack: what n8n gets is the tarball that would be published, never the sources.
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlainError, run, runNpm, step } from './npm.mjs';
import { PROJECT, WORK } from './project.mts';

async function must(what: string, result: Promise<{ code: number; output: string }>) {
	const { code, output } = await result;
	if (code !== 0) throw new PlainError(`${what} failed:\n${output.trim()}`);
}

const build = async () =>
	await must(
		'The build',
		run(process.execPath, [join(PROJECT, 'node_modules', 'gulp', 'bin', 'gulp.js')], {
			cwd: PROJECT,
		}),
	);

/** Returns the tarball's path. */
async function pack(): Promise<string> {
	const folder = join(WORK, 'pack');
	await rm(folder, { recursive: true, force: true });
	await mkdir(folder, { recursive: true });
	await must(
		'npm pack',
		runNpm(['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: PROJECT }),
	);
	const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
	if (!tarball) throw new PlainError(`npm pack wrote no file into ${folder}`);
	return join(folder, tarball);
}

export const buildAndPack = async () =>
	await step('Building and packing the Kling node', async () => {
		await build();
		return await pack();
	});

/** Unpacks into `folder`, which is emptied first. */
export async function unpack(tarball: string, folder: string): Promise<void> {
	await rm(folder, { recursive: true, force: true });
	await mkdir(folder, { recursive: true });
	await must(
		`Unpacking ${tarball}`,
		run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']),
	);
}

/** The name and version that a tarball's package.json gives; it is unpacked into `folder`, below its name. */
async function unpackInto(folder: string, tarball: string): Promise<[string, string]> {
	const unnamed = join(folder, '.unpacked');
	await unpack(tarball, unnamed);
	const { name, version } = JSON.parse(await readFile(join(unnamed, 'package.json'), 'utf8'));
	const named = join(folder, name);
	await rm(named, { recursive: true, force: true });
	await rename(unnamed, named);
	return [name, version];
}

/** Puts the tarballs where n8n keeps the community nodes that are installed from its settings page. */
export async function installCommunityNodes(
	tarballs: string[],
	nodesFolder: string,
	hostModules: string,
): Promise<void> {
	const modules = join(nodesFolder, 'node_modules');
	const installed: Array<[string, string]> = [];
	for (const tarball of tarballs) installed.push(await unpackInto(modules, tarball));
	const dependencies = Object.fromEntries(installed);
	await writeFile(
		join(nodesFolder, 'package.json'),
		`${JSON.stringify({ name: 'installed-nodes', private: true, dependencies }, null, 2)}\n`,
	);
	// n8n lends its own n8n-workflow to community nodes. Without this link, one would find this clone's copy first.
	const lent = join(modules, 'n8n-workflow');
	await rm(lent, { recursive: true, force: true });
	await symlink(join(hostModules, 'n8n-workflow'), lent, 'junction');
}

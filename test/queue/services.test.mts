import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { pathToFileURL } from 'node:url';

import { PROJECT } from '../../tools/project.mts';
import { until } from './support/batch.mts';

/** Redis and PostgreSQL are started by the tests: they must be there, and they must not stay. */

const SERVICES = pathToFileURL(require.resolve('./support/services.mts')).href;

const isFree = (port: number) =>
	new Promise<boolean>((resolve) => {
		const socket = connect(port, '127.0.0.1');
		socket.once('connect', () => {
			socket.destroy();
			resolve(false);
		});
		socket.once('error', () => resolve(true));
	});

/** A script of its own, as the tests are one, for as long as it lives. */
function start(script: string, path = process.env.PATH) {
	const code = `import * as services from ${JSON.stringify(SERVICES)};\n${script}`;
	const child = spawn(
		process.execPath,
		['--import', 'tsx', '--input-type=module', '--eval', code],
		{ cwd: PROJECT, env: { ...process.env, PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] },
	);
	const said = { text: '' };
	for (const stream of [child.stdout, child.stderr]) {
		stream.on('data', (chunk) => (said.text += chunk));
	}
	return { child, said };
}

test('without Redis or PostgreSQL the tests say what is missing and how to install it', async () => {
	const { child, said } = start('await services.assertServices();', '/nowhere');
	const [code] = await once(child, 'close');
	expect(code).toBe(1);
	expect(said.text).toMatch(/missing: redis-server/);
	expect(said.text).toContain('apt-get install -y redis-server postgresql');
});

test('both end when the tests are killed', async () => {
	const { child, said } = start(`
		const both = await Promise.all([services.startRedis(), services.startPostgres()]);
		console.log(JSON.stringify(both.map(({ port, folder }) => ({ port, folder }))));
		setInterval(() => {}, 1_000);`);
	let both: Array<{ port: number; folder: string }>;
	try {
		await until('both are there', () => said.text.includes('\n'));
		both = JSON.parse(said.text);
		for (const { port } of both) {
			expect(await isFree(port)).toBe(false);
		}
	} finally {
		child.kill('SIGKILL');
	}
	for (const { port, folder } of both) {
		await until('it is gone', async () => await isFree(port));
		await rm(folder, { recursive: true, force: true, maxRetries: 5 });
	}
}, 60_000);

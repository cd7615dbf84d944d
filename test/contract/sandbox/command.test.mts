import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { until } from '../support/documented.mts';

/** The command line, as `npm run sandbox` starts it. */

const ROOT = join(__dirname, '../../..');

function start(...args: string[]) {
	const child = spawn(process.execPath, ['--import', 'tsx', 'sandbox/main.mts', ...args], {
		cwd: ROOT,
	});
	const printed = { out: '', error: '' };
	child.stdout.on('data', (text) => (printed.out += text));
	child.stderr.on('data', (text) => (printed.error += text));
	return { child, printed };
}

async function exitCode(child: ChildProcess) {
	return child.exitCode ?? (await once(child, 'exit'))[0];
}

test('it says how to begin, its own example works, and SIGTERM ends it', async () => {
	const { child, printed } = start('--port', '0', '--job-seconds', '0.2', '--accounts', '2');
	try {
		await until(() => printed.out.includes('-d '));
		const url = /Base URL +(\S+)/.exec(printed.out)?.[1];
		const token = /API Token +(\S+)/.exec(printed.out)?.[1];
		expect(printed.out).toContain('Kling accounts: artist@example.com, second@example.com');
		const body = /-d '(.+)'/.exec(printed.out)?.[1];
		const response = await fetch(`${url}/v1/kling/images/upscale`, {
			method: 'POST',
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			body,
		});
		expect(response.status).toBe(200);
		await response.text();
	} finally {
		child.kill('SIGTERM');
	}
	expect(await exitCode(child)).toBe(0);
});

test('a busy port: one clear line', async () => {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	const { child, printed } = start('--port', String(port));
	const code = await exitCode(child);
	server.close();
	expect(code).toBe(1);
	expect(printed.error).toMatch(new RegExp(`^Port ${port} is in use\\..*\n$`));
	expect(printed.out).toBe('');
});

test('a wrong option and --help', async () => {
	const wrong = start('--port', 'abc');
	const help = start('--help');
	expect(await exitCode(wrong.child)).toBe(1);
	expect(wrong.printed.error).toContain('--port must be a number');
	expect(await exitCode(help.child)).toBe(0);
	expect(help.printed.out).toContain('--job-seconds');
});

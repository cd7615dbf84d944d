// A program that has the terminal for as long as it runs: its output is shown, and it ends with us.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { PROJECT } from './project.mts';

/** Runs in the project's folder. @returns its exit code */
export async function inForeground(
	command: string,
	args: string[],
	env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
	const child = spawn(command, args, {
		cwd: PROJECT,
		env,
		stdio: ['ignore', 'inherit', 'inherit'],
	});
	// Ctrl-C reaches both; what ends this script alone has to be passed on.
	for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
		process.once(signal, () => child.kill(signal));
	}
	return await new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('exit', (code) => resolve(code ?? 1));
	});
}

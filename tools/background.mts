// Programs in a process group of their own: Ctrl-C reaches only this process, which then ends them in order.
import { execa, type Options } from 'execa';
import { once } from 'node:events';

const HAS_GROUPS = process.platform !== 'win32';

/**
 * Kills the group $1 once there is something to read. If the input closes without it, this process has died: then the group
 * may end in order first, and the folder $2 is removed.
 */
const WATCHDOG = `read -r word
[ -n "$word" ] || { kill -INT "-$1"; sleep 5; }
kill -KILL "-$1"
[ -n "$word" ] || [ -z "$2" ] || rm -rf -- "$2"`;

function startWatchdog(pid: number | undefined, folder: string) {
	if (!HAS_GROUPS || !pid) return undefined;
	const args = ['-c', WATCHDOG, 'watchdog', String(pid), folder];
	const output = { stdout: 'ignore', stderr: 'ignore' } as const;
	return execa('sh', args, { ...output, stdin: 'pipe', reject: false, detached: true });
}

export interface BackgroundOptions
	extends Pick<Options, 'cwd' | 'env' | 'extendEnv' | 'timeout' | 'forceKillAfterDelay'> {
	/** The file that takes its output, emptied first; without it the output is in the result. */
	log?: string;
	/** A folder that is removed if this process dies before the program has ended. */
	temporaryFolder?: string;
}

/** Starts a program that ends at the latest when this process does. */
export function startInBackground(
	command: string,
	args: string[],
	{ log, temporaryFolder = '', ...options }: BackgroundOptions,
) {
	const output = log ? { file: log } : 'pipe';
	const child = execa(command, args, {
		...options,
		stdin: 'ignore',
		stdout: output,
		stderr: output,
		all: true,
		reject: false,
		detached: HAS_GROUPS,
		// SIGTERM would let PostgreSQL wait for its clients.
		killSignal: 'SIGINT',
	});
	const watchdog = startWatchdog(child.pid, temporaryFolder);
	let killed: Promise<unknown> | undefined;
	/** Kills everything at once, as a power cut would. */
	const kill = async () => {
		killed ??= (async () => {
			if (watchdog) watchdog.stdin.end('kill\n');
			else child.kill('SIGKILL');
			await Promise.all([child, watchdog]);
		})();
		await killed;
	};
	let hasEnded = false;
	/** Resolves when the program and what it started have ended, wanted or not. */
	const ended = (async () => {
		// What the program has started may keep its output open for longer.
		await Promise.race([once(child, 'exit'), child]);
		hasEnded = true;
		await kill();
		return await child;
	})();
	/** Asks the program to end, and kills it if it takes longer than `forceKillAfterDelay`. */
	const stop = async () => {
		child.kill();
		await ended;
	};
	return { pid: child.pid ?? 0, ended, hasEnded: () => hasEnded, kill, stop };
}

export type Background = ReturnType<typeof startInBackground>;

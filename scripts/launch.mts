// Long-running programs of ours: a group and a log each, ended in order or at once, and never left behind.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { END_WITH_PARENT, endGroup, tie, untie } from './npm.mjs';

const FOLLOW = fileURLToPath(new URL('./follow.mjs', import.meta.url));

export interface Program {
	/** The Node.js that runs it. */
	node: string;
	/** A script and its arguments. */
	args: string[];
	/** The folder it runs in. */
	folder: string;
	/** The file that takes its output; emptied first. */
	log: string;
	env: Record<string, string>;
	/** How long an orderly end may take. */
	killAfterMs: number;
}
export interface Running {
	/** 0 when it could not be started. */
	pid: number;
	/** Ends with the process, wanted or not. */
	ended: Promise<void>;
	hasEnded(): boolean;
	/** Asks it to end, and ends it if it does not. */
	stop(): Promise<void>;
	/** Ends it as a power cut would. */
	kill(): Promise<void>;
}

/** A program that is not Node.js, as the arguments of a Node.js that ends it, and removes its folder, should we die. */
export const following = (folder: string, command: string[]): string[] => [
	FOLLOW,
	folder,
	...command,
];

export function launch({ node, args, folder, log, env, killAfterMs }: Program): Running {
	const logFile = openSync(log, 'w');
	const child = spawn(node, ['--import', END_WITH_PARENT, ...args], {
		cwd: folder,
		env,
		// The fourth is the pipe that end-with-parent.mjs watches.
		stdio: ['ignore', logFile, logFile, 'pipe'],
		// Its own group: Ctrl-C reaches this script alone, which then ends the program in order.
		detached: process.platform !== 'win32',
	});
	closeSync(logFile);
	const { pid } = child;
	if (pid !== undefined) tie(pid);

	let over = false;
	const ended = new Promise<void>((resolve) => {
		const end = () => {
			over = true;
			resolve();
		};
		child.once('exit', end);
		child.once('error', end);
	});
	const kill = async () => {
		if (pid === undefined) return;
		endGroup(pid, 'SIGKILL');
		await ended;
		untie(pid);
	};
	const stop = async () => {
		if (!over) child.kill('SIGTERM');
		await Promise.race([ended, pause(killAfterMs, undefined, { ref: false })]);
		// It was asked first; what it has started, and itself if it hangs, are ended in any case.
		await kill();
	};
	return { pid: pid ?? 0, ended, stop, kill, hasEnded: () => over };
}

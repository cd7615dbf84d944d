// What the person at the terminal types and reads.
import { execa, type Options } from 'execa';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import yoctoSpinner from 'yocto-spinner';

const LINES_SHOWN = 12;

/** An expected failure: its message says what happened and what to do. */
export class UserError extends Error {}

/** The message of an expected failure; the stack of any other. */
export const describeError = (error: unknown): string =>
	error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));

/** Ends with the help text when that was asked for. @throws UserError with it when something else was typed */
export function readArguments<T extends ParseArgsConfig>(config: T, help: string) {
	if (process.argv.some((typed) => typed === '--help' || typed === '-h')) {
		console.log(help);
		process.exit();
	}
	try {
		return parseArgs(config);
	} catch (error) {
		throw new UserError(`${(error as Error).message}\n\n${help}`);
	}
}

/** Runs a program to its end; answers its output. @throws UserError with the end of it, when it fails */
export async function run(what: string, command: string, args: string[], options: Options = {}) {
	// When this process ends, so does the program: npm, asked to, would take minutes to put everything back.
	const always = { stdin: 'ignore', all: true, reject: false, killSignal: 'SIGKILL' } as const;
	const { failed, all, stdout } = await execa(command, args, { ...options, ...always });
	if (!failed) return String(stdout);
	const said = String(all).trim().split('\n').slice(-LINES_SHOWN).join('\n');
	throw new UserError(`${what} failed:\n${said}`);
}

/** Prints `title` and the seconds it takes while `work` runs, then whether it succeeded. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
	const began = Date.now();
	const text = () => `${title} (${Math.round((Date.now() - began) / 1_000)} s)`;
	const spinner = yoctoSpinner({ text: title, handleSignals: false }).start();
	// Where the output is a log file, every update is a line of its own.
	const everyMs = process.stderr.isTTY ? 1_000 : 30_000;
	const timer = setInterval(() => (spinner.text = text()), everyMs);
	try {
		const result = await work();
		spinner.success(text());
		return result;
	} catch (error) {
		spinner.error(text());
		throw error;
	} finally {
		clearInterval(timer);
	}
}

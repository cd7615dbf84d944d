// What the person at the terminal reads.
import yoctoSpinner from 'yocto-spinner';

const UPDATE_EVERY_MS = 1_000;
/** Where the output is a log file, every update is a line of its own. */
const LOG_UPDATE_EVERY_MS = 30_000;

/** An expected failure: its message says what happened and what to do. */
export class UserError extends Error {
	name = 'UserError';
}

/** The message of an expected failure; the stack of any other. */
export const describeError = (error: unknown): string =>
	error instanceof UserError ? error.message : ((error as Error).stack ?? String(error));

/** Prints `title` and the seconds it takes while `work` runs, then whether it succeeded. */
export async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
	const began = Date.now();
	const text = () => `${title} (${Math.round((Date.now() - began) / 1_000)} s)`;
	const spinner = yoctoSpinner({ text: title, handleSignals: false }).start();
	const timer = setInterval(
		() => (spinner.text = text()),
		process.stderr.isTTY ? UPDATE_EVERY_MS : LOG_UPDATE_EVERY_MS,
	);
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

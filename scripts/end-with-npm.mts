// Ending npm from outside ends npm and its shell, but the shell does not pass it on to the script that it runs.
const LOOK_AGAIN_MS = 500;

/**
 * When the npm around this script ends, the script is told as by a SIGTERM.
 *
 * @param name of the script in package.json: started in another way, the script has another parent
 */
export function endWithNpm(name: string): void {
	if (process.env.npm_lifecycle_event !== name) return;
	const parent = process.ppid;
	setInterval(() => {
		if (process.ppid !== parent) process.emit('SIGTERM');
	}, LOOK_AGAIN_MS).unref();
}

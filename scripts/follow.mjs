// Runs a program that is not Node.js and ends with it:
//   node --import ./end-with-parent.mjs follow.mjs <folder> <command> [arguments]
// Node.js can watch whether the script that started it is still there (end-with-parent.mjs); a database cannot. If that
// script died and could not clean up, the program's folder is removed here.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import process from 'node:process';

const [folder, command, ...args] = process.argv.slice(2);
let isOrphan = false;
// By end-with-parent.mjs, before anything is ended.
process.once('orphaned', () => (isOrphan = true));
const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
child.on('error', (error) => {
	process.stderr.write(`${command}: ${error.message}\n`);
	process.exit(1);
});
child.on('exit', (code) => {
	if (isOrphan) rmSync(folder, { recursive: true, force: true });
	process.exit(code ?? 1);
});
// To PostgreSQL, SIGTERM would mean: once all clients have gone.
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill('SIGINT'));

// Loaded into n8n and npm, whose Node.js may not read TypeScript. The script that started them holds the other end of this
// pipe: when that script ends, however it ends, the pipe closes, and they end too with everything they have started.
import { Socket } from 'node:net';
import process from 'node:process';
import { setTimeout } from 'node:timers';

const PIPE_FD = 3;
const KILL_AFTER_MS = 8_000;

const group = process.platform === 'win32' ? process.pid : -process.pid;

new Socket({ fd: PIPE_FD })
	.on('close', () => {
		process.emit('orphaned');
		process.kill(group, 'SIGTERM');
		setTimeout(() => process.kill(group, 'SIGKILL'), KILL_AFTER_MS).unref();
	})
	.on('error', () => undefined)
	.resume()
	.unref();

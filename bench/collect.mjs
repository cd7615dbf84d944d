// Loaded into n8n, whose Node.js may not read TypeScript. Asked by a message, it tells how the process is doing; the
// largest size (RSS) is that since the answer before. What is in use is known only after a garbage collection:
// asked for "use" it collects first, and asked to "tidy" it also gives back to the system what it can.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const BYTES_PER_KB = 1024;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

process.on('message', (how) => {
	const { user, system } = process.cpuUsage();
	const cpuMs = (user + system) / 1e3;
	const isLinux = process.platform === 'linux';
	const peakBytes = isLinux ? process.resourceUsage().maxRSS * BYTES_PER_KB : NaN;
	const flavor = how === 'tidy' ? 'last-resort' : 'regular';
	// Buffers are given back a while after their owners are collected; the second collection waits for that.
	for (let times = how === 'look' ? 0 : 2; times > 0; times--) {
		collectGarbage({ type: 'major', execution: 'sync', flavor });
	}
	const { heapUsed, external, rss: sizeBytes } = process.memoryUsage();
	process.send({ cpuMs, peakBytes, sizeBytes, usedBytes: heapUsed + external });
	// Has the kernel forget the largest size; no other system can.
	if (isLinux) writeFileSync('/proc/self/clear_refs', '5');
});

// Loaded into n8n, whose Node.js may not read TypeScript. Asked by a signal, it writes down how the process is doing.
// What is in use is known only after a garbage collection: asked for "use" it collects first, and asked to "tidy" it also
// gives back to the system what it can.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const file = process.env.BENCH_PROBE_FILE;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');
const delay = monitorEventLoopDelay();
delay.enable();

process.on('SIGUSR2', () => {
	const how = readFileSync(`${file}.asked`, 'utf8');
	const { user, system } = process.cpuUsage();
	const reading = { cpuMs: (user + system) / 1e3, stallMs: delay.max / 1e6 };
	const flavor = how === 'tidy' ? 'last-resort' : 'regular';
	// Buffers are given back a while after their owners are collected; the second collection waits for that.
	for (let times = how === 'look' ? 0 : 2; times > 0; times--) {
		collectGarbage({ type: 'major', execution: 'sync', flavor });
	}
	const { heapUsed, external } = process.memoryUsage();
	// Renamed when it is whole, so that nobody reads half of it.
	writeFileSync(`${file}.part`, JSON.stringify({ ...reading, usedBytes: heapUsed + external }));
	renameSync(`${file}.part`, file);
	delay.reset();
});

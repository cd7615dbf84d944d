// Loaded into n8n for the memory figures, whose Node.js may not read TypeScript. V8 leaves garbage lying about as long as
// the machine has room, so the size of a process tells little about what is in use. Asked by a signal, this collects the
// garbage and writes down what is left in the heap and in buffers, in bytes. Asked to "tidy", it also gives back to the
// system what it can, so that every run begins at the same size.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const file = process.env.BENCH_MEMORY_FILE;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

process.on('SIGUSR2', () => {
	const tidy = readFileSync(`${file}.asked`, 'utf8') === 'tidy';
	const flavor = tidy ? 'last-resort' : 'regular';
	collectGarbage({ type: 'major', execution: 'sync', flavor });
	// Buffers are given back a while after their owners are collected; the next collection waits for that.
	collectGarbage({ type: 'major', execution: 'sync', flavor });
	const { heapUsed, external } = process.memoryUsage();
	// Renamed when it is whole, so that nobody reads half a number.
	writeFileSync(`${file}.part`, String(heapUsed + external));
	renameSync(`${file}.part`, file);
});

// What n8n does with a package at its start: loads every node and credential that package.json names, and makes one of
// each. Run in a fresh process by n8n's own Node.js; prints the milliseconds it took.
//   node load.mjs <folder of the unpacked package>
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';

const require = createRequire(join(process.argv[2], 'package.json'));
const { nodes, credentials } = require('./package.json').n8n;
// n8n has loaded this long before, and lends it to every package.
require('n8n-workflow');

const since = performance.now();
for (const path of [...nodes, ...credentials]) {
	const name = basename(path).split('.')[0];
	new (require(`./${path}`)[name])();
}
console.log(performance.now() - since);

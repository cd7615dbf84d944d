// Runs a script of this project, after installing the project's packages if they are missing or outdated:
//   node tools/run.mjs [script.mts [arguments]]
// Both in one process, so that what ends `npm start` ends it all. Not a "prestart" script: npm leaves those out when
// ignore-scripts is set, as it is here. Plain JavaScript on Node.js's own modules, because nothing is installed yet.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { setInterval } from 'node:timers';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MIN_MAJOR = 20;
const NEEDED_GB = 1.5;
const BYTES_PER_GB = 1024 ** 3;
const TRIES = 3;
const PARENT_CHECK_MS = 500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const project = join(dirname(fileURLToPath(import.meta.url)), '..');

const packagesIn = (file) => JSON.parse(readFileSync(join(project, file), 'utf8')).packages;

/** npm writes node_modules/.package-lock.json as the last act of an install: half an install has none, an old one differs. */
function isInstalled() {
	const file = 'node_modules/.package-lock.json';
	const installed = existsSync(join(project, file)) ? packagesIn(file) : {};
	return Object.entries(packagesIn('package-lock.json')).every(
		([path, { version, optional }]) =>
			path === '' ||
			optional ||
			(installed[path]?.version === version && existsSync(join(project, path, 'package.json'))),
	);
}

function fail(message) {
	console.error(`\n✗ ${message}`);
	process.exit(1);
}

/** @returns npm's exit code */
function npmCi() {
	const flags =
		'--include=dev --include=optional --prefer-offline --fetch-retries=4 --fetch-retry-mintimeout=1000 --loglevel=error';
	const npm = spawn('npm', ['ci', ...flags.split(' ')], {
		cwd: project,
		stdio: 'inherit',
		// npm is a .cmd file there.
		shell: process.platform === 'win32',
	});
	const end = (signal) => {
		npm.kill(signal);
		process.exit(128 + constants.signals[signal]);
	};
	for (const signal of SIGNALS) process.once(signal, end);
	return new Promise((done) => {
		npm.on('close', (code) => {
			for (const signal of SIGNALS) process.off(signal, end);
			done(code);
		});
	});
}

async function install() {
	if (Number(process.versions.node.split('.')[0]) < NODE_MIN_MAJOR) {
		fail(
			`This needs Node.js ${NODE_MIN_MAJOR} or newer; this is ${process.version}. Get a newer one at https://nodejs.org.`,
		);
	}
	if (isInstalled()) return;
	const { bavail, bsize } = statfsSync(project);
	const freeGb = (bavail * bsize) / BYTES_PER_GB;
	if (freeGb < NEEDED_GB) {
		fail(
			`Not enough free disk space: ${NEEDED_GB} GB are needed in ${project}, ${freeGb.toFixed(1)} GB are free. Free some space, then run the same command again.`,
		);
	}
	for (let attempt = 1; attempt <= TRIES; attempt++) {
		console.log(
			`Installing this project's packages (about a minute)${attempt > 1 ? `, try ${attempt} of ${TRIES}` : ''} …`,
		);
		if ((await npmCi()) === 0) return;
	}
	fail(
		'The packages could not be installed; npm says why above. Usually it is the internet connection (or the proxy): run the same command again, what was downloaded is kept.',
	);
}

async function runScript(path) {
	// The scripts are ES modules, the node they may import is CommonJS.
	for (const api of ['tsx/cjs/api', 'tsx/esm/api']) (await import(api)).register();
	const script = resolve(path);
	process.argv.splice(1, 2, script);
	await import(pathToFileURL(script).href);
}

if (process.env.npm_lifecycle_event) {
	// A signal that ends npm ends its shell too, which does not pass it on to this process.
	const parent = process.ppid;
	const timer = setInterval(() => {
		if (process.ppid === parent) return;
		clearInterval(timer);
		process.kill(process.pid, 'SIGTERM');
	}, PARENT_CHECK_MS).unref();
}
await install();
if (process.argv[2]) await runScript(process.argv[2]);

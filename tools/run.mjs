// Runs a script of this project, after installing the project's packages if they are missing or outdated:
//   node tools/run.mjs [script.mts [arguments]]
// Not a "prestart" script: npm leaves those out when ignore-scripts is set, as it is here. Plain JavaScript on Node.js's own
// modules, because nothing is installed yet.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MIN_MAJOR = 20;
const TRIES = 3;
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

/** npm itself says what it is doing, and why if it fails. */
async function npmCi() {
	// npm is a .cmd file on Windows.
	const options = { cwd: project, stdio: 'inherit', shell: process.platform === 'win32' };
	const npm = spawn('npm', ['ci', '--prefer-offline', '--loglevel=error'], options);
	const end = () => {
		// Asked to end, it would take minutes to put everything back.
		npm.kill('SIGKILL');
		process.exit(1);
	};
	const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
	for (const signal of signals) process.once(signal, end);
	await once(npm, 'close');
	for (const signal of signals) process.off(signal, end);
}

async function install() {
	if (Number(process.versions.node.split('.')[0]) < NODE_MIN_MAJOR) {
		fail(
			`This needs Node.js ${NODE_MIN_MAJOR} or newer; this is ${process.version}. Get a newer one at https://nodejs.org.`,
		);
	}
	for (let attempt = 1; !isInstalled(); attempt++) {
		if (attempt > TRIES) {
			fail(
				'The packages could not be installed; npm says why above. If it is the internet connection, the proxy or the disk, mend that and run the same command again; what was downloaded is kept.',
			);
		}
		const title = "Installing this project's packages (about a minute)";
		console.log(`${title}, try ${attempt} of ${TRIES} …`);
		await npmCi();
	}
}

async function runScript(path) {
	// The scripts are ES modules, the node they may import is CommonJS.
	for (const api of ['tsx/cjs/api', 'tsx/esm/api']) (await import(api)).register();
	const script = resolve(path);
	process.argv.splice(1, 2, script);
	await import(pathToFileURL(script).href);
}

await install();
if (process.argv[2]) await runScript(process.argv[2]);

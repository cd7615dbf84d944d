// Installs this project's packages if they are missing or not those of package-lock.json, then runs the script it is given:
//   node scripts/install.mjs [script.mts [arguments]]
// Both in one process, so that what ends `npm start` ends it all. Not a "prestart" script: npm leaves those out when
// ignore-scripts is set, as it is here. Plain JavaScript, and careful with its words, because nothing is installed yet.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MIN_MAJOR = 20;
const PACKAGES_NEEDED_GB = 1.5;
const project = join(dirname(fileURLToPath(import.meta.url)), '..');

const packagesIn = (file) => JSON.parse(readFileSync(join(project, file), 'utf8')).packages;

/**
 * npm writes node_modules/.package-lock.json as the last act of an install. So a half install has none, an outdated one
 * differs, and packages that somebody installed by hand with `npm ci` count too.
 */
function isInstalled() {
	let installed;
	try {
		installed = packagesIn('node_modules/.package-lock.json');
	} catch {
		return false;
	}
	return Object.entries(packagesIn('package-lock.json')).every(
		([path, { version, optional }]) =>
			path === '' ||
			optional ||
			(installed[path]?.version === version && existsSync(join(project, path, 'package.json'))),
	);
}

async function install() {
	const major = Number(process.versions.node.split('.')[0]);
	if (major < NODE_MIN_MAJOR) {
		throw Object.assign(
			new Error(
				`This needs Node.js ${NODE_MIN_MAJOR} or newer; this is ${process.version}. Get a newer one at https://nodejs.org.`,
			),
			{ name: 'PlainError' },
		);
	}
	if (isInstalled()) return;
	// Only now, since an older Node.js may not even be able to read it.
	const { assertSpace, npmInstall } = await import('./npm.mjs');
	await assertSpace(
		project,
		PACKAGES_NEEDED_GB,
		'Free some space, then run the same command again.',
	);
	console.log("This project's packages are missing or outdated; they are installed now.");
	await npmInstall(
		'Installing packages (about a minute, first time only)',
		['ci', '--include=dev', '--include=optional'],
		{ cwd: project },
	);
}

async function runScript(path) {
	// The scripts are ES modules, the node they may import is CommonJS.
	for (const api of ['tsx/cjs/api', 'tsx/esm/api']) (await import(api)).register();
	const script = resolve(path);
	process.argv.splice(1, 2, script);
	await import(pathToFileURL(script).href);
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const end = () => process.exit(130);
for (const signal of SIGNALS) process.on(signal, end);

install().then(
	() => {
		for (const signal of SIGNALS) process.off(signal, end);
		return process.argv[2] && runScript(process.argv[2]);
	},
	(error) => {
		console.error(`\n✗ ${error.name === 'PlainError' ? error.message : error.stack}`);
		process.exit(1);
	},
);

// Running npm so that a person can follow it: steps with elapsed time, one more try after a dropped connection, and plain
// words when it cannot work. Plain JavaScript, because install.mjs needs it before anything is installed.
import { spawn } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import process from 'node:process';
import { clearInterval, setInterval } from 'node:timers';

const TRIES = 3;
const OUTPUT_KEPT_CHARS = 200_000;
const LINE_EVERY_MS = 10_000;
const SAME_LINE_EVERY_MS = 1_000;
const PING_TIMEOUT_MS = 20_000;
const BYTES_PER_GB = 1024 ** 3;

/** Registries drop a connection now and then, and a slow line needs minutes for one large package. */
const PATIENT = [
	'--fetch-retries=8',
	'--fetch-timeout=600000',
	'--maxsockets=8',
	'--prefer-offline',
	'--no-audit',
	'--no-fund',
	'--loglevel=error',
];
const NO_NETWORK =
	/\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ECONNRESET|ERR_SOCKET_TIMEOUT)\b/;

/** A failure with words for the person at the screen: what happened, and what to do. */
export class PlainError extends Error {
	name = 'PlainError';
}

const seconds = (since) => Math.round((Date.now() - since) / 1000);

/** Throws unless `neededGb` are free where `folder` is. npm itself notices a full disk only after minutes. */
export async function assertSpace(folder, neededGb, advice) {
	const { bavail, bsize } = await statfs(folder);
	const freeGb = (bavail * bsize) / BYTES_PER_GB;
	if (freeGb >= neededGb) return;
	throw new PlainError(
		`Not enough free disk space: ${neededGb} GB are needed in ${folder}, ${freeGb.toFixed(1)} GB are free. ${advice}`,
	);
}

/** Prints the title, then the seconds while the work goes on, then how long it took. */
export async function step(title, work, isFailure = () => false) {
	const since = Date.now();
	const sameLine = process.stdout.isTTY === true;
	process.stdout.write(sameLine ? `… ${title}` : `… ${title}\n`);
	const timer = setInterval(
		() =>
			process.stdout.write(
				sameLine ? `\r… ${title} (${seconds(since)} s)` : `  … ${seconds(since)} s\n`,
			),
		sameLine ? SAME_LINE_EVERY_MS : LINE_EVERY_MS,
	);
	const end = (mark) =>
		process.stdout.write(`${sameLine ? '\r' : ''}${mark} ${title} (${seconds(since)} s)\n`);
	try {
		const result = await work();
		end(isFailure(result) ? '✗' : '✓');
		return result;
	} catch (error) {
		end('✗');
		throw error;
	} finally {
		clearInterval(timer);
	}
}

/** For `node --import`: ends a program when this process dies without a chance to end it. */
export const END_WITH_PARENT = new URL('./end-with-parent.mjs', import.meta.url).href;

const tied = new Set();

/** Ties a process (with its group) to this one: it is ended at the latest when this one ends. */
export const tie = (pid) => tied.add(pid);
export const untie = (pid) => tied.delete(pid);

/** Ends a process and everything it started. Those are one group, except on Windows, which has no such groups. */
export function endGroup(pid, signal) {
	try {
		process.kill(process.platform === 'win32' ? pid : -pid, signal);
	} catch {
		// It has ended already.
	}
}

process.on('exit', () => {
	for (const pid of tied) endGroup(pid, 'SIGKILL');
});

/** Runs a command to its end. It never outlives this process. */
export function run(command, args, { cwd, env = process.env } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, {
			cwd,
			env,
			// The fourth is the pipe that end-with-parent.mjs watches, where it is loaded.
			stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
			detached: process.platform !== 'win32',
		});
		let output = '';
		const keep = (chunk) => {
			output = (output + chunk).slice(-OUTPUT_KEPT_CHARS);
		};
		child.stdout.on('data', keep);
		child.stderr.on('data', keep);
		if (child.pid) tie(child.pid);
		child.on('error', reject);
		child.on('close', (code) => {
			untie(child.pid);
			resolve({ code: code ?? 1, output });
		});
	});
}

/** npm as it was started (`npm start` says where it is), otherwise the one on the PATH. */
export function runNpm(args, options) {
	const npm = process.env.npm_execpath;
	if (npm && /npm-cli\.c?js$/.test(npm)) {
		return run(process.execPath, ['--import', END_WITH_PARENT, npm, ...args], options);
	}
	return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options);
}

const lastLines = (output, count = 12) =>
	output
		.split('\n')
		.filter((line) => line.trim() && !line.includes('A complete log of this run'))
		.slice(-count)
		.map((line) => `    ${line}`)
		.join('\n');

/** Failures that another try cannot mend, in plain words; undefined for everything else. */
export function hopeless(output) {
	if (/\b(ENOSPC|EDQUOT)\b/.test(output)) {
		return 'The disk is full. Free some space (a first start needs about 5 GB in all), then run the same command again.';
	}
	if (/\b(EACCES|EPERM|EROFS)\b/.test(output)) {
		return `This folder cannot be written to. Run the command as the user who owns it. npm said:\n${lastLines(output, 6)}`;
	}
	if (/\bEUSAGE\b/.test(output)) {
		return `package.json and package-lock.json do not fit together. Run "npm install" once, then the same command again. npm said:\n${lastLines(output, 8)}`;
	}
	if (/\bE(401|403)\b/.test(output)) {
		return `The npm registry refused access. Check the registry and the login in your .npmrc. npm said:\n${lastLines(output, 6)}`;
	}
	return undefined;
}

async function registryAnswers(options) {
	const { code, output } = await runNpm(
		['ping', '--fetch-retries=0', `--fetch-timeout=${PING_TIMEOUT_MS}`],
		options,
	);
	return code === 0 || !NO_NETWORK.test(output);
}

/**
 * An npm install with patience. After a failure it starts afresh, since a half install is worth nothing.
 * Without a network it still works when npm has everything in its cache.
 */
export async function npmInstall(title, args, { startAfresh, ...options } = {}) {
	const online = await registryAnswers(options);
	const tries = online ? TRIES : 1;
	for (let attempt = 1; ; attempt++) {
		await startAfresh?.();
		const name = attempt === 1 ? title : `${title}, try ${attempt} of ${tries}`;
		const network = online ? PATIENT : [...PATIENT, '--offline'];
		const { code, output } = await step(
			name,
			() => runNpm([...args, ...network], options),
			(result) => result.code !== 0,
		);
		if (code === 0) return;
		const reason = hopeless(output);
		if (reason) throw new PlainError(reason);
		if (!online) {
			throw new PlainError(
				'The npm registry cannot be reached, and npm has not kept what is needed from earlier. Check the internet connection (or the proxy), then run the same command again.',
			);
		}
		console.log(`  That did not work. npm said:\n${lastLines(output)}`);
		if (attempt === tries) {
			throw new PlainError(
				`The packages could not be downloaded or installed in ${tries} tries. Check the internet connection and run the same command again; what was downloaded is kept.`,
			);
		}
	}
}

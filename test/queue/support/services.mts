import { execa } from 'execa';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { freePort, logTail } from '../../../tools/n8n/process.mts';
import { UserError } from '../../../tools/terminal.mts';

/** Redis and PostgreSQL of this machine, each on a free port and in a folder of its own, gone with the tests. */

const START_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 50;
const STOP_LIMIT_MS = 10_000;
const ANSWER_LIMIT_MS = 5_000;
/** Where Debian puts the programs of PostgreSQL, by version, off the PATH. */
const DEBIAN_POSTGRES = '/usr/lib/postgresql';
const INSTALL = 'On Debian or Ubuntu: sudo apt-get install -y redis-server postgresql';
/** The kernel ends them with the process of the tests, however that dies. */
const END_WITH_PARENT = process.platform === 'linux' ? ['setpriv', '--pdeathsig=INT'] : [];
/** PostgreSQL refuses to run as root; its Debian package makes this user. */
const POSTGRES_USER = 'postgres';
const DATABASE_USER = 'n8n';

export interface Service {
	port: number;
	/** Everything of it is in here; gone with it. */
	folder: string;
	/** Ends it in order and starts it on what it has kept. */
	restart(): Promise<void>;
	/** Ends it as a power cut would and starts it on what is on its disk, with other flags if there are any. */
	killAndRestart(...flags: string[]): Promise<void>;
	stop(): Promise<void>;
}

async function postgresPath(): Promise<string> {
	const versions = await readdir(DEBIAN_POSTGRES).catch(() => []);
	const newest = versions.toSorted((a, b) => Number(b) - Number(a));
	const folders = newest.map((version) => join(DEBIAN_POSTGRES, version, 'bin'));
	return [...folders, process.env.PATH ?? ''].join(delimiter);
}

/** @throws UserError that says what to install */
export async function assertServices(): Promise<void> {
	const env = { ...process.env, PATH: await postgresPath() };
	const missing: string[] = [];
	for (const program of ['redis-server', 'initdb', 'postgres']) {
		const { failed } = await execa(program, ['--version'], { env, reject: false });
		if (failed) missing.push(program);
	}
	if (missing.length === 0) return;
	throw new UserError(
		`The tests of n8n's queue mode need Redis and PostgreSQL on this machine; missing: ${missing.join(', ')}. ${INSTALL}. They need not be running.`,
	);
}

/** Not within the project: the user of PostgreSQL must reach it too. */
async function inFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
	const folder = await mkdtemp(join(tmpdir(), `kling-${name}-`));
	try {
		return await work(folder);
	} catch (error) {
		await rm(folder, { recursive: true, force: true });
		throw error;
	}
}

export const startRedis = async () => await inFolder('redis', redisIn);
export const startPostgres = async () => await inFolder('postgres', postgresIn);

async function redisIn(folder: string): Promise<Service> {
	const port = await freePort();
	const options = {
		port,
		bind: '127.0.0.1',
		dir: folder,
		// Without it a Redis that was killed comes back as it was minutes ago, and n8n runs again what had run since.
		appendonly: 'yes',
	};
	const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
	const command = [...END_WITH_PARENT, 'redis-server', ...flags];
	// While it still loads its data it answers with an error.
	const ready = async () => (await tellRedis(port, 'PING')).startsWith('+PONG');
	return await start({ name: 'Redis', folder, port, command, ready });
}

async function postgresIn(folder: string): Promise<Service> {
	const data = join(folder, 'data');
	const port = await freePort();
	const path = await postgresPath();
	const env = { ...process.env, PATH: path, LC_ALL: 'C' };
	const isRoot = process.getuid?.() === 0;
	const user = [`--reuid=${POSTGRES_USER}`, `--regid=${POSTGRES_USER}`, '--clear-groups'];
	const asUser = [...END_WITH_PARENT, ...(isRoot ? user : [])];
	const must = async (...command: string[]) => {
		const options = { env, cwd: folder, all: true, reject: false } as const;
		const { failed, all } = await execa(command[0], command.slice(1), options);
		if (failed) throw new UserError(`${command.join(' ')} failed:\n${all}`);
	};
	await mkdir(data);
	if (isRoot) await must('chown', '-R', `${POSTGRES_USER}:`, folder);
	await must(...asUser, 'initdb', '-D', data, '-U', DATABASE_USER, '-A', 'trust', '--no-sync');
	const settings = {
		port,
		listen_addresses: '127.0.0.1',
		unix_socket_directories: '',
		// Nothing here outlives the machine.
		fsync: 'off',
	};
	const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
	const command = [...asUser, 'postgres', '-D', data, ...flags];
	const address = ['-h', '127.0.0.1', '-p', String(port)];
	const ready = async () => !(await execa('pg_isready', address, { env, reject: false })).failed;
	return await start({ name: 'PostgreSQL', folder, port, command, path, ready });
}

/** What n8n is told about both. */
export const servicesEnv = (redis: Service, postgres: Service): Record<string, string> => ({
	QUEUE_BULL_REDIS_HOST: '127.0.0.1',
	QUEUE_BULL_REDIS_PORT: String(redis.port),
	DB_TYPE: 'postgresdb',
	DB_POSTGRESDB_HOST: '127.0.0.1',
	DB_POSTGRESDB_PORT: String(postgres.port),
	DB_POSTGRESDB_USER: DATABASE_USER,
	DB_POSTGRESDB_DATABASE: 'postgres',
});

interface Parts {
	name: string;
	folder: string;
	port: number;
	command: string[];
	/** PATH, where it is not ours. */
	path?: string;
	ready: () => Promise<boolean>;
}

async function start({ name, folder, port, command, path, ready }: Parts): Promise<Service> {
	const log = join(folder, 'log');
	const begin = async (flags: string[] = []) => {
		const [file, ...args] = [...command, ...flags];
		const program = execa(file, args, {
			cwd: folder,
			env: { PATH: path ?? process.env.PATH ?? '', LC_ALL: 'C' },
			extendEnv: false,
			stdin: 'ignore',
			stdout: { file: log },
			stderr: { file: log },
			reject: false,
			// SIGTERM would let PostgreSQL wait for its clients.
			killSignal: 'SIGINT',
			forceKillAfterDelay: STOP_LIMIT_MS,
		});
		const end = async (signal: 'SIGINT' | 'SIGKILL') => {
			program.kill(signal);
			await program;
		};
		const deadline = Date.now() + START_LIMIT_MS;
		while (!(await ready())) {
			if (program.exitCode !== null || Date.now() > deadline) {
				await end('SIGKILL');
				throw new UserError(`${name} did not start:\n${await logTail(log)}`);
			}
			await pause(LOOK_AGAIN_MS);
		}
		return end;
	};
	let end = await begin();
	return {
		port,
		folder,
		async restart() {
			await end('SIGINT');
			end = await begin();
		},
		async killAndRestart(...flags) {
			await end('SIGKILL');
			end = await begin(flags);
		},
		async stop() {
			await end('SIGINT');
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** Says something to Redis, on a line of its own. @returns the first of its answer, or nothing when it is not there */
export const tellRedis = (port: number, words: string) =>
	new Promise<string>((resolve) => {
		const socket = connect({ port, host: '127.0.0.1', timeout: ANSWER_LIMIT_MS });
		socket.once('connect', () => socket.write(`${words}\r\n`));
		socket.once('data', (answer) => {
			resolve(answer.toString());
			socket.destroy();
		});
		socket.once('timeout', () => socket.destroy());
		socket.once('error', () => resolve(''));
		// One that is just starting or ending may hang up without a word.
		socket.once('close', () => resolve(''));
	});

// `npm start`: a real n8n with the Kling node in it, and an image upscaled before your eyes.
import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { startSandbox, type Sandbox } from '../sandbox/server.mts';
import { prepareDemo, runDemo, type Demo, type Outcome } from './demo.mts';
import { endWithNpm } from './end-with-npm.mts';
import { sandboxTaskId } from './example.mts';
import { ensureHost, N8N_VERSION } from './host.mts';
import { logTail, startN8n, type RunningN8n } from './n8n.mts';
import { PlainError, step } from './npm.mjs';
import { buildAndPack } from './pack.mts';
import { freePort, isFree } from './ports.mts';
import { WORK } from './project.mts';

const EDITOR_PORT = 5678;
const HELP = `Starts a real n8n ${N8N_VERSION} with the Kling node in it, and a stand-in of useapi.net, all on this machine.
Runs the workflow "Upscale an image and save it" once, then leaves the editor open for you.

  npm start                    start; Ctrl-C ends everything
  npm start -- --exit          end after that run (0: the image came out 4 times as large)
  npm start -- --port 5700     the editor's port (otherwise ${EDITOR_PORT}, or a free one)
  npm start -- --help          this text

With your API token in the environment variable USEAPI_TOKEN the real useapi.net is used in place of the stand-in.
Then nothing runs by itself, since a run spends credits.

The first start installs n8n (about 2 GB, some minutes) into your cache folder; later ones take seconds.
Everything else is in ${WORK}; deleting that folder begins anew.`;

interface Options {
	exit: boolean;
	port?: number;
}

function parse() {
	try {
		return parseArgs({
			options: {
				exit: { type: 'boolean', default: false },
				port: { type: 'string' },
				help: { type: 'boolean', short: 'h', default: false },
			},
		});
	} catch (error) {
		throw new PlainError(`${(error as Error).message}\n\n${HELP}`);
	}
}

function readOptions(): Options {
	const { values } = parse();
	if (values.help) {
		console.log(HELP);
		process.exit(0);
	}
	if (values.port === undefined) return { exit: values.exit };
	const port = Number(values.port);
	if (!Number.isInteger(port) || port < 1 || port > 65_535) {
		throw new PlainError(`--port takes a number from 1 to 65535, not "${values.port}".`);
	}
	return { exit: values.exit, port };
}

async function choosePort(wanted?: number): Promise<number> {
	if (wanted !== undefined) {
		if (await isFree(wanted)) return wanted;
		throw new PlainError(
			`Port ${wanted} is taken by another program. Choose another one, or leave --port away.`,
		);
	}
	if (await isFree(EDITOR_PORT)) return EDITOR_PORT;
	const port = await freePort();
	console.log(`Port ${EDITOR_PORT} is taken by another program, so the editor gets port ${port}.`);
	return port;
}

const running: {
	sandbox?: Sandbox;
	n8n?: RunningN8n;
	/** The editor was handed over to the user. */
	open?: boolean;
	ending?: Promise<void>;
} = {};

/** Ends what was started, once, however often it is asked. */
function endAll(): Promise<void> {
	running.ending ??= (async () => {
		await running.n8n?.stop();
		await running.sandbox?.close();
	})();
	return running.ending;
}

function endOnSignals() {
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
		process.on(signal, () => {
			if (!running.ending) console.log('\nEnding …');
			// Ctrl-C is how the open editor is left: no failure. Before that, the start was cut short.
			const code = running.open && signal === 'SIGINT' ? 0 : 128 + constants.signals[signal];
			void endAll().finally(() => process.exit(code));
		});
	}
}

function tellOutcome({ source, result, file, seconds }: Outcome, { workflowName }: Demo) {
	const size = ({ width, height }: Outcome['source']) => `${width} x ${height} pixels`;
	console.log(`
✓ "${workflowName}" ran in n8n ${N8N_VERSION}
    source  ${size(source)}
    result  ${size(result)}, ${result.width / source.width} times as wide and as high
    time    ${seconds.toFixed(1)} s
    file    ${file}`);
}

function tellEditor({ url }: RunningN8n, { login, workflowId }: Demo) {
	console.log(`
The editor is open:
    address   ${url}/workflow/${workflowId}
    email     ${login.email}
    password  ${login.password}

Ctrl-C ends everything.`);
}

async function start({ exit, port: wantedPort }: Options): Promise<void> {
	const token = process.env.USEAPI_TOKEN?.trim();
	const port = await choosePort(wantedPort);
	await mkdir(WORK, { recursive: true });
	await ensureHost();
	const tarball = await buildAndPack();

	if (!token) running.sandbox = await startSandbox();
	const { sandbox } = running;
	const n8n = await step(`Starting n8n ${N8N_VERSION}`, () =>
		startN8n({ folder: WORK, tarball, port }),
	);
	running.n8n = n8n;
	if (running.ending) return await n8n.stop();
	void n8n.ended.then(() => n8nEnded(n8n));

	const demo = await prepareDemo(n8n, {
		mode: sandbox ? 'sandbox' : 'account',
		folder: WORK,
		credentialData: sandbox
			? { apiToken: sandbox.token, baseUrl: sandbox.url }
			: { apiToken: token ?? '' },
		taskId: sandbox && (await sandboxTaskId(sandbox)),
	});
	const succeeded = sandbox ? await tryRun(n8n, demo) : tellNoRun();
	if (exit) {
		await endAll();
		process.exit(succeeded ? 0 : 1);
	}
	running.open = true;
	tellEditor(n8n, demo);
}

async function tryRun(n8n: RunningN8n, demo: Demo): Promise<boolean> {
	try {
		const outcome = await step('Upscaling an image in n8n', () => runDemo(n8n, demo));
		tellOutcome(outcome, demo);
		return true;
	} catch (error) {
		console.error(`\n✗ ${words(error)}\n  n8n's log: ${n8n.log}`);
		return false;
	}
}

function tellNoRun(): boolean {
	console.log(`
USEAPI_TOKEN is set, so the real useapi.net is used. Nothing has been run, because a run spends credits.
Put the ID of one of your own Kling tasks into "Get Task", then press "Execute workflow".`);
	return true;
}

/** n8n ended although nobody asked for it. */
async function n8nEnded({ log }: RunningN8n) {
	if (running.ending) return;
	console.error(
		`\n✗ n8n ended by itself. Its log is ${log}; what matters in it:\n${await logTail(log)}`,
	);
	await endAll();
	process.exit(1);
}

const words = (error: unknown) =>
	error instanceof PlainError ? error.message : ((error as Error).stack ?? String(error));

async function fail(error: unknown) {
	// What breaks because it is being ended is no news.
	if (!running.ending) console.error(`\n✗ ${words(error)}`);
	await endAll();
	process.exit(1);
}

endOnSignals();
endWithNpm('start');
process.on('uncaughtException', (error) => void fail(error));
try {
	await start(readOptions());
} catch (error) {
	await fail(error);
}

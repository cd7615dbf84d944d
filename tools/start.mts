// `npm start`: a real n8n with the Kling node in it, and two images made larger before your eyes.
import getPort from 'get-port';
import pRetry from 'p-retry';
import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { startSandbox, type Sandbox } from '../sandbox/server.mts';
import { prepareDemo, runEnhance, runUpscale } from './demo.mts';
import { installN8n, N8N_VERSION } from './n8n/install.mts';
import { packTarball } from './n8n/pack.mts';
import { logTail, startN8n, type RunningN8n } from './n8n/process.mts';
import { WORK } from './project.mts';
import { describeError, readArguments, step, UserError } from './terminal.mts';

const EDITOR_PORT = 5678;
const HELP = `Starts a real n8n ${N8N_VERSION} with the Kling node in it, and a stand-in of useapi.net, all on this machine.
Upscales an image of a Kling task and enhances a picture of a folder, then leaves the editor open for you.

  npm start                    start; Ctrl-C ends everything
  npm start -- --exit          end after that (0: both images came out as large as they should)
  npm start -- --port 5700     the editor's port (otherwise ${EDITOR_PORT}); a free one where it is taken
  npm start -- --help          this text

With your API token in the environment variable USEAPI_TOKEN the real useapi.net is used in place of the stand-in.
Then nothing runs by itself, since a run spends credits.

The first start installs n8n (about 2 GB, some minutes) into your cache folder; later ones take seconds.
Everything else is in ${WORK}; deleting that folder begins anew.`;

const NO_RUN = `
USEAPI_TOKEN is set, so the real useapi.net is used. Nothing has been run, because a run spends credits.
Put the ID of one of your own Kling tasks into "Get Task", then press "Execute workflow".`;

let sandbox: Sandbox | undefined;
let n8n: RunningN8n | undefined;
let isOpen = false;
let ending: Promise<void> | undefined;

/** Ends what was started, once, however often it is asked, and this process. */
function end(code: number): void {
	ending ??= (async () => {
		await n8n?.stop();
		await sandbox?.close();
	})().finally(() => process.exit(code));
}

/** What breaks because it is being ended is no news. */
function complain(message: string): void {
	if (!ending) console.error(`\n✗ ${message}`);
}

function fail(error: unknown): void {
	complain(describeError(error));
	end(1);
}

/** Another start may take the port while this n8n is loading; then there is a second try. */
async function open(wanted: number, tarballs: string[]): Promise<RunningN8n> {
	const tryOnce = async () => {
		const port = await getPort({ port: wanted });
		if (port !== wanted) {
			console.log(`Port ${wanted} is taken by another program, so the editor gets port ${port}.`);
		}
		const launch = async () => await startN8n({ folder: WORK, tarballs, port });
		return await step(`Starting n8n ${N8N_VERSION}`, launch);
	};
	const shouldRetry = ({ error }: { error: Error }) => error.message.includes('already in use');
	return await pRetry(tryOnce, { retries: 1, shouldRetry });
}

async function start(): Promise<void> {
	const port = { type: 'string', default: String(EDITOR_PORT) } as const;
	const options = { exit: { type: 'boolean' }, port } as const;
	const { values } = readArguments({ options }, HELP);
	const wanted = Number(values.port);
	if (!Number.isInteger(wanted) || wanted < 1 || wanted > 65_535) {
		throw new UserError(`--port takes a number from 1 to 65535, not "${values.port}".`);
	}
	const token = process.env.USEAPI_TOKEN?.trim();
	await mkdir(WORK, { recursive: true });
	await installN8n();
	const tarballs = [await packTarball()];
	if (!token) sandbox = await startSandbox();
	const running = (n8n = await open(wanted, tarballs));
	const { log, url } = running;
	void running.process.then(async () => {
		const lines = await logTail(log);
		fail(new UserError(`n8n ended by itself. Its log is ${log}; what matters in it:\n${lines}`));
	});

	const demo = await prepareDemo(running, sandbox, token);
	const show = async () => {
		if (!sandbox) return console.log(NO_RUN);
		console.log(await step('Upscaling an image in n8n', () => runUpscale(running, demo.upscale)));
		console.log(await step('Enhancing a picture in n8n', () => runEnhance(running, demo.enhance)));
	};
	const isGood = await show().then(
		() => true,
		(error) => complain(`${describeError(error)}\n  n8n's log: ${log}`),
	);
	if (values.exit) return end(isGood ? 0 : 1);
	isOpen = true;
	console.log(`
The editor is open:
    address   ${url}/workflow/${demo.upscale.id}
    email     ${demo.login.email}
    password  ${demo.login.password}

Ctrl-C ends everything.`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	process.on(signal, () => {
		if (!ending) console.log('\nEnding …');
		// Ctrl-C is how the open editor is left: no failure. Before that, the start was cut short.
		end(isOpen && signal === 'SIGINT' ? 0 : 128 + constants.signals[signal]);
	});
}
process.on('uncaughtException', fail);
await start().catch(fail);

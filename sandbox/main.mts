import { parseArgs } from 'node:util';
import type { Sandbox, SandboxOptions } from './server.mts';
import { startSandbox } from './server.mts';

/** `npm run sandbox`: serves the stand-in until Ctrl+C. */

const DEFAULT_PORT = 4010;
const HELP = `Serves a stand-in for useapi.net on this computer. Nothing costs credits.

  npm run sandbox -- [options]

  --port <number>         port of the API (${DEFAULT_PORT})
  --cdn-port <number>     port of the result files (a free one)
  --job-seconds <number>  how long a job takes (6)
  --accounts <number>     connected Kling accounts (1)
  --credits <number>      Kling credits of each (100000)
  --pictures <folder>     your own JPEG and PNG files instead of the bundled ones
  --help                  this text
`;

function readOptions(): SandboxOptions | undefined {
	const { values } = parseArgs({
		options: {
			port: { type: 'string', default: String(DEFAULT_PORT) },
			'cdn-port': { type: 'string' },
			'job-seconds': { type: 'string', default: '6' },
			accounts: { type: 'string', default: '1' },
			credits: { type: 'string', default: '100000' },
			pictures: { type: 'string' },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) return undefined;
	const credits = readNumber('--credits', values.credits, 1_000_000_000);
	const accounts = ['artist', 'second', 'third', 'fourth', 'fifth']
		.slice(0, readNumber('--accounts', values.accounts, 5))
		.map((name) => ({ email: `${name}@example.com`, maxJobs: 5, credits }));
	return {
		accounts,
		port: readNumber('--port', values.port, 65_535),
		cdnPort: readNumber('--cdn-port', values['cdn-port'] ?? '0', 65_535),
		jobMs: readNumber('--job-seconds', values['job-seconds'], 86_400) * 1_000,
		...(values.pictures ? { picturesFolder: values.pictures } : {}),
	};
}

function readNumber(name: string, value: string, highest: number): number {
	const number = Number(value);
	if (value.trim() !== '' && number >= 0 && number <= highest) return number;
	throw new Error(`${name} must be a number from 0 to ${highest}`);
}

async function introduce({ url, cdnUrl, token, tasks, settings }: Sandbox) {
	const emails = settings.accounts.map(({ email }) => email);
	const finished = (await tasks()).filter((task) => task.workIds.length > 0);
	const lines = finished.map(
		(task) => `  task ${task.taskId}  work ${task.workIds.join(', ')}  (${task.name})`,
	);
	const first = finished[0];
	const body = JSON.stringify({
		email: emails[0],
		task_id: first?.taskId,
		workId: first?.workIds[0],
	});
	const example = first
		? `
Try it:
  curl -X POST ${url}/v1/kling/images/upscale \\
    -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' \\
    -d '${body}'
`
		: '';
	console.log(`The sandbox is serving a stand-in for useapi.net. Ctrl+C ends it.

In n8n, make a credential "useapi.net API":
  API Token  ${token}
  Base URL   ${url}

Kling accounts: ${emails.join(', ') || 'none'}
Files are served from ${cdnUrl}

Finished images at hand (drop a JPEG or PNG into ${settings.picturesFolder} for more):
${lines.join('\n') || '  none yet'}
${example}`);
}

async function main() {
	const options = readOptions();
	if (!options) return console.log(HELP);
	const sandbox = await startSandbox(options);
	await introduce(sandbox);
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.once(signal, () => void sandbox.close());
	}
}

main().catch((error: NodeJS.ErrnoException & { port?: number }) => {
	const busy = error.code === 'EADDRINUSE';
	console.error(
		busy
			? `Port ${error.port} is in use. Choose another: npm run sandbox -- --port ${(error.port ?? DEFAULT_PORT) + 10}`
			: error.message,
	);
	process.exitCode = 1;
});

// `npm run contract:live`: asks the real useapi.net whether what this project assumes about it is true.
import { createInterface } from 'node:readline/promises';
import { runLive } from './live/run.mts';

async function ask(question: string): Promise<string> {
	const terminal = createInterface({ input: process.stdin, output: process.stdout });
	try {
		// Ctrl-D closes it without an answer.
		const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
		return await Promise.race([terminal.question(question), closed]);
	} finally {
		terminal.close();
	}
}

const { exitCode } = await runLive({
	args: process.argv.slice(2),
	env: process.env,
	write: (line) => console.log(line),
	ask: process.stdin.isTTY ? ask : undefined,
});
process.exitCode = exitCode;

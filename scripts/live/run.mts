// The whole of `npm run contract:live`, apart from the terminal it runs in.
import { UserError } from '../../tools/terminal.mts';
import { LiveApi } from './api.mts';
import { HELP, readOptions, type Options } from './options.mts';
import { readAll, type Email } from './read.mts';
import { startReceiver } from './receiver.mts';
import { judgeAll, tell, type Finding } from './report.mts';
import { Seen, type Answer } from './seen.mts';
import { chooseSource, spend, type Spend } from './spend.mts';
import { Words } from './words.mts';

const PAUSE_MS = 2_000;

export interface Surroundings {
	args: string[];
	env: Record<string, string | undefined>;
	/** Takes one line of output. */
	write(line: string): void;
	/** Asks the person at the terminal; absent where there is none. */
	ask?(question: string): Promise<string>;
	/** Between two looks at the upscaled task. */
	pauseMs?: number;
}

export interface Outcome {
	/** 0 nothing refuted, 1 something refuted, 2 it could not be tried. */
	exitCode: number;
	findings: Finding[];
}

const NOTHING_TRIED = { findings: [] };

/** Never rejects: what goes wrong is said, and shows in the exit code. */
export async function runLive(surroundings: Surroundings): Promise<Outcome> {
	const { args, env, write } = surroundings;
	const token = env.USEAPI_TOKEN?.trim() ?? '';
	const words = new Words(token, write);
	try {
		const options = readOptions(args, env);
		if (!options) {
			words.say(HELP);
			return { exitCode: 0, ...NOTHING_TRIED };
		}
		if (!token) {
			words.say(
				'There is no token in the environment variable USEAPI_TOKEN, so the real API was not asked and nothing was checked.\nWith one: USEAPI_TOKEN=user:… npm run contract:live',
			);
			return { exitCode: 0, ...NOTHING_TRIED };
		}
		const findings = await check(token, options, words, surroundings);
		const isRefuted = findings.some(({ verdict }) => verdict === 'refuted');
		return { exitCode: isRefuted ? 1 : 0, findings };
	} catch (error) {
		const { message, stack } = error as Error;
		words.say(`\n✗ ${error instanceof UserError ? message : (stack ?? message)}`);
		return { exitCode: 2, ...NOTHING_TRIED };
	}
}

async function check(
	token: string,
	options: Options,
	words: Words,
	surroundings: Surroundings,
): Promise<Finding[]> {
	const { ask, pauseMs = PAUSE_MS } = surroundings;
	if (options.spend && !options.yes && !ask) {
		throw new UserError(
			'--spend asks before it spends, and nobody is here to answer. Add --yes if you mean it. Nothing was sent.',
		);
	}
	const seen = new Seen(options.baseUrl, options.replyUrl);
	const api = new LiveApi(token, seen, (answer) => words.say(`  ${lineFor(answer)}`));
	words.say(`Asking ${new URL(options.baseUrl).host}. This only reads and costs nothing.`);
	const email = await readAll(api, seen, options.email);
	if (seen.accounts.length > 1)
		words.say(`  Of ${seen.accounts.length} accounts this was ${email}.`);
	if (options.spend) await spendIfAllowed({ api, seen, words, email, pauseMs }, options, ask);
	const findings = judgeAll(seen);
	tell(words, findings);
	return findings;
}

async function spendIfAllowed(
	job: Spend,
	{ yes, email: chosen, replyPort }: Options,
	ask: Surroundings['ask'],
): Promise<void> {
	const { seen, words } = job;
	if (seen.accounts.length > 1 && !chosen) {
		throw new UserError(
			'Several Kling accounts are connected. Say with USEAPI_EMAIL which one is to pay. Nothing was spent.',
		);
	}
	const source = chooseSource(seen);
	if (!source) return words.say('\nThere is no finished image to upscale, so nothing is spent.');
	const price = `This spends credits of ${payer(seen.accounts, job.email)}: image ${source.workId} of task ${source.taskId} is upscaled once.`;
	words.say(`\n${price}`);
	if (!yes && !/^y(es)?$/i.test((await ask?.('Go on? (yes/no) '))?.trim() ?? '')) {
		return words.say('Nothing was spent.');
	}
	const receiver = seen.replyUrl ? await startReceiver(replyPort) : undefined;
	try {
		await spend({ ...job, receiver }, source);
	} finally {
		await receiver?.close();
	}
}

const payer = (accounts: string[], email: Email) => email ?? accounts[0] ?? 'your Kling account';

function lineFor({ question, method, path, query, status, lost, tookMs }: Answer): string {
	const asked = Object.entries(query)
		.filter(([name]) => name !== 'email')
		.map(([name, value]) => `${name}=${value}`);
	if (question === 'wrongToken') asked.push('with a wrong token');
	const outcome = lost ? `no answer (${lost})` : status;
	return `${method} ${[path, ...asked].join(' ')} … ${outcome} (${tookMs} ms)`;
}

import type { Sandbox, SandboxOptions } from '../../sandbox/server.mts';
import type { Verdict } from '../../scripts/live/assumption.mts';
import { runLive, type Surroundings } from '../../scripts/live/run.mts';
import { EMAIL, startDocumented } from './support.mts';

/** `npm run contract:live` against a sandbox. */

export interface Live {
	exitCode: number;
	/** By the assumption's id. */
	verdicts: Map<string, Verdict>;
	/** Everything that was printed. */
	output: string;
}

export async function live(
	sandbox: Sandbox,
	args: string[] = [],
	surroundings: Partial<Surroundings> = {},
): Promise<Live> {
	const lines: string[] = [];
	const { exitCode, findings } = await runLive({
		args,
		write: (line) => lines.push(line),
		pauseMs: 40,
		...surroundings,
		env: {
			USEAPI_TOKEN: sandbox.token,
			USEAPI_BASE_URL: sandbox.url,
			...surroundings.env,
		},
	});
	const verdicts = new Map(findings.map(({ assumption, ...verdict }) => [assumption.id, verdict]));
	return { exitCode, verdicts, output: lines.join('\n') };
}

export const spending = ['--spend', '--yes'];

/** Ids with that verdict. */
export const those = ({ verdicts }: Live, wanted: Verdict['verdict']): string[] =>
	[...verdicts].filter(([, { verdict }]) => verdict === wanted).map(([id]) => id);

/** With a job short enough to wait for, and long enough to be seen at every step. */
export const startForLive = async (options: SandboxOptions = {}): Promise<Sandbox> =>
	await startDocumented({ jobMs: 400, accounts: [{ email: EMAIL, maxJobs: 5 }], ...options });

export const postsTo = (sandbox: Sandbox): number =>
	sandbox.requests.filter(({ server, method }) => server === 'api' && method === 'POST').length;

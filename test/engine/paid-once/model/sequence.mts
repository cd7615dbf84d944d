import { openSandbox } from '../../../../sandbox/server.mts';
import { pass, passUntil, startClock, stopClock } from '../../support/n8n/clock.mts';
import { prepare } from '../../support/n8n/engine.mts';
import { wrongItems } from './items.mts';
import { robbed } from './money.mts';
import { Network } from './network.mts';
import { Server } from './server.mts';
import type { Sequence, Setup, Step } from './setup.mts';
import { seeds, workflowOf } from './workflow.mts';

/** Runs one sequence in virtual time, and says what it has broken. */

// Fastify's inject loads it; it is an ES module, which jest does not load on Node 20, and nobody here has cookies.
jest.doMock('cookie', () => ({}));
// n8n keeps files in memory: virtual time would not wait for a disk.
process.env.N8N_DEFAULT_BINARY_DATA_MODE = 'default';

/** Two jobs of one image whose answers are lost within half a second cannot be told apart by their times. */
const BETWEEN_EXECUTIONS_MS = 1_000;
const LATE_MS = 30_000;
/** What looking up, pausing between tries, downloads and n8n's own minute may add to the time limits of one try. */
const SLACK_MS = 600_000;
const TRIES = 3;

export async function broken(sequence: Sequence): Promise<string[]> {
	const { setup, steps } = sequence;
	const { jobMs, maxJobs, readLagMs, listLagMs, wholeLists } = setup;
	const workflow = workflowOf(setup);
	// n8n loads the package the first time, and virtual time would not wait for that.
	await prepare(workflow, { apiToken: '', baseUrl: '' });
	startClock(Date.UTC(2026, 0, 1));
	const fates = [...setup.callbacks];
	const sandbox = await openSandbox({
		seeds,
		onePixel: true,
		accounts: ['a@example.com', 'b@example.com'].map((email) => ({ email, maxJobs })),
		jobMs,
		readLagMs,
		listLagMs,
		listWholeModels: wholeLists,
		async deliver(url, body): Promise<number> {
			const fate = fates.shift() ?? 'delivered';
			const calls = { lost: 0, delivered: 1, late: 1, twice: 2 }[fate];
			const receive = () => void server.receive(url, body);
			for (let call = 0; call < calls; call++) setTimeout(receive, fate === 'late' ? LATE_MS : 0);
			return 200;
		},
	});
	const network = new Network(sandbox);
	const server: Server = new Server(workflow, network);
	try {
		server.start();
		for (const step of steps) {
			if (!(await take(step, { network, server, setup }))) break;
		}
		if (!(await settle(server, setup))) return ['an execution does not end'];
		const { payments } = network;
		const ended = server.executions.filter(({ status }) => ['success', 'error'].includes(status));
		return [
			...robbed(sequence, payments, ended),
			...ended.flatMap((execution) => wrongItems(sequence, payments, execution)),
		];
	} finally {
		network.close();
		stopClock();
		await sandbox.close();
	}
}

interface World {
	network: Network;
	server: Server;
	setup: Setup;
}

/** @returns `false` when there is an execution that does not end */
async function take(step: Step, { network, server, setup }: World): Promise<boolean> {
	switch (step.do) {
		case 'pass':
			await pass(step.ms);
			return true;
		case 'spoil':
			network.spoil(step.call, step.fault, step.times);
			return true;
		case 'kill':
		case 'cancel':
			server[step.do]();
			return true;
		default: {
			const hasEnded = await settle(server, setup);
			await pass(BETWEEN_EXECUTIONS_MS);
			if (hasEnded && step.do === 'run') server.start();
			if (hasEnded && step.do === 'retry') server.retryByHand();
			return hasEnded;
		}
	}
}

/** @returns whether the execution under way ends in the time it may take */
async function settle(server: Server, setup: Setup): Promise<boolean> {
	const { timeout, items, jobMs, retryOnFail, loop, rounds } = setup;
	const tryMs = (items.length + 1) * (timeout * 1_000 + jobMs) + SLACK_MS;
	const runs = loop === 'none' ? 1 : rounds + 1;
	return await passUntil(() => server.isIdle, tryMs * runs * (retryOnFail ? TRIES : 1));
}

import { stringify } from 'flatted';

import {
	behindTls,
	BIG_TASK_ID,
	idsIn,
	others,
	see,
	stage,
	STRAY,
	succeeded,
	type Seen,
	type Stage,
	type Trial,
} from '../fault-stage.mts';
import { fromItem, getTask, upscale } from '../kling.mts';
import { pass } from '../n8n/clock.mts';
import { waitingExecution } from '../n8n/waiting-execution.mts';
import { klingWorkflow } from '../n8n/workflows.mts';
import { openTrigger } from '../trigger.mts';
import { GET_TASK, GET_SCHEDULER } from './where.mts';

/** A result is waited for, in each of the ways there are. */

const FIRST_TASK_ID = '500000010';

/** An answer without end is read to 20 MB each time. */
const watchingFor = ({ fault }: Trial) => ({
	pollInterval: fault === 'huge' ? 20 : 1,
	timeout: 60,
});

export async function watching(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASK);
	kling.spoil();
	const options = watchingFor(trial);
	const parameters = getTask({ taskId: kling.source.taskId, wait: 'poll', options });
	return await behindTls(kling, trial, async () =>
		see(kling, await kling.run([{}], parameters), succeeded),
	);
}

export async function watchingOwn(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASK);
	kling.spoil();
	const parameters = upscale({ ...kling.source, options: watchingFor(trial) });
	return see(kling, await kling.run([{}], parameters), succeeded);
}

const pausing = ({ source }: Stage) => upscale({ ...source, wait: 'callback', options: {} });

export async function suspending(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASK, { jobMs: 3_600_000 });
	kling.spoil();
	return see(kling, await kling.run([{}], pausing(kling)), (outputs, { run }) => {
		const [{ taskId, finished }] = outputs;
		const expected = trial.fault === 'bigIds' ? BIG_TASK_ID : FIRST_TASK_ID;
		return run.waitTill !== undefined && taskId === expected && finished === false;
	});
}

/** @param jobMs how old the task is when its callback comes */
export const beingCalledBack =
	(jobMs: number) =>
	async (trial: Trial): Promise<Seen> => {
		const kling = await stage(trial, GET_TASK, { jobMs });
		const parameters = pausing(kling);
		// So that a failure of the task is an item that can be seen, in every version of n8n.
		const continues = { onError: 'continueRegularOutput' } as const;
		const suspended = await kling.run([{}], parameters, continues);
		const waiting = waitingExecution(
			klingWorkflow([{}], parameters, continues),
			kling.credentials,
			suspended,
		);
		const [{ json }] = suspended.items('Kling');
		await pass(jobMs);
		const before = kling.asked();
		kling.spoil();
		const body = `{"task":{"id":${String(json.taskId)}},"status_final":true}`;
		const { baseUrl } = kling.credentials;
		return await behindTls(kling, trial, async () => {
			const { status, run, answer } = await waiting.call(body);
			const seen = see(kling, run ?? suspended, succeeded);
			const told = {
				asked: kling.asked() - before,
				callerTold: status,
				isWaiting: run === undefined,
			};
			const error = run?.items('Kling')[0].json.error as string | undefined;
			if (run) return { ...seen, ...told, told: error };
			// Nothing is lost by it: the next call goes on.
			kling.sandbox.clearFaults();
			kling.credentials.baseUrl = baseUrl;
			const later = await waiting.call(body);
			const isGood =
				later.run !== undefined && succeeded(later.run.items('Kling').map((i) => i.json));
			return { ...seen, ...told, isGood, kept: seen.kept + waiting.saved + JSON.stringify(answer) };
		});
	};

export async function watchingABatch(trial: Trial): Promise<Seen> {
	// For a while only the list is asked, so that it matters.
	const kling = await stage({ ...trial, lasting: true }, GET_SCHEDULER, { jobMs: 5_000 });
	kling.spoil();
	const items = [kling.source, ...others.items];
	return see(kling, await kling.run(items, upscale(fromItem)), succeeded);
}

export async function triggering(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASK);
	kling.spoil();
	const trigger = openTrigger({ events: ['succeed'] }, kling.credentials);
	const body = `{"task":{"id":${kling.source.taskId}},"status_name":"succeed","status_final":true}`;
	return await behindTls(kling, trial, async () => {
		const { answer, started, run, log } = await trigger.call(body);
		return {
			asked: kling.asked(),
			posts: kling.posts(),
			strayed: kling.sandbox.requests.filter(({ path }) => path === STRAY).length,
			isGood: run !== undefined && succeeded(run.items('Result').map(({ json }) => json)),
			ids: idsIn(started ?? []),
			hints: log,
			isWaiting: false,
			callerTold: answer?.status,
			kept: stringify(run?.run.data ?? {}) + log.join('\n'),
		};
	});
}

import { stringify } from 'flatted';
import type { IDataObject, INodeListSearchResult } from 'n8n-workflow';

import { pass } from '../n8n/clock.mts';
import { searchList } from '../n8n/engine.mts';
import {
	behindTls,
	BIG_TASK_ID,
	idsIn,
	others,
	see,
	stage,
	STRAY,
	succeeded,
	withFiles,
	withTls,
	type Seen,
	type Stage,
	type Trial,
	type Where,
} from '../fault-stage.mts';
import { calls, type CallName } from '../fault-table.mts';
import { enhance, fromItem, getTask, getTasks, pictures, upscale } from '../kling.mts';
import { waitingExecution } from '../n8n/waiting-execution.mts';
import { openTrigger } from '../trigger.mts';
import { klingWorkflow } from '../n8n/workflows.mts';

/** How each call of the fault table is brought about on n8n's own engine, and what is seen of it. */

/** By the ways in which a call can come about. */
type Trials = Record<string, (trial: Trial) => Promise<Seen>>;
export const ENHANCE_FILE = 'Enhance, a file';
/** Younger than the 15 seconds in which a task may be unknown. */
export const NEW_TASK = 'Upscale, a new task';
/** Older than them. */
export const OLD_S = 60;
const FIRST_TASK_ID = '500000010';
const NEW_FILE = '/results/500000011.png';
const POST_ENHANCE = { method: 'POST', path: '/v1/kling/images/enhance' };
const UPLOAD = { method: 'POST', path: '/v1/kling/assets' };
const POST_UPSCALE = { method: 'POST', path: '/v1/kling/images/upscale' };
const GET_TASK = { method: 'GET', path: '/v1/kling/tasks/' };
const GET_TASKS = { method: 'GET', path: '^/v1/kling/tasks$' };
const GET_ACCOUNTS = { method: 'GET', path: '/v1/kling/accounts' };
const GET_SCHEDULER = { method: 'GET', path: '/v1/kling/scheduler' };
const GET_CLEAN_FILE = { method: 'GET', path: '/v1/kling/assets/download' };
const DELETE_TASK = { method: 'DELETE', path: '/v1/kling/tasks/' };
const GET_FILE = { method: 'GET', path: '/results/', server: 'cdn' as const };

const upscaling =
	(wait: 'poll' | 'callback' | 'none') =>
	async (trial: Trial): Promise<Seen> => {
		const kling = await stage(trial, POST_UPSCALE);
		if (calls.upscale.promises[trial.fault] === 'lookedUp') await sendAnother(kling);
		kling.spoil();
		const parameters = upscale({
			...kling.source,
			wait,
			options: { timeout: trial.fault === '429' ? 60 : 600 },
		});
		return await behindTls(kling, trial, async () =>
			see(kling, await kling.run([{}], parameters), (outputs, { run }) => {
				const waited = wait === 'poll' ? succeeded(outputs) : idsIn(outputs).length > 0;
				return waited && (wait !== 'callback' || run.waitTill !== undefined || succeeded(outputs));
			}),
		);
	};

const enhancing =
	(source: IDataObject) =>
	async (trial: Trial): Promise<Seen> => {
		const kling = await stage(trial, POST_ENHANCE);
		if (calls.upscale.promises[trial.fault] === 'lookedUp') await sendAnother(kling);
		kling.spoil();
		const parameters = enhance({
			...source,
			options: { timeout: trial.fault === '429' ? 60 : 600 },
		});
		return await behindTls(kling, trial, async () =>
			see(kling, await kling.run(await pictures(1), parameters), succeeded),
		);
	};

async function uploading(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, UPLOAD);
	kling.spoil();
	return await behindTls(kling, trial, async () =>
		see(kling, await kling.run(await pictures(1), enhance()), succeeded),
	);
}

/** A job of another image: it shows that the lists tell what jobs are of. */
async function sendAnother(kling: Stage): Promise<void> {
	await kling.run(others.items.slice(0, 1), upscale({ ...fromItem, wait: 'none' }));
	kling.sandbox.requests.length = 0;
}

/** A look in one of the two lists that is spoiled, and where it stands between the others. */
const lookingFor =
	(where: Where, what: 'lostJob' | 'earlierJob') =>
	async (trial: Trial): Promise<Seen> => {
		const kling = await stage(trial, where);
		const isLost = what === 'lostJob';
		// Until there is one to be found.
		if (!isLost) await kling.run([{}], upscale({ ...kling.source, wait: 'none' }));
		kling.sandbox.requests.length = 0;
		kling.spoil();
		if (isLost) kling.addFault({ ...POST_UPSCALE, kind: 'resetAfter' });
		const parameters = upscale({ ...kling.source, options: { reuse: !isLost } });
		return await behindTls(kling, trial, async () =>
			see(kling, await kling.run([{}], parameters), succeeded),
		);
	};

/** An answer without end is read to 20 MB each time. */
const watchingFor = ({ fault }: Trial) => ({
	pollInterval: fault === 'huge' ? 20 : 1,
	timeout: 60,
});

async function watching(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASK);
	kling.spoil();
	const options = watchingFor(trial);
	const parameters = getTask({ taskId: kling.source.taskId, wait: 'poll', options });
	return await behindTls(kling, trial, async () =>
		see(kling, await kling.run([{}], parameters), succeeded),
	);
}

async function watchingOwn(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASK);
	kling.spoil();
	const parameters = upscale({ ...kling.source, options: watchingFor(trial) });
	return see(kling, await kling.run([{}], parameters), succeeded);
}

async function getting(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASK);
	kling.spoil();
	const parameters = getTask({ taskId: kling.source.taskId });
	return await behindTls(kling, trial, async () =>
		see(kling, await kling.run([{}], parameters), succeeded),
	);
}

const pausing = ({ source }: Stage) => upscale({ ...source, wait: 'callback', options: {} });

async function suspending(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASK, { jobMs: 3_600_000 });
	kling.spoil();
	return see(kling, await kling.run([{}], pausing(kling)), (outputs, { run }) => {
		const [{ taskId, finished }] = outputs;
		const expected = trial.fault === 'bigIds' ? BIG_TASK_ID : FIRST_TASK_ID;
		return run.waitTill !== undefined && taskId === expected && finished === false;
	});
}

/** @param jobMs how old the task is when its callback comes */
const beingCalledBack =
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

async function watchingABatch(trial: Trial): Promise<Seen> {
	// For a while only the list is asked, so that it matters.
	const kling = await stage({ ...trial, lasting: true }, GET_SCHEDULER, { jobMs: 5_000 });
	kling.spoil();
	const items = [kling.source, ...others.items];
	return see(kling, await kling.run(items, upscale(fromItem)), succeeded);
}

async function listing(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_TASKS);
	kling.spoil();
	return await behindTls(kling, trial, async () =>
		see(kling, await kling.run([{}], getTasks({ returnAll: true })), (outputs) =>
			idsIn(outputs).includes(kling.source.taskId),
		),
	);
}

async function deleting(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, DELETE_TASK);
	kling.spoil();
	const parameters = getTask({ taskId: kling.source.taskId, operation: 'delete' });
	return await behindTls(kling, trial, async () =>
		see(
			kling,
			await kling.run([{}], parameters),
			([{ deleted, taskId }]) => deleted === true && taskId === kling.source.taskId,
		),
	);
}

async function triggering(trial: Trial): Promise<Seen> {
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

const picking =
	(method: string, where: Where, parameters: (kling: Stage) => IDataObject) =>
	async (trial: Trial): Promise<Seen> => {
		const kling = await stage(trial, where);
		kling.spoil();
		return await behindTls(kling, trial, async () => {
			let list: INodeListSearchResult = { results: [] };
			let error: { message: string; description: string } | undefined;
			try {
				list = await searchList(method, parameters(kling), kling.credentials);
			} catch (thrown) {
				error = thrown as typeof error;
			}
			return {
				asked: kling.asked(),
				posts: kling.posts(),
				strayed: kling.sandbox.requests.filter(({ path }) => path === STRAY).length,
				isGood: list.results.length > 0,
				ids: idsIn(list.results),
				told: error && `${error.message}\n${error.description}`,
				hints: [],
				isWaiting: false,
				kept: stringify(list) + stringify(error ?? {}),
			};
		});
	};

async function fetchingTheCleanFile(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_CLEAN_FILE);
	kling.spoil();
	const options = { withoutWatermark: true };
	const parameters = upscale({ ...kling.source, download: true, options });
	return see(kling, await kling.run([{}], parameters), withFiles);
}

async function fetchingTheFile(trial: Trial): Promise<Seen> {
	const kling = await stage(trial, GET_FILE);
	if (trial.fault === 'redirect') {
		kling.addFault({ ...GET_FILE, kind: 'redirect', headers: { location: NEW_FILE } });
	} else if (trial.fault !== 'tls') kling.spoil();
	const run = async () =>
		see(kling, await kling.run([{}], upscale({ ...kling.source, download: true })), withFiles);
	if (trial.fault !== 'tls') return await run();
	return await withTls(async (url, connections) => {
		const works = [{ workId: 1, contentType: 'image', resource: { resource: `${url}/a.png` } }];
		const body = { task: { id: 500000010 }, works, status_name: 'succeed', status_final: true };
		kling.addFault({ ...GET_TASK, kind: 'json', body });
		const seen = await run();
		return { ...seen, asked: connections() };
	});
}

const locator = (value: string) => ({ __rl: true, mode: 'list', value });

export const trials: Record<CallName, Trials> = {
	upscale: {
		'Wait Until Finished': upscaling('poll'),
		'Pause Until Called Back': upscaling('callback'),
		"Don't Wait": upscaling('none'),
		[ENHANCE_FILE]: enhancing({}),
		'Enhance, a link': enhancing({ imageUrl: 'https://shop.example.com/shoe.jpg' }),
	},
	upload: { Enhance: uploading },
	lostJob: {
		'Running jobs': lookingFor(GET_SCHEDULER, 'lostJob'),
		Tasks: lookingFor(GET_TASKS, 'lostJob'),
	},
	earlierJob: {
		'Running jobs': lookingFor(GET_SCHEDULER, 'earlierJob'),
		Tasks: lookingFor(GET_TASKS, 'earlierJob'),
	},
	watch: { 'Task → Get': watching, Upscale: watchingOwn },
	get: { 'Task → Get': getting },
	beforeSuspending: { Upscale: suspending },
	calledBack: {
		[NEW_TASK]: beingCalledBack(100),
		'Upscale, an old task': beingCalledBack(OLD_S * 1_000),
	},
	runningJobs: { Upscale: watchingABatch },
	triggered: { 'Kling Trigger': triggering },
	list: { 'Task → Get Many': listing },
	delete: { 'Task → Delete': deleting },
	pickers: {
		Account: picking('searchAccounts', GET_ACCOUNTS, () => ({})),
		Task: picking('searchTasks', GET_TASKS, () => ({})),
		Image: picking('searchImages', GET_TASK, ({ source }) => ({ taskId: locator(source.taskId) })),
	},
	cleanFile: { Upscale: fetchingTheCleanFile },
	file: { Upscale: fetchingTheFile },
};

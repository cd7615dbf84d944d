// Calls of a resume URL by somebody who is not useapi.net: none of them may move an execution.
import pMap from 'p-map';
import { setTimeout as pause } from 'node:timers/promises';
import * as executions from '../executions.mts';
import { atMost, type Section } from '../report.mts';
import type { Site, Stage } from '../stage.mts';
import { judge } from '../verdict.mts';
import { kling } from '../workflows.mts';
import { JOB_MS } from './callbacks.mts';

const CALLS_AT_ONCE = 20;
const ANSWER_LIMIT_MS = 600_000;
/** What a call moves has begun by then. */
const AFTERWARDS_MS = 1_000;
/** Between the ends that forged calls are mixed with, and how many of those come again. */
const MIXED_PAUSE_MS = 200;
const MIXED_SHARE = 0.2;

type Job = executions.Job;
type Request = { method?: string; url?: string; headers?: Record<string, string>; body?: string };

function text(body: string, type = 'application/json'): Request {
	return { headers: { 'content-type': type }, body };
}
const json = (value: unknown) => text(JSON.stringify(value));
/** What useapi.net would send about a finished task, as far as anybody can know it. */
function claim(taskId: string, changes: object = {}): Request {
	const status = { status: 99, status_name: 'succeed', status_final: true, ...changes };
	const works = [{ workId: taskId, taskId, ...status, resource: 'https://forged.example/1.png' }];
	return json({ task: { id: Number(taskId), ...status }, works, message: 'success', ...status });
}
const LARGE = claim('1', { message: 'x'.repeat(1_000_000) });
/** n8n takes 16 MB. */
const TOO_LARGE = claim('1', { message: 'x'.repeat(17_000_000) });
const DEEP = text(`${'['.repeat(5_000)}${']'.repeat(5_000)}`);

/** By what they claim or do. Without a method a POST, without a URL the execution's own with its signature. */
export function forgeriesOf({ taskId, replyUrl }: Job, other: Job): Record<string, Request> {
	const own = claim(taskId);
	const at = (to: Partial<URL>) => ({ ...own, url: Object.assign(new URL(replyUrl), to).href });
	const { pathname } = new URL(replyUrl);
	return {
		'own task, said to be finished': own,
		'own task, said to have failed': claim(taskId, { status: 6, status_name: 'failed' }),
		'own task, no status': json({ works: [{ taskId: Number(taskId) }] }),
		'own task, as plain text': text(own.body!, 'text/plain'),
		'own task, as a form': text(`task[id]=${taskId}`, 'application/x-www-form-urlencoded'),
		'task of another execution': claim(other.taskId),
		'unknown task': claim('999999999'),
		'no body': {},
		'nested 5,000 deep': DEEP,
		'prototype keys': text('{"__proto__":{"status_final":true},"constructor":{"prototype":{}}}'),
		'broken JSON': text(own.body!.slice(0, -1)),
		'broken XML': text('<task><id>1</task>', 'application/xml'),
		'1 MB of JSON': LARGE,
		'17 MB of JSON': TOO_LARGE,
		GET: { method: 'GET' },
		HEAD: { method: 'HEAD' },
		PUT: { ...own, method: 'PUT' },
		DELETE: { method: 'DELETE' },
		'wrong signature': at({ search: `?signature=${'0'.repeat(64)}` }),
		'no signature': at({ search: '' }),
		"another execution's signature": at({ search: new URL(other.replyUrl).search }),
		'a longer path': at({ pathname: `${pathname}/more` }),
		"n8n's form address": at({ pathname: pathname.replace('webhook', 'form') }),
		'unknown execution': at({ pathname: '/webhook-waiting/99999999' }),
	};
}

/** So many forged calls: the kinds in turn, each time at another execution. */
export function forge(jobs: Job[], count: number): Array<[kind: string, request: Request]> {
	const kinds = Object.keys(forgeriesOf(jobs[0], jobs[1])).length;
	return Array.from({ length: count }, (_, place) => {
		const turn = Math.floor(place / kinds);
		const [job, other] = [0, 1].map((more) => jobs[(place + turn + more) % jobs.length]);
		const [kind, request] = Object.entries(forgeriesOf(job, other))[place % kinds];
		return [kind, { method: 'POST', url: job.replyUrl, ...request }];
	});
}

/** Sends them, some at a time. Whatever n8n answers, it has done by then. */
async function call(forgeries: ReturnType<typeof forge>): Promise<void> {
	const send = async ([, { url, ...options }]: (typeof forgeries)[number]) => {
		const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
		const answer = await fetch(url!, { ...options, signal }).catch(() => undefined);
		await answer?.arrayBuffer().catch(() => undefined);
	};
	await pMap(forgeries, send, { concurrency: CALLS_AT_ONCE });
}

async function attack(site: Site, many: number): Promise<Section> {
	const { api, sandbox, images } = site;
	const workflow = await site.publish(kling('callback'));
	const calls = images.map((image) => [image]);
	const jobs = await executions.suspend(site, workflow, calls);
	const states = async () => {
		const { results } = await executions.answered(() => api.listExecutions(workflow.id));
		return results.map((each) => `${each.id}: ${each.status}, until ${each.waitTill}`);
	};
	const before = await states();
	const asked = sandbox.requests.length;
	await call(forge(jobs, many));
	await pause(AFTERWARDS_MS);
	const looks = sandbox.requests.length - asked;
	const after = await states();
	const moved = after.filter((line) => !before.includes(line)).map((line) => `Moved: ${line}`);

	const again = call(forge(jobs, many * MIXED_SHARE));
	for (const { taskId } of jobs) {
		sandbox.release(taskId);
		await pause(MIXED_PAUSE_MS);
	}
	await executions.untilEnded(site, workflow, jobs.length);
	await again;
	const ids = jobs.map(({ executionId }) => executionId);
	const faults = await judge(site, jobs, await executions.readAll(site, ids));
	return {
		title: 'Forged calls',
		load: `${jobs.length} waiting executions of one item; ${Object.keys(forgeriesOf(jobs[0], jobs[1])).length} kinds of calls.`,
		checks: [
			atMost(`${many} forged calls: executions they moved`, moved.length, String, 0),
			atMost(`${many * MIXED_SHARE} more amid the true ones: wrong ends`, faults.length, String, 0),
			atMost('Looks at the API that the forged calls caused', looks, String),
		],
		tables: [],
		faults: [...moved, ...faults],
	};
}

export async function forged(stage: Stage, quick: boolean): Promise<Section> {
	const options = { images: quick ? 10 : 50, jobMs: JOB_MS, hold: true };
	const many = quick ? 100 : 1_000;
	return await stage.site(`${many} forged calls`, options, (site) => attack(site, many));
}

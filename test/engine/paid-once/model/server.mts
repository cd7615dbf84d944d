import { parse, stringify } from 'flatted';
import { randomUUID } from 'node:crypto';
import { WorkflowExecute } from 'n8n-core';
import type { IRun, IRunExecutionData } from 'n8n-workflow';

import { prepare, readRun, type EngineRun } from '../../support/n8n/engine.mts';
import { loadWaiting, type WaitingExecution } from '../../support/n8n/waiting-execution.mts';
import type { EngineWorkflow } from '../../support/n8n/workflows.mts';
import type { Network } from './network.mts';

/** What n8n's server does around its engine: one workflow, one execution at a time. */

/** n8n looks this often for executions whose wait is over soon, and then arms a timer for each (wait-tracker.ts). */
const TRACK_EVERY_MS = 60_000;
const TRACK_AHEAD_MS = 70_000;

export interface Execution {
	id: string;
	/** The id of the first execution, for those that a person has retried by hand. */
	family: string;
	/** Epoch ms. */
	startedMs: number;
	/** How often n8n has begun with the node; the tries of Retry On Fail are one. */
	klingRuns: number;
	status: 'running' | 'waiting' | 'success' | 'error' | 'canceled' | 'killed';
	/** What n8n has saved last. */
	last?: EngineRun;
	waiting?: WaitingExecution;
	cancel?: () => void;
}

/** What n8n's engine works on; not a promise, which `await` would wait for. */
type Run = { running: PromiseLike<IRun> & { cancel(): void } };

/** What the node keeps for the calls of a workflow dies with n8n's process: another workflow id is as good. */
const newProcess = () => ({ dead: false, workflowId: randomUUID() });

const isCanceled = ({ status }: Execution) => status === 'canceled';

export class Server {
	readonly executions: Execution[] = [];
	private process = newProcess();
	private armed = new Set<string>();

	constructor(
		private readonly workflow: EngineWorkflow,
		private readonly network: Network,
	) {
		setInterval(() => this.track(), TRACK_EVERY_MS);
	}

	get current(): Execution {
		return this.executions.at(-1)!;
	}

	get isIdle(): boolean {
		return !['running', 'waiting'].includes(this.current.status);
	}

	start() {
		const execution = this.add();
		void this.go(execution, async () => {
			const { workflow, additionalData } = await this.open(execution);
			const startNode = workflow.getNode('Start')!;
			return {
				running: new WorkflowExecute(additionalData, 'trigger').run({ workflow, startNode }),
			};
		});
	}

	/** As a person does it with a failed execution (execution.service.ts): its data under a new id, without the last run. */
	retryByHand() {
		const { status, last, family } = this.current;
		if (status !== 'error') return;
		const data = parse(stringify(last!.run.data)) as IRunExecutionData;
		const { resultData } = data;
		delete resultData.error;
		resultData.runData[resultData.lastNodeExecuted!]?.pop();
		const execution = this.add(family);
		void this.go(execution, async () => {
			const { workflow, additionalData } = await this.open(execution);
			const execute = new WorkflowExecute(additionalData, 'retry', data);
			return { running: execute.processRunExecutionData(workflow) };
		});
	}

	cancel() {
		if (this.isIdle) return;
		this.end('canceled');
	}

	/** The process of n8n dies, with all that runs in it, and starts anew. What waits is in the database. */
	kill() {
		this.process.dead = true;
		this.process = newProcess();
		this.armed = new Set();
		if (this.current.status === 'running') this.end('killed');
	}

	/** useapi.net calls. @returns the HTTP status */
	async receive(url: string, body: string): Promise<number> {
		const id = /webhook-waiting\/([^?]+)/.exec(url)?.[1];
		const execution = this.executions.find((candidate) => candidate.id === id);
		if (!execution) return 404;
		const { waiting } = execution;
		const { process } = this;
		if (execution.status !== 'waiting' || !waiting) return 409;
		const { status, next } = await waiting.ask(body);
		const isStillWaiting = execution.status === 'waiting' && execution.waiting === waiting;
		if (!next || process.dead) return status;
		if (!isStillWaiting) return 500;
		void this.go(execution, async () => ({
			running: next.execute.processRunExecutionData(next.workflow),
		}));
		return status;
	}

	private add(family?: string): Execution {
		const id = randomUUID();
		const execution: Execution = {
			id,
			family: family ?? id,
			startedMs: Date.now(),
			klingRuns: 0,
			status: 'running',
		};
		this.executions.push(execution);
		return execution;
	}

	private async open(execution: Execution) {
		const { id: executionId } = execution;
		const credentials = this.network.credentialsOf({ process: this.process, execution });
		const { workflowId: id } = this.process;
		const prepared = await prepare(this.workflow, credentials, { id, executionId });
		prepared.additionalData.hooks!.addHandler('nodeExecuteBefore', async (name) => {
			if (name === 'Kling') execution.klingRuns++;
		});
		return prepared;
	}

	/** Runs until the execution ends or is suspended. */
	private async go(execution: Execution, begin: () => Promise<Run>) {
		const { process } = this;
		execution.status = 'running';
		const { running } = await begin();
		execution.cancel = () => running.cancel();
		// It was canceled before it had begun.
		if (isCanceled(execution)) running.cancel();
		const last = readRun(await running);
		if (process.dead || execution.status !== 'running') return;
		execution.last = last;
		if (last.run.waitTill) {
			const open = async () => await this.open(execution);
			execution.waiting = loadWaiting(last, open);
			execution.status = 'waiting';
		} else this.end(last.error ? 'error' : 'success');
	}

	private end(status: Execution['status']) {
		const { current } = this;
		const wasRunning = current.status === 'running';
		current.status = status;
		if (wasRunning && status !== 'success' && status !== 'error') current.cancel?.();
	}

	private track() {
		for (const { id, status, waiting } of this.executions) {
			const leftMs = Number(waiting?.waitTill) - Date.now();
			if (status !== 'waiting' || leftMs > TRACK_AHEAD_MS || this.armed.has(id)) continue;
			this.armed.add(id);
			const { armed } = this;
			setTimeout(() => void this.resume(id, armed), Math.max(0, leftMs));
		}
	}

	/** Whatever the execution waits for by then: neither a call nor a later wait disarms n8n's timer. */
	private async resume(id: string, armed: Set<string>) {
		armed.delete(id);
		const execution = this.executions.find((candidate) => candidate.id === id)!;
		if (execution.status !== 'waiting' || armed !== this.armed) return;
		await this.go(execution, async () => {
			const { execute, workflow } = await execution.waiting!.loadAtLimit();
			return { running: execute.processRunExecutionData(workflow) };
		});
	}
}

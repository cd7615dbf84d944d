import { parse, stringify } from 'flatted';
import { WorkflowExecute } from 'n8n-core';
import type { IRunExecutionData } from 'n8n-workflow';

import { passing } from './clock.mts';
import { prepare, readRun, type Credentials, type EngineRun } from './engine.mts';
import type { EngineWorkflow } from './workflows.mts';

/**
 * A person presses Retry on an execution, as n8n's server does it (execution.service.ts): its data under a new id, without
 * the run that failed.
 */
export async function retryByHand(
	workflow: EngineWorkflow,
	credentials: Credentials,
	{ run }: EngineRun,
	change: (data: IRunExecutionData) => void = () => {},
): Promise<EngineRun> {
	const data = parse(stringify(run.data)) as IRunExecutionData;
	delete data.resultData.error;
	data.resultData.runData[data.resultData.lastNodeExecuted!].pop();
	change(data);
	const { workflow: loaded, additionalData } = await prepare(workflow, credentials);
	const execution = new WorkflowExecute(additionalData, 'retry', data);
	return readRun(
		await passing(async () => await execution.processRunExecutionData(loaded)),
		additionalData.executionId,
	);
}

/** The same for an execution that was killed within the node: n8n has where it stood, and nothing of the node. */
export async function retryKilled(
	workflow: EngineWorkflow,
	credentials: Credentials,
	run: EngineRun,
): Promise<EngineRun> {
	return await retryByHand(workflow, credentials, run, (data) => {
		const [source] = data.resultData.runData.Start;
		data.executionData!.contextData = {};
		data.waitTill = undefined;
		delete data.resultData.runData.Result;
		delete data.resultData.runData.Kling;
		data.executionData!.nodeExecutionStack = [
			{
				node: workflow.nodes.find(({ name }) => name === 'Kling')!,
				data: { main: source.data!.main },
				source: { main: [{ previousNode: 'Start' }] },
			},
		];
	});
}

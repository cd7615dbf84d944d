import type { IDataObject, INode } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

import type { SandboxSeed } from '../../../sandbox/options.mts';
import { klingWorkflow, type EngineWorkflow } from '../support/workflows.mts';
import type { Image, Item, Setup } from './setup.mts';

/** The workflow of a sequence, and the images that its items ask for. */

const TASK_IDS: Record<Image, string> = {
	one: '100000010',
	two: '100000020',
	three: '100000030',
	fails: '100000040',
	forbidden: '100000050',
	unknown: '100000060',
	invalid: 'x',
};
const workIdOf = (image: Image) => TASK_IDS[image].replace(/0$/, '1');

export const seeds: SandboxSeed[] = (['one', 'two', 'three', 'fails', 'forbidden'] as const).map(
	(image) => ({
		taskId: TASK_IDS[image],
		workId: workIdOf(image),
		upscale: image === 'fails' || image === 'forbidden' ? image : 'succeeds',
	}),
);

export const keyOf = ({ image, account }: Item) =>
	[account, TASK_IDS[image], workIdOf(image)].join(' ');
export const isOfFailing = (key: string) => key.includes(TASK_IDS.fails);

/** Which of the items of Start an input item asks for, as an expression. In a loop the node's own output comes back. */
const ASKED: Record<Setup['loop'], string> = {
	none: '$json',
	error: '$("Start").item.json',
	success: '$("Start").all().at(($itemIndex + $runIndex) % $("Start").all().length).json',
};

/** The same. @param origin the item of Start that it comes from */
export function itemOf({ items, loop }: Setup, origin: number, itemIndex: number, run: number) {
	return items[loop === 'success' ? (itemIndex + run) % items.length : origin];
}

export function workflowOf(setup: Setup): EngineWorkflow {
	const { items, wait, download, reuse, timeout, onError, retryOnFail, loop, rounds } = setup;
	const { executeOnce } = setup;
	// As this node puts a task out, so that its own output could be taken for its input.
	const json = items.map(
		({ image, account }): IDataObject => ({
			account,
			taskId: TASK_IDS[image],
			images: [{ workId: workIdOf(image) }],
		}),
	);
	const item = ASKED[loop];
	const locator = (field: string, mode = 'id') => ({
		__rl: true,
		mode,
		value: `={{ ${item}.${field} }}`,
	});
	const parameters = {
		resource: 'image',
		operation: 'upscale',
		account: locator('account', 'email'),
		taskId: locator('taskId'),
		workId: locator('images[0].workId'),
		wait,
		...(wait !== 'none' && { download }),
		options: { timeout, reuse },
	};
	const settings: Partial<INode> = {
		onError,
		executeOnce,
		...(retryOnFail && { retryOnFail, maxTries: 3, waitBetweenTries: 1_000 }),
	};
	const { nodes, connections } = klingWorkflow(json, parameters, settings);
	if (loop !== 'none') {
		const to = (node: string) => [{ node, type: NodeConnectionTypes.Main, index: 0 }];
		const again = { ...nodes[2], id: 'Again', name: 'Again', type: 'test.again' };
		nodes.push({ ...again, parameters: { rounds } });
		connections.Again = { main: [to('Kling'), to('Result')] };
		connections.Kling.main[loop === 'success' ? 0 : 1] = to('Again');
	}
	return { nodes, connections };
}

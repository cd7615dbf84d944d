import type { IDataObject, INode } from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

import type { SandboxSeed } from '../../../../sandbox/options.mts';
import { klingWorkflow, type EngineWorkflow } from '../../support/n8n/workflows.mts';
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

const LINKS = 'https://shop.example.com/';
/** As much of a PNG as tells that it is one: its size is another one for each image. */
const fileOf = (image: Image) => {
	const head = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
	const size = Buffer.alloc(8);
	size.writeUInt32BE(300 + Object.keys(TASK_IDS).indexOf(image));
	size.writeUInt32BE(300, 4);
	return Buffer.concat([head, size]);
};

/** What is paid for. */
export const keyOf = ({ image, account }: Pick<Item, 'image'> & { account: unknown }) =>
	`${String(account)} ${image}`;
export const isOfFailing = (key: string) => key.endsWith(' fails');

/** The image that a request is about. @param files those that were uploaded, by their links */
export function imageOf({ task_id, image }: IDataObject, files: Map<unknown, Buffer>): Image {
	const isIt = (one: Image) =>
		TASK_IDS[one] === task_id || linkOf(one) === image || files.get(image)?.equals(fileOf(one));
	return (Object.keys(TASK_IDS) as Image[]).find(isIt)!;
}

const linkOf = (image: Image) => (image === 'invalid' ? 'x' : `${LINKS}${image}.png`);

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
	const { executeOnce, source } = setup;
	// In a loop an item that comes back has no file any more.
	const isFile = source === 'file' && loop === 'none';
	// As this node puts a task out, so that its own output could be taken for its input.
	const json = items.map(
		({ image, account }): IDataObject => ({
			account,
			taskId: TASK_IDS[image],
			images: [{ workId: workIdOf(image) }],
			link: linkOf(image),
			...(isFile &&
				image !== 'invalid' && {
					files: { data: { base64: fileOf(image).toString('base64'), inItem: true } },
				}),
		}),
	);
	const item = ASKED[loop];
	const locator = (field: string, mode = 'id') => ({
		__rl: true,
		mode,
		value: `={{ ${item}.${field} }}`,
	});
	const ofKling = { taskId: locator('taskId'), workId: locator('images[0].workId') };
	const ofAny = { imageSource: isFile ? 'binary' : 'url', imageUrl: `={{ ${item}.link }}` };
	const parameters = {
		resource: 'image',
		account: locator('account', 'email'),
		...(source === 'kling'
			? { operation: 'upscale', ...ofKling }
			: { operation: 'enhance', ...ofAny }),
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

import type {
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	INodeProperties,
} from 'n8n-workflow';

import { outputOf } from '../../job/output/formats';
import type { Context } from '../../runtime/context';
import { klingError } from '../../runtime/problems';
import { retryTransient } from '../../runtime/retry';
import { runItems } from '../../runtime/runItems';
import { TaskPages } from '../../tasks/taskPages';
import { accountField, IMAGES, outputField, RAW, showFor, SIMPLIFIED } from '../fields';
import { ListParameters } from './listParameters';

export const description: INodeProperties[] = showFor('task', 'getAll', [
	accountField,
	{
		displayName: 'Return All',
		name: 'returnAll',
		type: 'boolean',
		default: false,
		description: 'Whether to return all results or only up to a given limit',
	},
	{
		displayName: 'Limit',
		name: 'limit',
		type: 'number',
		default: 50,
		typeOptions: { minValue: 1 },
		description: 'Max number of results to return',
		displayOptions: { show: { returnAll: [false] } },
	},
	{
		...outputField(IMAGES, RAW, SIMPLIFIED),
		description:
			"With 'Images', tasks without images are left out, and 'Limit' counts images instead of tasks",
	},
	{
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add filter',
		default: {},
		options: [
			{
				displayName: 'Content Type',
				name: 'contentType',
				type: 'options',
				default: 'image',
				description:
					'What the tasks made. Without this filter only tasks that made images are returned.',
				options: [
					{ name: 'All', value: 'all' },
					{ name: 'Audio', value: 'audio' },
					{ name: 'Image', value: 'image' },
					{ name: 'Video', value: 'video' },
				],
			},
			{
				displayName: 'Created After',
				name: 'createdAfter',
				type: 'dateTime',
				default: '',
				description: 'Only tasks that were created at this time or later',
			},
			{
				displayName: 'Created Before',
				name: 'createdBefore',
				type: 'dateTime',
				default: '',
				description: 'Only tasks that were created before this time',
			},
		],
	},
]);

/** Lists the tasks of every item's account, newest first. Spends nothing. */
export async function execute(n8n: IExecuteFunctions): Promise<INodeExecutionData[]> {
	return await runItems(n8n, (itemIndex) => readParameters(n8n, itemIndex), getAll);
}

function readParameters(n8n: IExecuteFunctions, itemIndex: number) {
	const parameters = new ListParameters(n8n, itemIndex);
	return {
		account: parameters.account(),
		limit: parameters.limit(),
		contentType: parameters.contentType(),
		window: parameters.timeWindow(),
		output: parameters.output().output,
	};
}

async function getAll(
	{ node, api, cancellation, hints }: Context,
	{ account, limit, contentType, window, output }: ReturnType<typeof readParameters>,
	itemIndex: number,
): Promise<INodeExecutionData[]> {
	const pages = new TaskPages(
		{
			ask: async (query) =>
				await retryTransient(cancellation, async () => await api.getTasks(query)),
			fail: (problem) => klingError(node, problem, itemIndex),
			warn: (hint) => hints.add(hint),
		},
		{ ...(account && { email: account }), ...(contentType && { contentType }) },
		window,
	);
	const found: IDataObject[] = [];
	// The limit is one of output items, as everywhere in n8n: of images where each is an item.
	while (found.length < limit) {
		const tasks = await pages.next();
		if (!tasks) break;
		for (const task of tasks) {
			found.push(...outputOf(task, { taskId: task.taskId ?? '', account }, output));
		}
	}
	return found.slice(0, limit).map((json) => ({ json, pairedItem: { item: itemIndex } }));
}

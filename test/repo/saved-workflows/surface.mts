import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import type {
	IDataObject,
	INodeExecutionData,
	INodeProperties,
	INodePropertyCollection,
	INodePropertyOptions,
	INodeType,
	ICredentialType,
} from 'n8n-workflow';

import {
	bench,
	enhance,
	getTask,
	getTasks,
	pictures,
	TASK_ID,
	upscale,
} from '../../engine/support/kling.mts';
import { openTrigger } from '../../engine/support/trigger.mts';

/** What saved workflows, and those who read their output, hold on to in the build. */
export interface Surface {
	/** Nodes, credentials, fields with their type, and what can be chosen, e.g. `kling task get: wait=poll`. */
	names: string[];
	defaults: Record<string, unknown>;
	required: string[];
	/** What comes out, e.g. `kling image upscale: images[].width (number)`. "Raw" is the API's own answer and left out. */
	outputs: string[];
}

const PROJECT = resolve(import.meta.dirname, '../../..');
const { n8n } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
/** The classes of the build that package.json names. */
const built = <T,>(paths: string[]): T[] =>
	paths.map((path) => {
		const [Type] = Object.values(require(join(PROJECT, path))) as Array<new () => T>;
		return new Type();
	});

export async function readSurface(): Promise<Surface> {
	const surface: Surface = { names: [], defaults: {}, required: [], outputs: await readOutputs() };
	for (const { description } of built<INodeType>(n8n.nodes)) {
		const { name, version, credentials = [], webhooks = [], properties } = description;
		surface.names.push(...[version].flat().map((one) => `${name}: version ${one}`));
		surface.names.push(...credentials.map((one) => `${name}: credential ${one.name}`));
		surface.names.push(...webhooks.map((one) => `${name}: ${one.httpMethod} ${one.path}`));
		for (const property of properties) addField(surface, name, property);
	}
	for (const { name, properties } of built<ICredentialType>(n8n.credentials)) {
		for (const property of properties) addField(surface, name, property);
	}
	const { names, required, outputs } = surface;
	for (const list of [names, required, outputs]) list.splice(0, Infinity, ...new Set(list.sort()));
	return surface;
}

/** @param group the collection that the field stands in, with a dot */
function addField(surface: Surface, owner: string, field: INodeProperties, group = ''): void {
	if (field.type === 'notice') return;
	const { resource = [''], operation = [''] } = field.displayOptions?.show ?? {};
	for (const place of resource.flatMap((one) => operation.map((other) => [owner, one, other]))) {
		const where = place.filter(Boolean).join(' ');
		const name = `${where}: ${group}${field.name}`;
		surface.names.push(`${name} (${field.type})`);
		surface.defaults[name] = field.default;
		if (field.required) surface.required.push(name);
		for (const { name: mode } of field.modes ?? []) surface.names.push(`${name}=${mode}`);
		for (const option of field.options ?? []) {
			if (isField(option)) addField(surface, where, option, `${field.name}.`);
			else surface.names.push(`${name}=${(option as INodePropertyOptions).value}`);
		}
	}
}

const isField = (
	option: INodePropertyOptions | INodeProperties | INodePropertyCollection,
): option is INodeProperties => 'type' in option;

/**
 * What of an earlier surface is not there any more, each after the row of docs/versioning.md that speaks of it. What came
 * in addition breaks nothing.
 */
export function findBreaks(before: Surface, now: Surface): string[] {
	const gone = (list: 'names' | 'outputs') =>
		before[list].filter((one) => !now[list].includes(one));
	const changed = Object.entries(before.defaults).filter(
		([field, value]) => field in now.defaults && !isDeepStrictEqual(value, now.defaults[field]),
	);
	const isKnown = (field: string) => field in before.defaults;
	const placeOf = (field: string) => field.split(':')[0];
	const places = new Set(Object.keys(before.defaults).map(placeOf));
	// A new field that must be filled in stops old workflows too, unless its default does.
	const required = now.required.filter(
		(field) =>
			!before.required.includes(field) &&
			(isKnown(field) || (places.has(placeOf(field)) && isEmpty(now.defaults[field]))),
	);
	return [
		...gone('names').map((name) => `${row('option value is')}: ${name}`),
		...changed.map(([field, value]) => {
			const values = [value, now.defaults[field]].map((one) => JSON.stringify(one));
			return `${row('default changes')}: ${field}, from ${values.join(' to ')}`;
		}),
		...required.map((field) => `${row('becomes required')}: ${field}`),
		...gone('outputs').map((part) => `${row('output field')}: ${part}`),
	];
}

const isEmpty = (value: unknown): boolean =>
	!value || (value as { value?: unknown }).value === '' || isDeepStrictEqual(value, []);

/** The row of the table in docs/versioning.md that has these words. */
function row(words: string): string {
	const table = readFileSync(join(PROJECT, 'docs/versioning.md'), 'utf8').split('\n');
	const found = table.find(
		(line) => line.startsWith('| ') && line.replaceAll(/ +/g, ' ').includes(words),
	);
	return found!.split('|')[1].trim();
}

const ACCOUNT = 'artist@example.com';
const FAILED = '700000001';

/** Runs the operations on n8n's engine and notes what is in their items. */
async function readOutputs(): Promise<string[]> {
	const { run, credentials } = await bench({
		onePixel: false,
		accounts: [{ email: ACCOUNT, maxJobs: 5 }],
		seeds: [{ taskId: FAILED, status: 'failed', error: 'Refused' }],
	});
	const account = { __rl: true, mode: 'email', value: ACCOUNT };
	const download = { account, download: true };
	const options = { replyRef: 'order-1' };
	const accounts = { resource: 'account', account };
	const runs: Array<[string, IDataObject]> = [
		['kling account get', { ...accounts, operation: 'get' }],
		['kling account getAll', { ...accounts, operation: 'getAll', withBalance: true }],
		['kling image enhance', enhance({ ...download, options })],
		['kling image upscale', upscale({ ...download, options })],
		["kling image upscale, Don't Wait", upscale({ account, wait: 'none', options })],
		['kling image upscale, error', upscale({ workId: '1' })],
		['kling task get', getTask(download)],
		['kling task get, Images', getTask({ ...download, output: 'images' })],
		['kling task get, failed task', getTask({ taskId: FAILED })],
		['kling task get, error', getTask({ taskId: '1' })],
		['kling task getAll', getTasks({ account })],
		['kling task getAll, Images', getTasks({ account, output: 'images' })],
		['kling task delete', { ...getTask({ account }), operation: 'delete' }],
	];
	const found: string[] = [];
	const trigger = openTrigger(download, credentials);
	// What n8n refuses to run, e.g. for a field that has become required, puts nothing out.
	for (const id of [TASK_ID, FAILED]) {
		const called = await trigger.call({ task: { id }, ...options }).catch(() => undefined);
		found.push(...(called?.started ?? []).flatMap((item) => partsOf('klingTrigger', item)));
	}
	const items = await pictures(1);
	for (const [where, parameters] of runs) {
		const settings = { onError: 'continueRegularOutput' } as const;
		const done = await run(items, parameters, settings).catch(() => undefined);
		found.push(...(done?.items('Kling') ?? []).flatMap((item) => partsOf(where, item)));
	}
	return found;
}

function partsOf(where: string, { json, binary = {} }: INodeExecutionData): string[] {
	const walk = (value: unknown, path: string): string[] => {
		if (Array.isArray(value)) {
			return [`${where}: ${path} (list)`, ...value.flatMap((each) => walk(each, `${path}[]`))];
		}
		if (typeof value !== 'object' || !value) return [`${where}: ${path} (${typeof value})`];
		const entries = Object.entries(value);
		return entries.flatMap(([key, part]) => walk(part, path ? `${path}.${key}` : key));
	};
	const files = Object.entries(binary).map(
		([field, { fileName }]) => `${where}: file ${field} ${fileName?.replaceAll(/\d+/g, '#')}`,
	);
	return [...walk(json, ''), ...files];
}

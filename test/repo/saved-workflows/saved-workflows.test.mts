import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { version } from '../../../package.json';
import { findBreaks, readSurface, type Surface } from './surface.mts';

/**
 * Workflows saved with a release work with the build. `UPDATE_SNAPSHOT=1` writes down the build as the release that
 * package.json names; what is written down already is released and stays.
 */

const fileOf = (release: string) => join(import.meta.dirname, `${release}.json`);
const read = (release: string) => JSON.parse(readFileSync(fileOf(release), 'utf8')) as Surface;
const [major] = version.split('.');
const releases = readdirSync(import.meta.dirname)
	.filter((name) => name.startsWith(`${major}.`) && name.endsWith('.json'))
	.map((name) => name.replace('.json', ''));

let now: Surface;
beforeAll(async () => {
	now = await readSurface();
	if (process.env.UPDATE_SNAPSHOT && !existsSync(fileOf(version))) {
		writeFileSync(fileOf(version), `${JSON.stringify(now, null, '\t')}\n`);
	}
}, 60_000);

test('the version in package.json is written down, with what each operation puts out', () => {
	const { names, outputs } = read(version);
	const operations = names.flatMap((name) => {
		const [, place, operation] = /^(.+): operation=(.+)$/.exec(name) ?? [];
		return operation ? [`${place} ${operation}`] : [];
	});
	expect(operations).not.toEqual([]);
	for (const operation of operations) {
		expect(outputs).toContainEqual(expect.stringMatching(`^${operation}: `));
	}
});

test('workflows saved with any release of this major version work unchanged', () => {
	const breaks = releases.map((release) => [release, findBreaks(read(release), now)]);
	expect(breaks).toEqual(releases.map((release) => [release, []]));
});

const without = (list: string[], name: string) => list.filter((one) => one !== name);
const RENAMED = /^A node, credential, resource, operation, field or option value is renamed/;
const DEFAULT = /^A default changes, or a field becomes required/;
const OUTPUT = /^An output field, error item/;

test.each<[string, RegExp, (surface: Surface) => Partial<Surface>]>([
	[
		'a field is renamed',
		RENAMED,
		({ names }) => ({ names: [...without(names, 'kling task getAll: limit (number)'), 'more'] }),
	],
	[
		'an option value is gone',
		RENAMED,
		({ names }) => ({ names: without(names, 'kling image upscale: wait=callback') }),
	],
	[
		'a default is another',
		DEFAULT,
		({ defaults }) => ({ defaults: { ...defaults, 'kling image upscale: wait': 'none' } }),
	],
	[
		'a field becomes required',
		DEFAULT,
		({ required }) => ({ required: [...required, 'kling image upscale: replyUrl'] }),
	],
	[
		'a required field without a default is new',
		DEFAULT,
		({ required }) => ({ required: [...required, 'kling image upscale: scale'] }),
	],
	[
		'an output field is gone',
		OUTPUT,
		({ outputs }) => ({ outputs: without(outputs, 'kling task get: imageUrl (string)') }),
	],
])('it would be told when %s', (_what, row, change) => {
	const surface = read(version);
	expect(findBreaks(surface, { ...surface, ...change(surface) })).toEqual([
		expect.stringMatching(row),
	]);
});

test('an addition breaks nothing', () => {
	const { names, defaults, required, outputs } = read(version);
	const more: Surface = {
		names: [...names, 'kling image: operation=enhance', 'kling image enhance: imageUrl (string)'],
		defaults: { ...defaults, 'kling image enhance: imageUrl': '' },
		required: [...required, 'kling image enhance: imageUrl'],
		outputs: [...outputs, 'kling image enhance: taskId (string)'],
	};
	expect(findBreaks(read(version), more)).toEqual([]);
});

import type { IWebhookFunctions } from 'n8n-workflow';

import { readSettings } from '../../../nodes/Kling/trigger/parameters.ts';
import { n8nWith } from '../../support/fakes.mts';

/** What the fields of Kling Trigger come to. */

const usual = { events: [], output: { output: 'simplified' } };

test.each<[string, Record<string, unknown>, object]>([
	['nothing', {}, usual],
	['events', { events: ['failed'] }, { ...usual, events: ['failed'] }],
	['events that are no list', { events: 'failed' }, usual],
	['an account', { account: ' a@b.c ' }, { ...usual, account: 'a@b.c' }],
	['a reference', { replyRef: ' order 1 ' }, { ...usual, replyRef: 'order 1' }],
	['a reference that is a number', { replyRef: 17 }, { ...usual, replyRef: '17' }],
	['what is neither', { replyRef: ' ', account: {} }, usual],
	['Raw', { output: 'raw' }, { ...usual, output: { output: 'raw' } }],
	[
		'a file',
		{ download: true },
		{ ...usual, output: { output: 'simplified', binaryPropertyName: 'data' } },
	],
	[
		'a file in a field',
		{ download: true, binaryPropertyName: ' image ' },
		{ ...usual, output: { output: 'simplified', binaryPropertyName: 'image' } },
	],
	['no file', { download: 'true', binaryPropertyName: 'image' }, usual],
])('%s', (_name, parameters, expected) =>
	expect(readSettings(n8nWith<IWebhookFunctions>({ parameters }))).toEqual(expected),
);

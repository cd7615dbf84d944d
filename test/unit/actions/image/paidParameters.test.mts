import { PaidParameters } from '../../../../nodes/Kling/actions/image/paidParameters.ts';
import { FakeKling } from '../../../support/fakes.mts';
import { nodeWith, type Fields } from '../../support/fields.mts';

/** What the fields of a paid operation come to together. Each by itself: ../parameters.test.mts. */

const LOCAL = 'http://127.0.0.1:4010';

function parametersOf(fields: Fields, type = 'kling') {
	const node = nodeWith(new FakeKling(), [fields], { node: { type } });
	return new PaidParameters(node, 0, LOCAL);
}
const job = (fields: Fields, type?: string) => parametersOf(fields, type).job();

const file = { download: true, 'options.withoutWatermark': true };
const usual = {
	request: {},
	wait: 'poll',
	callsBack: false,
	timeoutMs: 600_000,
	pollIntervalMs: undefined,
	settings: { output: 'simplified' },
};

test.each<[string, Fields, object]>([
	['Wait Until Finished', { wait: 'poll' }, usual],
	[
		'with every option',
		{ wait: 'poll', 'options.timeout': 5, 'options.pollInterval': 3, output: 'raw', ...file },
		{
			...usual,
			timeoutMs: 5_000,
			pollIntervalMs: 3_000,
			settings: { output: 'raw', binaryPropertyName: 'data', withoutWatermark: true },
		},
	],
	[
		'Pause Until Called Back',
		{ wait: 'callback', 'options.timeout': 60, 'options.pollInterval': 3 },
		{
			...usual,
			wait: 'callback',
			callsBack: true,
			request: { replyUrl: 'http://127.0.0.1/resume' },
			timeoutMs: 60_000,
		},
	],
	[
		'Don’t Wait',
		{ wait: 'none', replyUrl: 'https://n8n.example.com/a', 'options.pollInterval': 3 },
		{ ...usual, wait: 'none', request: { replyUrl: 'https://n8n.example.com/a' } },
	],
	['and no file comes of it', { wait: 'none', ...file }, { ...usual, wait: 'none' }],
	[
		'what every request has',
		{ wait: 'poll', account: 'a@b.c', 'options.maxJobs': 3, 'options.replyRef': 'order 1' },
		{ ...usual, request: { email: 'a@b.c', maxJobs: 3, replyRef: 'order 1' } },
	],
])('%s', (_name, fields, expected) => expect(job(fields)).toEqual(expected));

test('a Reply URL counts only for who does not wait', () => {
	const replyUrl = 'https://n8n.example.com/a';
	expect(job({ wait: 'poll', replyUrl }).request).toEqual({});
	expect(job({ wait: 'callback', replyUrl }).request).not.toMatchObject({ replyUrl });
});

test('how long an execution may pause has bounds of its own', () => {
	expect(job({ wait: 'poll', 'options.timeout': 59 }).timeoutMs).toBe(59_000);
	expect(() => job({ wait: 'callback', 'options.timeout': 59 })).toThrow(/from 60 to/);
});

test('an agent waits where others pause, and takes earlier results', () => {
	const agent = job({ wait: 'callback' }, 'klingTool');
	expect(agent).toMatchObject({ wait: 'poll', callsBack: false, request: {} });
	expect(parametersOf({}, 'klingTool').reuse()).toBe(true);
	expect(parametersOf({}).reuse()).toBe(false);
	expect(parametersOf({ 'options.reuse': true }).reuse()).toBe(true);
	expect(() => parametersOf({ 'options.reuse': 'x' }).reuse()).toThrow(/^'Reuse Earlier Result'/);
});

import { readCallback } from '../../../nodes/Kling/tasks/callback.ts';
import { calledWith } from '../../support/fakes.mts';

/** What a caller says, wherever it may stand. That nothing of it is trusted is tested on the engine. */

const contextWith = (rawBody: string | undefined, parsed: unknown = {}) =>
	calledWith({ rawBody: rawBody === undefined ? undefined : Buffer.from(rawBody) }, parsed);

const said = (body: unknown) => readCallback(contextWith(JSON.stringify(body)));
const nothing = { taskId: undefined, isProgress: false, isFinal: false, replyRef: undefined };

test.each<[string, unknown, object]>([
	['nothing', {}, {}],
	['the task', { task: { id: 10 } }, { taskId: '10' }],
	['a work', { works: [{ taskId: 10 }] }, { taskId: '10' }],
	['the task rather than a work', { task: { id: 1 }, works: [{ taskId: 10 }] }, { taskId: '1' }],
	['no works', { works: 'none' }, {}],
	['progress by name', { status_name: 'processing' }, { isProgress: true }],
	['progress', { status_name: 'processing', status_final: false }, { isProgress: true }],
	['an end by name', { status_name: 'failed' }, { isFinal: true }],
	['an end without a name', { status_final: true }, { isFinal: true }],
	['not the end, without a name', { status_final: false }, {}],
	['a reference', { replyRef: 'order 1' }, { replyRef: 'order 1' }],
	['a reference that is a number', { replyRef: 7 }, { replyRef: '7' }],
	['the reference of the request', { request: { replyRef: 'a' } }, { replyRef: 'a' }],
	['the reference of the response', { response: { replyRef: 'b' } }, { replyRef: 'b' }],
	[
		'the first of several references',
		{ request: { replyRef: 'a' }, response: { replyRef: 'b' } },
		{ replyRef: 'a' },
	],
	['a reference that is none', { replyRef: {}, request: 'x', response: null }, {}],
])('%s', (_name, body, expected) => expect(said(body)).toEqual({ ...nothing, ...expected }));

test('is read from the text as it came, in which no digit is lost', () => {
	const context = contextWith('{"task":{"id":90071992547409931}}', { task: { id: 1 } });
	expect(readCallback(context).taskId).toBe('90071992547409931');
});

test('is what n8n has made of it where there is no text', () => {
	expect(readCallback(contextWith(undefined, { task: { id: 2 } })).taskId).toBe('2');
	expect(readCallback(contextWith('no JSON', { task: { id: 2 } }))).toEqual(nothing);
});

import { parseJson } from '../../../nodes/Kling/transport/json.ts';

test.each([
	['an id past 2^53 becomes text', '{"id":9007199254740993}', { id: '9007199254740993' }],
	['a negative one as well', '[-9007199254740993]', ['-9007199254740993']],
	['ids below stay numbers', '{"id":1234567890123456}', { id: 1234567890123456 }],
	['times stay numbers', '{"createTime":1745376611075}', { createTime: 1745376611075 }],
	['digits in text are left alone', '{"a":"id 90071992547409931"}', { a: 'id 90071992547409931' }],
	[
		'behind an escaped quote too',
		String.raw`{"a":"\" 90071992547409931"}`,
		{ a: '" 90071992547409931' },
	],
	// Written by Number() since no literal can say them without a loss.
	[
		'fractions stay numbers',
		'[12345678901234567890.5, 12345678901234567e3]',
		[Number('12345678901234567890.5'), Number('12345678901234567e3')],
	],
])('%s', (_name, text, value) => expect(parseJson(text)).toEqual(value));

test.each(['', '<html>', '{"task":{"id":5000', 'undefined'])('not JSON: %j', (text) =>
	expect(parseJson(text)).toBeUndefined(),
);

/** Taking steps by the square of this would take minutes, taking them one by one some milliseconds: no matter how fast this machine is. */
const LENGTH = 300_000;
const LONG_MS = 20_000;

test.each<[string, string]>([
	['a number without end', `{"id":90071992547409931,"a":${'1'.repeat(LENGTH)}.5}`],
	['a text without end', `{"id":90071992547409931,"a":"${'a'.repeat(LENGTH)}"}`],
	[
		'a text of nothing but quotes',
		`{"id":90071992547409931,"a":"${String.raw`\"`.repeat(LENGTH)}"}`,
	],
])('%s neither takes long nor breaks it', (_name, text) => {
	const startMs = Date.now();
	expect(parseJson(text)).toMatchObject({ id: '90071992547409931' });
	expect(Date.now() - startMs).toBeLessThan(LONG_MS);
});

test.each([
	['quotes without a partner', String.raw`90071992547409931 "${String.raw`\"`.repeat(LENGTH)}`],
	['brackets without a partner', `90071992547409931${'['.repeat(LENGTH)}`],
])('%s are soon found not to be JSON', (_name, text) => {
	const startMs = Date.now();
	expect(parseJson(text)).toBeUndefined();
	expect(Date.now() - startMs).toBeLessThan(LONG_MS);
});

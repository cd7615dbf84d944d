import fc from 'fast-check';

/** Made-up inputs. */

/** Texts that have broken programs before, among others. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
	fc.string({ unit: 'binary' }),
	fc.json(),
	fc.webUrl(),
	fc.constantFrom(
		'',
		' ',
		'null',
		'undefined',
		'NaN',
		'-1',
		'1e400',
		'0x10',
		'12345678901234567890',
		'constructor',
		'__proto__',
		'toString',
		'[object Object]',
		'{"__proto__":{"status_final":true}}',
		'<html>',
		'\u0000',
		'\ud800',
		'2026-02-30',
		'2026-03-01T18:30:00Z',
		'me@example.com',
		'https://n8n.example.com/webhook/1',
		'http://localhost/',
		'true',
		'image',
	),
);

const inACircle = () => {
	const circle: Record<string, unknown> = {};
	circle.self = circle;
	return circle;
};

/** Whatever JavaScript has: what an expression may give. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
	anyText,
	fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
	fc.double(),
	fc.integer(),
	fc.date({ noInvalidDate: false }),
	fc.constantFrom<unknown>(
		null,
		undefined,
		true,
		false,
		Infinity,
		2 ** 53,
		10n,
		Symbol('s'),
		() => 1,
		inACircle(),
		{ amount: 10n },
		{ toJSON: () => undefined },
		Object.create(null),
		new Date(NaN),
	),
);

/** JSON that makes JavaScript stumble when it takes one type for another. */
const trap = fc.constantFrom<unknown>(
	{ toString: 1 },
	{ valueOf: 1, toString: null },
	{ length: -1 },
	{ then: 1 },
	[null],
	[[]],
	8.64e15 + 1,
	-1,
	'',
);

/** Mostly what it should be; otherwise anything that JSON has. */
const mostly = <T,>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
	fc.oneof(
		{ weight: 4, arbitrary: value },
		{ weight: 1, arbitrary: fc.jsonValue() },
		{ weight: 1, arbitrary: trap },
	);

const id = fc.oneof(fc.nat(), fc.string(), fc.constant('9007199254740993'));
const status = {
	status_name: mostly(fc.constantFrom('submitted', 'processing', 'succeed', 'failed', 'odd')),
	status_final: mostly(fc.boolean()),
	status: mostly(fc.nat(99)),
};
const file = mostly(
	fc.record(
		{ resource: mostly(fc.webUrl()), width: mostly(fc.nat()), height: mostly(fc.nat()) },
		{ requiredKeys: [] },
	),
);
const work = fc.record(
	{
		...status,
		taskId: mostly(id),
		workId: mostly(id),
		contentType: mostly(fc.constantFrom('image', 'video')),
		resource: file,
		cover: file,
		createTime: mostly(fc.double()),
	},
	{ requiredKeys: [] },
);

/** A task as the API answers it, with any of its fields missing or of a wrong type; or anything else. */
export const anyModel: fc.Arbitrary<unknown> = mostly(
	fc.record(
		{
			...status,
			task: mostly(
				fc.record(
					{
						...status,
						id: mostly(id),
						type: mostly(fc.string()),
						createTime: mostly(fc.double()),
						updateTime: mostly(fc.double()),
						taskInfo: mostly(fc.record({ type: fc.string() })),
					},
					{ requiredKeys: [] },
				),
			),
			works: mostly(fc.array(mostly(work))),
			error: mostly(fc.oneof(fc.string(), fc.record({ message: fc.string() }))),
			message: mostly(fc.string()),
			replyRef: mostly(fc.string()),
		},
		{ requiredKeys: [] },
	),
);

export const RUNS = { numRuns: 300 };
export const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

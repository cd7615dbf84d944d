import { BlockList } from 'node:net';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';

import fc from 'fast-check';
import type { IDataObject, IExecuteFunctions, INode, IWebhookFunctions } from 'n8n-workflow';

import { PaidParameters } from '../../nodes/Kling/actions/image/paidParameters.ts';
import { Parameters } from '../../nodes/Kling/actions/parameters.ts';
import { ListParameters } from '../../nodes/Kling/actions/task/listParameters.ts';
import { readCallback } from '../../nodes/Kling/tasks/callback.ts';
import { outputOf } from '../../nodes/Kling/job/output/formats.ts';
import { createdMs, isTask, parseTask } from '../../nodes/Kling/tasks/task.ts';
import { TaskPages } from '../../nodes/Kling/tasks/taskPages.ts';
import { connect } from '../../nodes/Kling/transport/client.ts';
import { answerProblem, type KlingError } from '../../nodes/Kling/runtime/problems.ts';
import { openFile } from '../../nodes/Kling/transport/fileClient.ts';
import { isPrivate } from '../../nodes/Kling/transport/hosts.ts';
import type { TaskModel } from '../../nodes/Kling/transport/types.ts';
import { anyModel, anyText, anyValue } from './support/arbitraries.mts';

/**
 * What holds for every input, tried with hundreds of made-up ones each time. When one breaks it, fast-check prints the
 * smallest that does, and the seed that brings it back.
 */

const node = { name: 'Kling', type: 'kling' } as INode;
const RUNS = { numRuns: 300 };
/** What the client lets pass as an answer of the API: see "is an answer, or lost" below. */
const answeredModel = anyModel.filter((model) => typeof model === 'object' && model !== null);
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

describe('a task model with every field missing or of a wrong type', () => {
	test('reads as a task with a status, or as none', () =>
		fc.assert(
			fc.property(answeredModel, (model) => {
				const task = parseTask(model as TaskModel);
				expect(isText(task.status)).toBe(true);
				expect([typeof task.finished, typeof task.failed]).toEqual(['boolean', 'boolean']);
				if (task.failed) expect(task.finished).toBe(true);
				for (const text of [task.taskId, task.type, task.message, task.createdAt, task.updatedAt]) {
					expect(text === undefined || isText(text)).toBe(true);
				}
				for (const { workId, url, width, height, coverUrl } of task.images) {
					expect(isText(url)).toBe(true);
					expect([workId, coverUrl].every((text) => text === undefined || isText(text))).toBe(true);
					expect([width, height].every((size) => size === undefined || size > 0)).toBe(true);
				}
				if (task.images.length > 0) expect(isTask(task)).toBe(true);
				const ms = createdMs(task);
				expect(Number.isNaN(ms) || ms > 0).toBe(true);
			}),
			RUNS,
		));

	test.each(['simplified', 'raw', 'images'] as const)(
		'comes out as %s without a field that n8n takes for a failure',
		(output) =>
			fc.assert(
				fc.property(answeredModel, (model) => {
					const known = { taskId: '1', account: 'me@example.com' };
					const items = outputOf(parseTask(model as TaskModel), known, output);
					if (output !== 'images') expect(items).toHaveLength(1);
					for (const item of items) {
						expect(Object.keys(item)).not.toContain('error');
						if (output === 'raw') continue;
						expect(isText(item.taskId)).toBe(true);
						expect(Object.values(item)).not.toContain(undefined);
						expect(Object.values(item)).not.toContain('');
					}
				}),
				RUNS,
			),
	);
});

describe('a list of tasks, whatever is in it', () => {
	const entry = fc.oneof(
		anyModel,
		fc.record({
			task: fc.record({ id: fc.integer({ min: 1, max: 30 }), createTime: fc.integer({ max: 9 }) }),
		}),
	);

	test('comes to an end, and holds no task twice', () =>
		fc.assert(
			fc.asyncProperty(fc.array(fc.array(entry), { minLength: 1, maxLength: 6 }), async (pages) => {
				let asked = 0;
				const seen: string[] = [];
				const history = new TaskPages(
					{
						// Round and round: an API that does not heed where the list should go on.
						ask: async () => ({
							outcome: 'answered',
							status: 200,
							body: { history: pages[asked++ % pages.length] },
						}),
						fail: ({ message }) => new Error(message),
						warn: () => {},
					},
					{},
				);
				try {
					for (let tasks = await history.next(); tasks; tasks = await history.next()) {
						seen.push(...tasks.map((task) => task.taskId!));
					}
				} catch (error) {
					expect((error as Error).message).toMatch(/does not list more than|not a list of tasks/);
				}
				expect(new Set(seen).size).toBe(seen.length);
				expect(seen).not.toContain(undefined);
				const entries = pages.reduce((sum, page) => sum + page.length, 0);
				expect(asked).toBeLessThanOrEqual(4 * (entries + 1));
			}),
			RUNS,
		));
});

describe('an error answer, whatever its status and body', () => {
	test('is told in sentences of bounded length', () =>
		fc.assert(
			fc.property(fc.integer({ min: 300, max: 999 }), anyValue, (status, body) => {
				const { message, description, httpCode } = answerProblem(status, body);
				expect(isText(message) && message.length <= 2_000).toBe(true);
				expect(isText(description) && description.length <= 2_500).toBe(true);
				expect(httpCode).toBe(String(status));
			}),
			RUNS,
		));

	test('is an answer, or lost, but never a crash; and no pause that it asks for is nonsense', () =>
		fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 200, max: 599 }),
				anyText,
				fc.oneof(anyText, fc.integer().map(String), fc.constant(undefined)),
				async (statusCode, text, retryAfter) => {
					const context = {
						getCredentials: async () => ({ baseUrl: 'http://127.0.0.1:1', apiToken: 'user:1-x' }),
						helpers: {
							httpRequestWithAuthentication: async () => ({
								statusCode,
								headers: { 'retry-after': retryAfter },
								body: Readable.from([text]),
							}),
						},
					} as unknown as IExecuteFunctions;
					const result = await (await connect(context)).getTask('1');
					if (result.outcome !== 'answered') {
						expect(result).toEqual({ outcome: 'lost', reason: expect.any(String) });
						return;
					}
					if (statusCode < 300) expect(result.body).toBeInstanceOf(Object);
					const { retryAfterMs = 0 } = result;
					expect(Number.isFinite(retryAfterMs) && retryAfterMs >= 0).toBe(true);
				},
			),
			RUNS,
		));
});

describe('a callback, whatever is in it', () => {
	const contextOf = (request: object, body: unknown) =>
		({
			getRequestObject: () => request,
			getBodyData: () => body,
		}) as unknown as IWebhookFunctions;
	const check = (context: IWebhookFunctions) => {
		const { taskId, replyRef, isFinal, isProgress } = readCallback(context);
		expect([taskId, replyRef].every((text) => text === undefined || isText(text))).toBe(true);
		expect(isFinal && isProgress).toBe(false);
	};

	test('says something, or nothing', () =>
		fc.assert(
			fc.property(
				fc.oneof(
					anyModel.map((model) => JSON.stringify(model)),
					anyText,
				),
				(text) => check(contextOf({ rawBody: Buffer.from(text ?? '') }, {})),
			),
			RUNS,
		));

	test('the same where n8n has read it already', () =>
		fc.assert(
			fc.property(fc.oneof(anyModel, anyValue), (body) => check(contextOf({}, body))),
			RUNS,
		));
});

describe('parameters from expressions, whatever they give', () => {
	type Check = (read: { all: Parameters; list: ListParameters; paid: PaidParameters }) => void;
	const orNothing = (value: unknown, test: (value: never) => boolean) =>
		expect(value === undefined || test(value as never)).toBe(true);
	const PUBLIC = 'https://api.useapi.example';
	const methods: Record<string, Check> = {
		id: ({ all }) => expect(all.id('taskId', 'Task')).toMatch(/^\d+$/),
		account: ({ all }) =>
			orNothing(all.account(), (text: string) => /^[^\s@]+@[^\s@]+$/.test(text)),
		timeoutMs: ({ all }) => expect(all.timeoutMs()).toBeGreaterThanOrEqual(0),
		pauseLimitMs: ({ paid }) => {
			expect(paid.pauseLimitMs()).toBeGreaterThanOrEqual(60_000);
			expect(paid.pauseLimitMs()).toBeLessThanOrEqual(30 * 24 * 3_600_000);
		},
		pollIntervalMs: ({ all }) => orNothing(all.pollIntervalMs(), (ms: number) => ms >= 1_000),
		maxJobs: ({ paid }) =>
			orNothing(
				paid.maxJobs(),
				(jobs: number) => Number.isInteger(jobs) && jobs >= 1 && jobs <= 50,
			),
		replyUrl: ({ paid }) =>
			orNothing(paid.replyUrl(), (url: string) => URL.canParse(url) && !isPrivate(url)),
		replyRef: ({ paid }) =>
			orNothing(paid.replyRef(), (text: string) => isText(text) && text.length < 1025),
		output: ({ all }) => {
			const { output, binaryPropertyName } = all.output();
			expect(['simplified', 'raw', 'images']).toContain(output);
			orNothing(binaryPropertyName, isText);
		},
		limit: ({ list }) => expect(list.limit()).toBeGreaterThanOrEqual(1),
		contentType: ({ list }) =>
			orNothing(list.contentType(), (type: string) => ['image', 'video', 'audio'].includes(type)),
		timeWindow: ({ list }) => {
			const { fromMs = -Infinity, beforeMs = Infinity } = list.timeWindow();
			expect(fromMs).toBeLessThan(beforeMs);
		},
		wait: ({ all }) => expect(['none', 'poll', 'callback']).toContain(all.wait()),
	};

	test.each(Object.entries(methods))('%s is what it must be, or a sentence', (_name, check) =>
		fc.assert(
			fc.property(anyValue, anyValue, (one, other) => {
				let asked = 0;
				const context = {
					getNode: () => node,
					getTimezone: () => 'Europe/Berlin',
					getNodeParameter: () => (asked++ % 2 === 0 ? one : other),
				} as unknown as IExecuteFunctions;
				try {
					check({
						all: new Parameters(context, 3),
						list: new ListParameters(context, 3),
						paid: new PaidParameters(context, 3, PUBLIC),
					});
				} catch (error) {
					const { name, message, description, context: about } = error as KlingError;
					// What is no error of the node's own is one of this test, or a crash.
					if (name !== 'NodeOperationError') throw error;
					expect(message.length).toBeLessThan(300);
					expect(description).toContain('Nothing was sent.');
					expect((about as IDataObject).itemIndex).toBe(3);
				}
			}),
			RUNS,
		),
	);
});

describe('addresses', () => {
	/** What n8n's own protection forbids when it is switched on. */
	const { SSRF_DEFAULT_BLOCKED_IP_RANGES } = require(
		require.resolve('@n8n/config', { paths: [dirname(require.resolve('n8n-core'))] }),
	) as { SSRF_DEFAULT_BLOCKED_IP_RANGES: string[] };
	const blocked = new BlockList();
	for (const range of SSRF_DEFAULT_BLOCKED_IP_RANGES) {
		const [address, bits] = range.split('/');
		blocked.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
	}
	const octets = fc.oneof(
		fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)),
		fc.tuple(
			fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 203),
			fc.oneof(fc.nat(255), fc.constantFrom(0, 16, 18, 31, 51, 64, 168, 254)),
			fc.oneof(fc.nat(255), fc.constantFrom(0, 2, 100, 113)),
			fc.nat(255),
		),
	);

	test('that n8n itself would forbid are private, however they are written', () =>
		fc.assert(
			fc.property(octets, fc.nat(4), ([a, b, c, d], form) => {
				const dotted = `${a}.${b}.${c}.${d}`;
				const number = ((a * 256 + b) * 256 + c) * 256 + d;
				const host = [
					dotted,
					`${dotted}.`,
					String(number),
					`0x${number.toString(16)}`,
					`[::ffff:${dotted}]`,
				][form];
				if (blocked.check(dotted)) expect(isPrivate(`https://${host}/`)).toBe(true);
			}),
			{ numRuns: 2_000 },
		));

	test('of every kind: none is asked that is not public and https', () =>
		fc.assert(
			fc.asyncProperty(
				fc.array(
					fc.oneof(
						fc.webUrl(),
						fc.webUrl({ validSchemes: ['http', 'ftp', 'file'] }),
						octets.map((four) => `https://${four.join('.')}/`),
						fc.domain().map((domain) => `https://${domain}/`),
						fc.constantFrom('//localhost/', 'https:localhost', '\\\\localhost\\', '/a', '?'),
						anyText,
					),
					{ minLength: 1, maxLength: 8 },
				),
				async ([first, ...redirects]) => {
					const asked: string[] = [];
					const context = {
						helpers: {
							httpRequest: async ({ url }: { url: string }) => {
								asked.push(url);
								return { statusCode: 302, headers: { location: redirects.shift() } };
							},
						},
					} as unknown as IExecuteFunctions;
					const { signal } = new AbortController();
					const opened = await openFile(context, first, 'https://api.useapi.example', signal);
					expect(opened).toEqual({ reason: expect.any(String), lasting: true });
					expect(asked.length).toBeLessThanOrEqual(6);
					for (const url of asked) {
						expect(new URL(url).protocol).toBe('https:');
						expect(isPrivate(url)).toBe(false);
					}
				},
			),
			RUNS,
		));
});

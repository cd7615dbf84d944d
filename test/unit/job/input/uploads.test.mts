import { Readable } from 'node:stream';
import type { IExecuteFunctions } from 'n8n-workflow';

import { Uploads } from '../../../../nodes/Kling/job/input/uploads.ts';
import type { Problem } from '../../../../nodes/Kling/runtime/problems.ts';
import { Cancellation } from '../../../../nodes/Kling/runtime/cancellation.ts';
import type { ApiResult, FileContent } from '../../../../nodes/Kling/transport/types.ts';
import {
	answered,
	contextOf,
	FakeKling,
	lost,
	nodeOf,
	realTime,
	through,
	virtualTime,
} from '../../../support/fakes.mts';

/** Uploads cost nothing: what is lost is sent again, and what is there already is not. */

beforeEach(virtualTime);
afterEach(realTime);

const file = { field: 'data', mimeType: 'image/png', bytes: 3, sha256: 'aa' };
const link = 'https://s21.example.com/a.png';

/** An API that answers with these, the last one for ever. */
function uploadsWith(answers: ApiResult[], signal?: AbortSignal) {
	const sent: Array<FileContent & { email?: string }> = [];
	const kling = new FakeKling();
	const upload = async (content: FileContent, email?: string) => {
		sent.push({ ...content, email });
		await Promise.resolve();
		return answers[Math.min(sent.length, answers.length) - 1];
	};
	const n8n = {
		helpers: {
			assertBinaryData: () => ({ id: 'file:1' }),
			getBinaryStream: async () => Readable.from(['abc']),
		},
	} as unknown as IExecuteFunctions;
	const cancellation = new Cancellation(nodeOf(), signal);
	return { sent, uploads: new Uploads(contextOf({ ...kling.api, upload }, n8n, cancellation)) };
}

test('the same bytes go to the same account once, also at the same time', async () => {
	const { sent, uploads } = uploadsWith([answered(200, { url: link })]);
	const both = ['me@example.com', 'ME@example.com'].map(
		async (account, item) => await uploads.upload(file, item, account),
	);
	expect(await Promise.all(both)).toEqual([{ link }, { link }]);
	await uploads.upload(file, 2, 'other@example.com');
	await uploads.upload({ ...file, sha256: 'bb' }, 3, 'me@example.com');
	await uploads.upload(file, 4, 'me@example.com');
	expect(sent.map(({ email }) => email)).toEqual([
		'me@example.com',
		'other@example.com',
		'me@example.com',
	]);
});

test.each<[string, ApiResult]>([
	['a lost answer', lost],
	['a 503', answered(503, undefined)],
	['a 429', answered(429, {})],
])('after %s it is sent again, each time from its beginning', async (_name, first) => {
	const { sent, uploads } = uploadsWith([first, answered(200, { url: link })]);
	expect(await through(uploads.upload(file, 0))).toEqual({ link });
	const [one, two] = sent.map(({ content }) => content as Readable);
	expect(one).not.toBe(two);
	expect([one.destroyed, two.destroyed]).toEqual([true, true]);
});

test.each<[string, ApiResult, number, RegExp, RegExp, string | undefined]>([
	[
		'a lost answer',
		lost,
		4,
		/gave no usable answer \(ECONNRESET\)/,
		/Try again in a moment/,
		undefined,
	],
	['a 400', answered(400, { error: 'No' }), 1, /: No$/, /Check the file and 'Account'/, '400'],
	['a 404', answered(404, { error: 'Who?' }), 1, /: Who\?$/, /Check the file and 'Account'/, '404'],
	['a 401', answered(401, {}), 1, /token was refused/, /Open the useapi\.net credential/, '401'],
	['no link', answered(200, { status: 3 }), 1, /names no link/, /check the 'Base URL'/, undefined],
])(
	'%s that stays is told, and spends nothing',
	async (_name, answer, times, message, next, httpCode) => {
		const { sent, uploads } = uploadsWith([answer]);
		const result = await through(uploads.upload(file, 0));
		expect(sent).toHaveLength(times);
		const { problem } = result as { problem: Problem };
		expect(problem.httpCode).toBe(httpCode);
		expect(problem.message).toMatch(/^The file could not be uploaded: /);
		expect(problem.message).toMatch(message);
		expect(problem.description).toMatch(/^No job was sent, so nothing was spent on this item\. /);
		expect(problem.description).toMatch(next);
		// Another item with the same file is not held to it.
		await through(uploads.upload(file, 1));
		expect(sent).toHaveLength(2 * times);
	},
);

test('a cancel ends it, and is no failed upload', async () => {
	const cancel = new AbortController();
	const { sent, uploads } = uploadsWith([lost], cancel.signal);
	const uploading = uploads.upload(file, 0);
	uploading.catch(() => {});
	await jest.advanceTimersByTimeAsync(100);
	cancel.abort();
	await expect(through(uploading)).rejects.toThrow('canceled');
	expect(sent).toHaveLength(1);
});

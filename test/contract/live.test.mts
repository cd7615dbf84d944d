import getPort from 'get-port';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { scripts } from '../../package.json';
import type { Fault, Sandbox } from '../../sandbox/server.mts';
import { live, postsTo, spending, startForLive, those } from './live-support.mts';
import { call, EMAIL, until } from './support.mts';

/** `npm run contract:live` itself: what it asks, spends, prints and returns. */

const ROOT = join(__dirname, '../..');
const OTHER = 'second@example.com';

let sandbox: Sandbox;
beforeEach(async () => {
	sandbox = await startForLive();
});
afterEach(async () => await sandbox.close());

async function accepted(): Promise<number> {
	return (await call(sandbox, '/_sandbox/state')).body.accepted;
}

test('without --spend it only reads, and nothing of the sandbox is refuted', async () => {
	const result = await live(sandbox);
	expect(those(result, 'refuted')).toEqual([]);
	expect(result.exitCode).toBe(0);
	expect(sandbox.requests.map(({ method }) => method)).not.toContain('POST');
	expect(result.verdicts.get('task-id')?.evidence).toBe('needs --spend');
	expect(result.output).toMatch(/\d+ confirmed, 0 refuted, \d+ unseen$/);
});

test('without a token it says so and asks nobody', async () => {
	const result = await live(sandbox, ['--spend', '--yes'], { env: { USEAPI_TOKEN: ' ' } });
	expect(result.exitCode).toBe(0);
	expect(result.output).toContain('There is no token in the environment variable USEAPI_TOKEN');
	expect(sandbox.requests).toEqual([]);
});

test('--spend upscales the newest image once, and never an upscale of its own', async () => {
	for (const times of [1, 2]) {
		const result = await live(sandbox, spending);
		expect(result.exitCode).toBe(0);
		expect(postsTo(sandbox)).toBe(times);
		expect(result.output).toContain('image 987654321 of task 123456789 is upscaled once');
	}
	expect(sandbox.requests.find(({ method }) => method === 'POST')?.body).toEqual({
		task_id: '123456789',
		workId: '987654321',
		replyRef: expect.stringMatching(/^contract-live-/),
	});
});

test.each<[string, Fault, number]>([
	['lost after it took effect', { kind: 'resetAfter' }, 1],
	['cut off', { kind: 'truncate' }, 1],
	['replaced by a gateway', { kind: 'html', status: 502, after: true }, 1],
	['empty', { kind: 'empty', after: true }, 1],
	['lost before it took effect', { kind: 'resetBefore' }, 0],
	['a redirect', { kind: 'redirect', status: 307, headers: { location: '/' } }, 0],
	['a redirect to the same place', { kind: 'redirect', status: 308 }, 0],
	['a 429', { kind: 'status', status: 429 }, 0],
	['a 500', { kind: 'status', status: 500 }, 0],
	['a 401', { kind: 'status', status: 401 }, 0],
])('when the answer to the POST is %s, there is no second one', async (_name, fault, tasks) => {
	const location = `${sandbox.url}/v1/kling/images/upscale`;
	sandbox.addFault({ headers: { location }, ...fault, method: 'POST' });
	const result = await live(sandbox, spending);
	expect(postsTo(sandbox)).toBe(1);
	expect(await accepted()).toBe(tasks);
	expect(result.output).toContain('It is not sent again.');
	// A task that was made all the same is found by its reference, and watched.
	expect(result.output.includes('The new task is 500000010.')).toBe(tasks === 1);
	expect(result.verdicts.get('scale')?.verdict).toBe(tasks === 1 ? 'confirmed' : 'unseen');
});

test('looks that fail do not end the watch', async () => {
	sandbox.addFault({ kind: 'resetAfter', path: '/v1/kling/tasks/500000010', times: 2 });
	sandbox.addFault({ kind: 'status', status: 503, path: '/v1/kling/tasks/500000010', times: 2 });
	const result = await live(sandbox, spending);
	expect(result.verdicts.get('scale')?.verdict).toBe('confirmed');
	expect(postsTo(sandbox)).toBe(1);
});

test('it asks before it spends, and takes nothing but a yes', async () => {
	const questions: string[] = [];
	const answering = (answer: string) => ({
		ask: async (question: string) => {
			questions.push(question);
			return answer;
		},
	});
	for (const answer of ['', 'no', 'yesterday']) {
		const result = await live(sandbox, ['--spend'], answering(answer));
		expect(result.exitCode).toBe(0);
		expect(result.output).toContain('This spends credits of a…@e…');
		expect(result.output).toContain('Nothing was spent.');
	}
	expect([questions.length, postsTo(sandbox)]).toEqual([3, 0]);
	await live(sandbox, ['--spend'], answering(' Yes '));
	expect(postsTo(sandbox)).toBe(1);

	const nobody = await live(sandbox, ['--spend']);
	expect([nobody.exitCode, postsTo(sandbox)]).toEqual([2, 1]);
	expect(nobody.output).toContain('Add --yes');
});

test('several accounts: USEAPI_EMAIL chooses, and nothing is spent without it', async () => {
	sandbox.settings.accounts = [EMAIL, OTHER].map((email) => ({ email, maxJobs: 2 }));
	const unclear = await live(sandbox, spending);
	expect([unclear.exitCode, postsTo(sandbox)]).toEqual([2, 0]);
	expect(unclear.output).toContain('Say with USEAPI_EMAIL which one is to pay');

	const unknown = await live(sandbox, spending, { env: { USEAPI_EMAIL: 'x@example.com' } });
	expect([unknown.exitCode, postsTo(sandbox)]).toEqual([2, 0]);

	const chosen = await live(sandbox, spending, { env: { USEAPI_EMAIL: OTHER } });
	expect(postsTo(sandbox)).toBe(1);
	expect(chosen.output).toContain('credits of s…@e…');
	const post = sandbox.requests.find(({ method }) => method === 'POST');
	expect(post?.body).toMatchObject({ email: OTHER });
});

test('no finished image: nothing is spent', async () => {
	sandbox.addFault({ kind: 'json', path: '/v1/kling/tasks$', times: 9, body: { history: [] } });
	const result = await live(sandbox, spending);
	expect(result.output).toContain('There is no finished image to upscale');
	expect(postsTo(sandbox)).toBe(0);
});

test('a wrong token, no answer, a wrong option: exit code 2, and why', async () => {
	const refused = await live(sandbox, [], { env: { USEAPI_TOKEN: 'user:9-wrong' } });
	expect(refused.exitCode).toBe(2);
	expect(refused.output).toContain('refuses the token');
	expect(refused.output).not.toContain('9-wrong');

	const closed = `http://127.0.0.1:${await getPort()}`;
	const silent = await live(sandbox, ['--base-url', closed]);
	expect([silent.exitCode, silent.output]).toEqual([2, expect.stringContaining('(ECONNREFUSED)')]);

	const wrong = [
		['--base-url', 'http://api.useapi.net'],
		['--base-url', 'nonsense'],
		['--reply-url', 'https://example.com'],
		['--spend', '--yes', '--reply-url', 'nonsense'],
		['--spend', '--yes', '--reply-port', '0'],
		['--spend', '--yes', '--base-url', 'https://x.example', '--reply-url', 'http://127.0.0.1'],
		['--pay'],
	];
	for (const args of wrong) expect((await live(sandbox, args)).exitCode).toBe(2);
	expect(postsTo(sandbox)).toBe(0);
});

test('neither token nor addresses are printed, and files are fetched without the token', async () => {
	const bare = sandbox.token.replace('user:', '');
	const leaky = { error: `Bearer ${sandbox.token} (${bare}) of ${EMAIL} at ?email=artist%40x.org` };
	sandbox.addFault({ kind: 'status', status: 400, path: '/v1/kling/tasks/1$', body: leaky });
	sandbox.addFault({ kind: 'status', status: 500, method: 'POST', body: leaky });
	const { output, verdicts } = await live(sandbox, spending);
	expect(verdicts.get('unknown-task')?.evidence).toContain('Bearer');
	expect(output).toContain('Bearer (token)');
	expect(output).not.toContain(bare);
	expect(output).not.toMatch(/artist|example\.com/);
	const files = sandbox.requests.filter(({ server }) => server === 'cdn');
	expect(files.length).toBeGreaterThan(0);
	for (const { headers } of files) expect(headers.authorization).toBeUndefined();
});

test('a stray call to the reply URL is not taken for a callback', async () => {
	const port = await getPort();
	const url = `http://127.0.0.1:${port}/hook`;
	const running = live(sandbox, [...spending, '--reply-url', url, '--reply-port', String(port)]);
	await until(() => postsTo(sandbox) === 1);
	for (const body of ['{"task":{"id":1}}', 'no JSON', '']) {
		await fetch(url, { method: 'POST', body });
	}
	const { verdicts } = await running;
	expect(verdicts.get('callback-two')).toEqual({ verdict: 'confirmed', evidence: '2 calls' });
	// Nothing listens any more.
	await expect(fetch(url)).rejects.toThrow();
});

test('the command, as package.json has it', async () => {
	const run = async (env: Record<string, string | undefined>, ...args: string[]) => {
		const [node, ...command] = scripts['contract:live'].split(' ');
		expect(node).toBe('node');
		const child = spawn(process.execPath, [...command, ...args], {
			cwd: ROOT,
			env: { ...process.env, USEAPI_TOKEN: undefined, ...env },
		});
		let output = '';
		child.stdout.on('data', (text) => (output += text));
		child.stderr.on('data', (text) => (output += text));
		const [code] = await once(child, 'close');
		return { code, output };
	};
	const [none, token, help] = await Promise.all([
		run({}),
		run({ USEAPI_TOKEN: sandbox.token }, '--base-url', sandbox.url),
		run({}, '--help'),
	]);
	expect(none).toEqual({ code: 0, output: expect.stringContaining('There is no token') });
	expect(token).toEqual({ code: 0, output: expect.stringContaining(' confirmed, 0 refuted') });
	expect(help).toEqual({ code: 0, output: expect.stringContaining('--reply-port') });
});

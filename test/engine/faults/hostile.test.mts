import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { stringify } from 'flatted';
import type { IDataObject } from 'n8n-workflow';

import { BUNDLED_PICTURES } from '../../../sandbox/options.mts';
import { recordLog, runWorkflow, type EngineRun } from '../support/n8n/engine.mts';
import { openInternet, type Internet, type Question, type Reply } from '../support/internet.mts';
import { getTask, TASK_ID, upscale, WORK_ID } from '../support/kling.mts';
import { klingWorkflow } from '../support/n8n/workflows.mts';

/** What an API, or whoever answers in its place, must not be able to make of n8n: a public one, as in real life. */

const API = 'api.kling-tests.example';
const CDN = 'cdn.kling-tests.example';
const OTHER = 'other.kling-tests.example';
const TOKEN = 'user:1234-abcdefhijklmnopqrstuv';
const credentials = { apiToken: TOKEN, baseUrl: `https://${API}` };
const picture = readFileSync(join(BUNDLED_PICTURES, 'mountain-lake.png'));

/** Addresses that n8n may reach and the internet may not, and such as are none. */
const UNSAFE = [
	'file:///etc/passwd',
	'http://localhost:5678/rest/settings',
	'https://localhost:5678/rest/settings',
	'https://localhost.:5678/',
	'https://127.0.0.1:5678/',
	'https://2130706433/',
	'https://169.254.169.254/latest/meta-data/',
	'https://10.0.0.1/',
	'https://[::1]:5678/',
	'https://[::ffff:169.254.169.254]/',
	'https://n8n.internal/',
	'https://redis:6379/',
	`http://${CDN}/plain.png`,
	`ftp://${CDN}/a.png`,
	'data:image/png;base64,iVBORw0KGgo=',
	'/relative.png',
	'no address at all',
];

let internet: Internet | undefined;
afterEach(async () => {
	jest.restoreAllMocks();
	await internet?.close();
});

const model = (url: string): IDataObject => ({
	task: { id: Number(TASK_ID), type: 'mmu_img2img_aiweb' },
	works: [{ workId: Number(WORK_ID), contentType: 'image', resource: { resource: url } }],
	status_name: 'succeed',
	status_final: true,
});
const json = (body: unknown, status = 200): Reply => ({
	status,
	headers: { 'content-type': 'application/json' },
	body: JSON.stringify(body),
});

/** Runs the node with an internet that answers by host. */
async function run(
	answers: Record<string, (question: Question) => Reply>,
	parameters: IDataObject,
): Promise<EngineRun & { asked: string[]; questions: Question[]; hosts: string[] }> {
	internet = await openInternet((question) => answers[question.host]?.(question) ?? json({}, 404));
	const { questions, hosts } = internet;
	const result = await runWorkflow(klingWorkflow([{}], parameters), credentials);
	// Which hosts, not how often: a connection that breaks on a busy machine is made again.
	return {
		...result,
		questions,
		hosts: [...new Set(hosts)],
		asked: questions.map(({ host, path }) => host + path),
	};
}

const download = getTask({ download: true });
const TASK_PATH = `${API}/v1/kling/tasks/${TASK_ID}`;
const keptOf = ({ run: { data }, error, hints }: EngineRun) =>
	stringify(data) + stringify(error ?? {}) + stringify(hints('Kling'));

describe('the address of a file', () => {
	test('may be a public one; it gets no token', async () => {
		const { items, asked, questions } = await run(
			{
				[API]: () => json(model(`https://${CDN}/a.png`)),
				[CDN]: () => ({ body: picture }),
			},
			download,
		);
		expect(items('Kling')[0].binary?.data).toMatchObject({ bytes: picture.length });
		expect(asked).toEqual([TASK_PATH, `${CDN}/a.png`]);
		expect(questions.map(({ authorization }) => authorization)).toEqual([
			`Bearer ${TOKEN}`,
			undefined,
		]);
	});

	test.each(UNSAFE)('is refused: %s', async (url) => {
		const { error, hosts } = await run({ [API]: () => json(model(url)) }, download);
		expect(error?.message).toBe(
			`The image of task ${TASK_ID} could not be downloaded: its link is not a safe web address`,
		);
		expect(hosts).toEqual([API]);
	});

	test.each(UNSAFE.filter((url) => url !== '/relative.png' && url !== 'no address at all'))(
		'is refused where another one redirects to: %s',
		async (url) => {
			const { error, hosts } = await run(
				{
					[API]: () => json(model(`https://${CDN}/a.png`)),
					[CDN]: () => ({ status: 302, headers: { location: url } }),
				},
				download,
			);
			expect(error?.message).toContain(
				'its link redirects to an address that is not a safe web address',
			);
			expect(hosts).toEqual([API, CDN]);
		},
	);

	test.each(['https://169.254.169.254/latest/meta-data/', 'file:///etc/passwd'])(
		'is refused for the file without watermark too: %s',
		async (cdnUrl) => {
			const { items, hints, hosts } = await run(
				{
					[API]: ({ path }) =>
						json(path.includes('/assets/') ? { cdnUrl } : model(`https://${CDN}/a.png`)),
					[CDN]: () => ({ body: picture }),
				},
				getTask({ download: true, options: { withoutWatermark: true } }),
			);
			expect(hints('Kling')[0].message).toContain('not a safe web address');
			expect(items('Kling')[0].binary?.data).toBeDefined();
			expect(hosts.filter((host) => host !== API)).toEqual([CDN]);
		},
	);

	test.each([
		['to another public host', `https://${OTHER}/b.png`, `${OTHER}/b.png`],
		['on the same host', '/b.png', `${CDN}/b.png`],
	])('may redirect %s', async (_name, location, last) => {
		const { items, asked, questions } = await run(
			{
				[API]: () => json(model(`https://${CDN}/a.png`)),
				[OTHER]: () => ({ body: picture }),
				[CDN]: ({ path }) =>
					path === '/a.png' ? { status: 307, headers: { location } } : { body: picture },
			},
			download,
		);
		expect(items('Kling')[0].binary?.data).toMatchObject({ bytes: picture.length });
		expect(asked.at(-1)).toBe(last);
		expect(questions.filter(({ authorization }) => authorization)).toHaveLength(1);
	});

	test('that redirects in a circle is given up', async () => {
		const { error, asked } = await run(
			{
				[API]: () => json(model(`https://${CDN}/1`)),
				[CDN]: ({ path }) => ({
					status: 302,
					headers: { location: `/${Number(path.slice(1)) + 1}` },
				}),
			},
			download,
		);
		expect(error?.message).toContain('its link redirects too often');
		expect(asked.filter((address) => address.startsWith(CDN))).toHaveLength(6);
	});
});

describe('the API token', () => {
	test.each([301, 302, 303, 307, 308])('does not follow a redirect (%d)', async (status) => {
		for (const parameters of [getTask(), upscale()]) {
			const { hosts, error } = await run(
				{ [API]: () => ({ status, headers: { location: `https://${OTHER}/steal` } }) },
				parameters,
			);
			expect(error?.message).toContain(String(status));
			expect(hosts).toEqual([API]);
			await internet!.close();
		}
	});

	const echo = { error: `Invalid token Bearer ${TOKEN}, sent by ${TOKEN}` };
	test.each([
		['an error', json(echo, 400)],
		['a refusal', json(echo, 401)],
		['plain text', { status: 403, body: `No such token: ${TOKEN}` }],
		['a web page', { status: 404, body: `<html>${TOKEN}</html>` }],
		['a task', json({ ...model(`https://${CDN}/?token=${TOKEN}`), message: TOKEN, [TOKEN]: 1 })],
	])('that comes back in %s goes no further', async (_name, answer) => {
		const log = recordLog();
		for (const parameters of [getTask({ output: 'raw', wait: 'none' }), upscale()]) {
			const result = await run({ [API]: () => answer }, parameters);
			// n8n's own words in its log prove that it is heard.
			expect(log.length).toBeGreaterThan(0);
			expect(keptOf(result)).toContain(TASK_ID);
			expect(keptOf(result)).not.toContain(TOKEN);
			await internet!.close();
		}
		expect(log.join('\n')).not.toContain(TOKEN);
	});
});

test('a text of megabytes does not get into an error', async () => {
	const { error } = await run(
		{ [API]: () => json({ error: 'x'.repeat(5_000_000) }, 400) },
		getTask(),
	);
	expect(error?.message.length).toBe(2_000);
});

import type { Sandbox } from '../../sandbox/server.mts';
import requests from './documented/requests.json';
import documented from './documented/upscale.200.json';
import type { Json } from './support/documented.mts';
import {
	differences,
	EMAIL,
	LIGHTHOUSE,
	missing,
	run,
	startDocumented,
	TASK,
	WORK,
} from './support/documented.mts';

/** The requests of the vendor's own examples, made by the tools they are written for. */

/** All that an answer may have otherwise than the document: the new task's id, its times, where the source file is. */
const MAY_DIFFER = ['task.id', 'task.createTime', 'task.updateTime', 'task.taskInfo.inputs.0.url'];

/** Sends the request on standard input: with `requests`, as the example does, or else with what Python brings along. */
const PYTHON = `
import json, sys
r = json.load(sys.stdin)
try:
    import requests
    answer = requests.post(r["url"], headers=r["headers"], json=r["body"])
    status, body = answer.status_code, answer.json()
except ImportError:
    from urllib.request import Request, urlopen
    answer = urlopen(Request(r["url"], json.dumps(r["body"]).encode(), r["headers"], method=r["method"]))
    status, body = answer.status, json.load(answer)
print(json.dumps({"status": status, "body": body}))
`;

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startDocumented();
});
afterAll(async () => await sandbox.close());

function fill<T>(template: T): T {
	const values: Record<string, string> = {
		'{host}': sandbox.url,
		'{token}': sandbox.token,
		'{email}': EMAIL,
		'{file}': LIGHTHOUSE,
	};
	const text = JSON.stringify(template).replaceAll(
		/\{(host|token|email|file)\}/g,
		(name) => values[name],
	);
	return JSON.parse(text) as T;
}

function expectAsDocumented(status: number, body: Json, contentType: string) {
	expect(status).toBe(200);
	expect(differences(body, documented, MAY_DIFFER)).toEqual([]);
	expect(sandbox.requests.at(-1)).toMatchObject({
		server: 'api',
		method: 'POST',
		path: '/v1/kling/images/upscale',
		headers: {
			authorization: `Bearer ${sandbox.token}`,
			'content-type': expect.stringContaining(contentType),
		},
		body: { email: EMAIL, task_id: TASK, workId: WORK },
	});
}

async function curl(args: string[]) {
	const printed = await run('curl', ['-sS', '-w', '\n%{http_code}', ...args]);
	const [body, status] = printed.split('\n');
	return { status: Number(status), body: JSON.parse(body) };
}

/** A test that a machine without the tool skips, saying so. */
function testWith(tool: string, name: string, body: () => Promise<void>) {
	const reason = missing(tool);
	if (reason) test.skip(`${name} (skipped: ${reason})`, body);
	else test(name, body);
}

testWith('curl', 'the curl example', async () => {
	const { status, body } = await curl(fill(requests.curl.arguments));
	expectAsDocumented(status, body, 'application/json');
});

test('the JavaScript example', async () => {
	const { url, method, headers, body } = fill(requests.javascript);
	const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
	expectAsDocumented(response.status, await response.json(), 'application/json');
});

testWith('python3', 'the Python example', async () => {
	const printed = await run('python3', ['-c', PYTHON], JSON.stringify(fill(requests.python)));
	const { status, body } = JSON.parse(printed);
	expectAsDocumented(status, body, 'application/json');
});

testWith('curl', 'the same as multipart/form-data', async () => {
	const fields = Object.entries(fill(requests.javascript.body));
	const form = fields.flatMap(([name, value]) => ['-F', `${name}=${value}`]);
	const token = ['-H', `Authorization: Bearer ${sandbox.token}`];
	const { status, body } = await curl([
		`${sandbox.url}/v1/kling/images/upscale`,
		...token,
		...form,
	]);
	expectAsDocumented(status, body, 'multipart/form-data');
});

testWith('curl', 'an image that is uploaded as in the example, then enhanced', async () => {
	const uploaded = await curl(fill(requests.asset.arguments));
	expect(uploaded.status).toBe(200);
	const { status, body } = await curl([
		...['-X', 'POST', `${sandbox.url}/v1/kling/images/enhance`],
		...['-H', 'Content-Type: application/json', '-H', `Authorization: Bearer ${sandbox.token}`],
		...['-d', JSON.stringify({ ...fill(requests.enhance), image: uploaded.body.url })],
	]);
	expect([status, body.status_name]).toEqual([200, 'submitted']);
});

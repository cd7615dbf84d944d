import { bench, TASK_ID } from '../support/kling.mts';
import { openTrigger } from '../support/trigger.mts';

/** What anybody can send who knows the URL. */

const open = async () => {
	const stand = await bench();
	const events = ['succeed', 'failed', 'progress'];
	return { ...stand, trigger: openTrigger({ events, download: true }, stand.credentials) };
};

const MEGABYTE = 1_000_000;
const DEPTH = 200_000;
const final = '"status_name":"succeed","status_final":true';
const task = (id: string) => `{"task":{"id":${id}},${final}}`;

/** Bodies that name no task which could exist: the API is not even asked. */
const NAMELESS: Record<string, string | undefined> = {
	'no body': undefined,
	'an empty body': '',
	'nothing but space': '   ',
	null: 'null',
	true: 'true',
	'a number': '123456789',
	'a text': '"123456789"',
	'an empty object': '{}',
	'an empty array': '[]',
	'an array of callbacks': `[${task(TASK_ID)}]`,
	'half of one': task(TASK_ID).slice(0, -1),
	'two of them': task(TASK_ID) + task(TASK_ID),
	'a form': `task[id]=${TASK_ID}&status_name=succeed`,
	XML: `<task><id>${TASK_ID}</id></task>`,
	bytes: '\u0000\u0001\ufffd',
	'task is null': `{"task":null,${final}}`,
	'task is a text': `{"task":"${TASK_ID}",${final}}`,
	'task is an array': `{"task":[{"id":${TASK_ID}}],${final}}`,
	'id is null': task('null'),
	'id is true': task('true'),
	'id is empty': task('""'),
	'id is an array': task(`[${TASK_ID}]`),
	'id is an object': task(`{"toString":"${TASK_ID}","$gt":""}`),
	'id is negative': task(`-${TASK_ID}`),
	'id is a fraction': task('123456789.5'),
	'id is a power': task('1e30'),
	'id is beyond all numbers': task('1e400'),
	'id leads elsewhere': task('"../accounts"'),
	'id leads elsewhere, encoded': task('"..%2F..%2Faccounts"'),
	'id brings a query': task(`"${TASK_ID}?email=someone@example.com"`),
	'id brings another host': task('"//evil.example.com/1"'),
	'id brings a header': task(`"${TASK_ID}\\r\\nX-Evil: 1"`),
	'id in other digits': task('"１２３４５６７８９"'),
	'id with a space in it': task('"123 456"'),
	'id of a hundred thousand digits': task('9'.repeat(100_000)),
	'works is a text': `{"works":"${TASK_ID}",${final}}`,
	'works of nothing': `{"works":[null,[],0],${final}}`,
	'works of objects': `{"works":[{"taskId":{"id":${TASK_ID}}}],${final}}`,
	'a prototype': `{"__proto__":{"task":{"id":"${TASK_ID}"}},"constructor":{"prototype":{"polluted":1}}}`,
	'a deep array': '['.repeat(DEPTH) + ']'.repeat(DEPTH),
	'a deep object': `${'{"task":'.repeat(DEPTH)}{}${'}'.repeat(DEPTH)}`,
	'a huge text': `{"task":{"id":"${'1'.repeat(16 * MEGABYTE)}"}}`,
	'huge and made to be slow': `{"a":"${'\\"'.repeat(4 * MEGABYTE)}","b":${'1'.repeat(4 * MEGABYTE)}.5}`,
	'many keys': `{${Array.from({ length: 200_000 }, (_, n) => `"k${n}":${n}`).join()}}`,
};

test.each(Object.keys(NAMELESS))('%s: answered, not asked about, nothing starts', async (name) => {
	const { trigger, sandbox } = await open();
	const startMs = Date.now();
	// As plain text, so that it reaches the node also where n8n itself would refuse it as JSON.
	const { answer, started, log } = await trigger.call(NAMELESS[name], {
		contentType: 'text/plain',
	});
	expect(answer).toMatchObject({ status: 200, body: { received: true } });
	expect(started).toBeUndefined();
	expect(log).toEqual([]);
	expect(sandbox.requests).toHaveLength(0);
	expect({}).not.toHaveProperty('polluted');
	expect({}).not.toHaveProperty('task');
	expect(Date.now() - startMs).toBeLessThan(5_000);
});

test('what n8n does parse, and hands over without its text, is as harmless', async () => {
	const { trigger, sandbox } = await open();
	for (const body of [{}, [], { task: [] }, { task: { id: {} } }, { data: {}, files: {} }]) {
		expect((await trigger.call(body)).started).toBeUndefined();
	}
	expect(sandbox.requests).toHaveLength(0);
});

/** Bodies that name a real task in the clear, with everything else wrong: they are worth a look, and the API tells. */
test.each([
	[
		'a wrong type everywhere',
		`{"task":{"id":${TASK_ID}},"works":7,"status_final":"yes","status_name":[]}`,
	],
	['another status', `{"task":{"id":${TASK_ID}},"status_name":"failed","status_final":true}`],
	[
		'links of its own',
		`{"task":{"id":${TASK_ID}},"works":[{"resource":{"resource":"http://evil.example.com/x.png"}}],${final}}`,
	],
	['an error of its own', `{"task":{"id":${TASK_ID}},"error":"evil","message":"evil",${final}}`],
])('a real task with %s: only what the API says comes out', async (_name, body) => {
	const { trigger } = await open();
	const { started } = await trigger.call(body);
	expect(started).toMatchObject([{ json: { taskId: TASK_ID, status: 'succeed', finished: true } }]);
	expect(JSON.stringify(started)).not.toContain('evil');
});

test('a task that does not exist: a second look, then nothing, and a line in the log', async () => {
	const { trigger, looks } = await open();
	const { started, log } = await trigger.call(task('999999999'));
	expect(started).toBeUndefined();
	expect(looks()).toBe(2);
	expect(log).toEqual([
		'info: "Trigger" started nothing for task 999999999: Task 999999999 not found',
	]);
});

test('a thousand at once start nothing, and do not keep a true one from it', async () => {
	const { trigger, looks } = await open();
	const forged = Array.from(
		{ length: 1_000 },
		async (_, number) => await trigger.call(task(String(600_000_000 + number))),
	);
	const { started } = await trigger.call(task(TASK_ID));
	expect(started).toHaveLength(1);
	const calls = await Promise.all(forged);
	expect(calls.filter((call) => call.started)).toEqual([]);
	expect(calls.every(({ answer }) => answer?.status === 200)).toBe(true);
	// Each is asked about once, and once more only while few others wait.
	expect(looks()).toBeLessThan(1_000 + 1 + 100);
}, 60_000);

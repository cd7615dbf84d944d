import {
	bench,
	fromItem,
	getTask,
	images,
	TASK_ID,
	upscale,
	type Bench,
	EMPTY_SUCCESS,
} from '../support/kling.mts';
import { openTrigger } from '../support/trigger.mts';

/** What the API says about a task that is not its last word: a 404, a success without a file. */

const TASK = Number(TASK_ID);
const TASKS = { method: 'GET', path: '/v1/kling/tasks/' };
const FIRST = { method: 'GET', path: '/v1/kling/tasks/500000010' };
const missing = { kind: 'json' as const, status: 404, body: { error: 'No such task' } };
const running = { task: { id: 500000010 }, status_name: 'processing', status_final: false };
const { items: three, seeds } = images(3);
const onItsOwn = { onError: 'continueRegularOutput' } as const;

/** When the first task was looked at, in seconds after the first look. */
const looksAt = ({ sandbox }: Bench) => {
	const looks = sandbox.requests.filter(({ path }) => path === FIRST.path).map(({ at }) => at);
	return looks.map((at) => Math.round((at - looks[0]) / 1_000));
};

describe('a 404', () => {
	test('about a task that was there is the last word', async () => {
		const kling = await bench({ jobMs: 60_000 });
		kling.addFault({ ...TASKS, kind: 'json', body: running });
		kling.addFault({ ...TASKS, ...missing, times: 99 });
		const { error } = await kling.run([{}], upscale());
		expect(error?.message).toBe('No such task');
		expect(kling.looks()).toBe(2);
	});

	test('about a task that was never there counts after 15 seconds', async () => {
		const kling = await bench();
		kling.addFault({ ...TASKS, ...missing, times: 99 });
		const { error } = await kling.run([{}], upscale());
		expect(error?.message).toBe('No such task');
		expect(looksAt(kling).at(-1)).toBeGreaterThanOrEqual(14);
	});

	test('counts after three looks, however far apart they are', async () => {
		const kling = await bench();
		kling.addFault({ ...TASKS, ...missing, times: 2 });
		const slowly = upscale({ options: { pollInterval: 20 } });
		const { error, items } = await kling.run([{}], slowly);
		expect(error).toBeUndefined();
		expect(items('Kling')[0].json.status).toBe('succeed');
		expect(kling.looks()).toBe(3);
	});

	test('that the list of running jobs has named the task makes it no last word', async () => {
		const kling = await bench({ jobMs: 3_000, seeds });
		kling.addFault({ ...FIRST, ...missing });
		const parameters = upscale({ ...fromItem, options: { pollInterval: '' } });
		const { items } = await kling.run(three, parameters, onItsOwn);
		expect(items('Kling').map(({ json }) => json.status ?? json.error)).toEqual([
			'succeed',
			'succeed',
			'succeed',
		]);
	});
});

describe('a success without a file', () => {
	test.each([
		['Upscale', upscale()],
		['Task → Get', getTask({ wait: 'poll', options: { pollInterval: 1 } })],
	])('%s looks again, and takes what comes', async (_name, parameters) => {
		const kling = await bench();
		kling.addFault({ ...TASKS, kind: 'json', body: EMPTY_SUCCESS, times: 2 });
		const { error, items } = await kling.run([{}], parameters);
		expect(error).toBeUndefined();
		expect(items('Kling')[0].json).toMatchObject({
			status: 'succeed',
			imageUrl: expect.stringMatching(/^http/),
		});
		expect(kling.looks()).toBe(3);
	});

	test('Kling Trigger looks again, after the caller has its answer', async () => {
		const kling = await bench();
		kling.addFault({
			...TASKS,
			kind: 'json',
			body: { ...EMPTY_SUCCESS, task: { id: TASK } },
			times: 2,
		});
		const trigger = openTrigger({ events: ['succeed'] }, kling.credentials);
		const body = { task: { id: TASK }, status_name: 'succeed', status_final: true };
		const beganMs = Date.now();
		const { answer, started } = await trigger.call(body);
		expect(answer!.atMs - beganMs).toBeLessThan(2_000);
		expect(started![0].json.imageUrl).toMatch(/^http/);
		expect(kling.looks()).toBe(3);
	});

	test('is the last word after ten seconds', async () => {
		const kling = await bench();
		kling.addFault({ ...TASKS, kind: 'json', body: EMPTY_SUCCESS, times: 99 });
		const { error } = await kling.run([{}], upscale());
		expect(error?.message).toBe('Task 500000010 finished without an image');
		expect(looksAt(kling).at(-1)).toBeGreaterThanOrEqual(9);
		expect(looksAt(kling).at(-1)).toBeLessThan(14);
		expect(kling.posts()).toBe(1);
	});
});

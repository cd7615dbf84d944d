import type { IDataObject } from 'n8n-workflow';

import { bench, fromItem, images, until, upscale, type Bench } from '../support/kling.mts';

/** The answer to a job is lost: the API's own lists are looked through before anybody is told. */

const POST = { method: 'POST', path: '/v1/kling/images/upscale' };
const SCHEDULER = { method: 'GET', path: '/v1/kling/scheduler' };
const LIST = { method: 'GET', path: '^/v1/kling/tasks$' };
const { items: many, seeds } = images(3);
const [other, image] = many;
const onItsOwn = { onError: 'continueRegularOutput' } as const;

/** The lists show what another job is of. */
async function benchWithAnother(options = {}): Promise<Bench> {
	const kling = await bench({ jobMs: 100, seeds, ...options });
	await kling.run([other], upscale({ ...fromItem, wait: 'none' }));
	return kling;
}

const lookTimes = ({ sandbox }: Bench) =>
	sandbox.requests.filter(({ path }) => path === SCHEDULER.path).map(({ at }) => at);

async function outcome(kling: Bench, parameters: IDataObject = {}) {
	const { items } = await kling.run([image], upscale({ ...fromItem, ...parameters }), onItsOwn);
	return items('Kling')[0].json;
}

describe('accepted', () => {
	test.each([
		['running, by the list of running jobs', { jobMs: 20_000 }],
		['finished, by the list of tasks', { jobMs: 100 }],
		['only after a while', { jobMs: 100, listLagMs: 20_000 }],
	])('found %s', async (_name, options) => {
		const kling = await benchWithAnother(options);
		kling.addFault({ ...POST, kind: 'resetAfter' });
		const json = await outcome(kling);
		expect(json).toMatchObject({ taskId: '500000020', status: 'succeed' });
		expect(json).not.toHaveProperty('reused');
		expect(kling.posts()).toBe(2);
	});

	test('before the time limit, by a last look at it', async () => {
		const kling = await benchWithAnother();
		kling.addFault({ ...POST, kind: 'resetAfter' });
		const beganMs = Date.now();
		const json = await outcome(kling, { options: { timeout: 1 } });
		expect(json).toMatchObject({ taskId: '500000020', status: 'succeed' });
		expect(lookTimes(kling)[0] - beganMs).toBeGreaterThanOrEqual(900);
	});

	test.each(['callback', 'none'])('%s goes on with it as if nothing had been', async (wait) => {
		const kling = await benchWithAnother({ jobMs: 20_000, callbacks: 'none' });
		kling.addFault({ ...POST, kind: 'resetAfter' });
		const parameters = upscale({ ...fromItem, wait, options: { pollInterval: undefined } });
		const { run, items } = await kling.run([image], parameters);
		expect(items('Kling')[0].json).toMatchObject({ taskId: '500000020', finished: false });
		// It was sent with the resume URL, so this execution is called about it.
		expect(run.waitTill !== undefined).toBe(wait === 'callback');
		expect(kling.posts()).toBe(2);
	});

	test('several at once are found with one look for all', async () => {
		const kling = await bench({ jobMs: 100, seeds });
		kling.addFault({ ...POST, kind: 'resetAfter', times: many.length });
		const { items } = await kling.run(many, upscale(fromItem));
		const ids = items('Kling').map(({ json }) => json.taskId);
		expect(new Set(ids).size).toBe(many.length);
		expect(items('Kling').every(({ json }) => json.status === 'succeed')).toBe(true);
		expect(kling.posts()).toBe(many.length);
		expect(kling.lists()).toHaveLength(1);
		const madeFrom = await Promise.all(
			ids.map(async (id) => {
				const url = `${kling.sandbox.url}/v1/kling/tasks/${String(id)}`;
				const headers = { authorization: `Bearer ${kling.sandbox.token}` };
				const model = (await (await fetch(url, { headers })).json()) as {
					task: { taskInfo: { inputs: Array<{ fromWorkId: number }> } };
				};
				return String(model.task.taskInfo.inputs[0].fromWorkId);
			}),
		);
		expect(madeFrom).toEqual(many.map(({ workId }) => workId));
	});
});

describe('not accepted', () => {
	test('the lists show another job but not this one: most likely not, after a minute of looks', async () => {
		const kling = await benchWithAnother();
		kling.addFault({ ...POST, kind: 'resetBefore' });
		const json = await outcome(kling);
		expect(json.error).toMatch(/^It is unknown whether .+, most likely it was not$/);
		expect(json.message).toContain('retry this execution or run the workflow again');
		expect(kling.posts()).toBe(2);
		const [lost] = kling.sandbox.requests.filter(({ method }) => method === 'POST').slice(-1);
		const looks = lookTimes(kling).map((at) => Math.round((at - lost.at) / 1_000));
		expect(looks).toEqual([1, 4, 10, 25, 55]);
	});

	test('a failed task of the same image does not pass for it', async () => {
		const failing = { taskId: '700000005', workId: '700000006' };
		const failed = [{ ...failing, upscale: 'fails' as const }];
		const kling = await bench({ jobMs: 100, seeds: failed, listWholeModels: true });
		const { error } = await kling.run([{}], upscale(failing));
		expect(error?.message).toMatch(/^Task 500000010 failed/);
		kling.addFault({ ...POST, kind: 'resetBefore' });
		const lost = await kling.run([{}], upscale(failing));
		expect(lost.error?.message).toContain('most likely it was not');
		expect(kling.posts()).toBe(2);
	});

	test('the lists do not tell what the other jobs are of', async () => {
		const kling = await bench({ seeds });
		kling.addFault({ ...POST, kind: 'resetBefore' });
		const json = await outcome(kling);
		expect(json.error).toMatch(/^It is unknown whether .+\)$/);
		expect(json.message).toContain('The lists of useapi.net do not show whether it was accepted.');
		expect(json.message).toContain('Check your tasks first');
		expect(kling.posts()).toBe(1);
	});

	test.each([
		['running jobs', SCHEDULER],
		['tasks', LIST],
	])('the list of %s cannot be read', async (_name, where) => {
		const kling = await benchWithAnother();
		kling.addFault({ ...POST, kind: 'resetBefore' });
		kling.addFault({ ...where, kind: 'json', status: 402, body: { error: 'No' }, times: 99 });
		const json = await outcome(kling);
		expect(json.error).toMatch(/^It is unknown whether .+\)$/);
		expect(json.message).toContain('The lists of useapi.net could not be read: ');
		expect(kling.posts()).toBe(2);
	});
});

test('what other items wait for is not held up by the looks', async () => {
	const kling = await bench({ jobMs: 100, seeds });
	kling.addFault({ ...POST, kind: 'resetBefore' });
	const { done } = await kling.start(many, upscale({ ...fromItem, options: { timeout: 2 } }), {
		...onItsOwn,
	});
	const { items } = await done;
	expect(items('Kling').filter(({ json }) => json.status === 'succeed')).toHaveLength(2);
	expect(items('Kling').filter(({ json }) => json.error)).toHaveLength(1);
	expect(kling.posts()).toBe(3);
});

test('a cancel and another item’s error name what is unknown', async () => {
	const failing = { taskId: '700000005', workId: '700000006' };
	const kling = await bench({ jobMs: 100, seeds: [...seeds, { ...failing, upscale: 'fails' }] });
	kling.addFault({ ...POST, kind: 'resetBefore' });
	const items = [image, failing];
	const { error } = await kling.run(items, upscale(fromItem));
	expect(error?.message).toMatch(/^Task \d+ failed/);
	expect(error?.description).toMatch(/unknown whether the jobs of these items were accepted: 0/);

	kling.addFault({ ...POST, kind: 'resetBefore' });
	const { cancel, done } = await kling.start([image], upscale(fromItem));
	await until(() => kling.posts() === 3);
	cancel();
	const { run, error: canceled } = await done;
	expect(run.status).toBe('canceled');
	expect(canceled?.description).toContain('unknown whether');
});

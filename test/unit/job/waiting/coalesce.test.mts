import { coalesce } from '../../../../nodes/Kling/job/waiting/coalesce';

/** Keys are the tests' own: what is kept belongs to the whole process. */

interface Step<T> {
	give(value: T | undefined): void;
	fail(error: Error): void;
}

/** Work whose every round the test ends by hand. */
function byHand<T>() {
	const steps: Array<Step<T>> = [];
	const work = async () =>
		await new Promise<T | undefined>((give, fail) => steps.push({ give, fail }));
	return { steps, work };
}

const settled = async () => await new Promise((resolve) => setImmediate(resolve));

test('one does the work, those who come meanwhile go away at once, and it starts over for them', async () => {
	const { steps, work } = byHand<string>();
	const first = coalesce('a', work);
	expect(await coalesce('a', work)).toBeUndefined();
	expect(await coalesce('a', work)).toBeUndefined();
	expect(steps).toHaveLength(1);
	steps[0].give(undefined);
	await settled();
	expect(steps).toHaveLength(2);
	steps[1].give('result');
	expect(await first).toBe('result');
});

test('without anybody joining it is through after one round, and the next one starts anew', async () => {
	const { steps, work } = byHand<string>();
	const first = coalesce('b', work);
	steps[0].give(undefined);
	expect(await first).toBeUndefined();
	expect(steps).toHaveLength(1);
	const second = coalesce('b', work);
	steps[1].give('result');
	expect(await second).toBe('result');
});

test('who comes after the result, while it is not acted on yet, gets none and starts nothing', async () => {
	const { steps, work } = byHand<string>();
	const first = coalesce('c', work);
	steps[0].give('result');
	await first;
	expect(await coalesce('c', work)).toBeUndefined();
	expect(steps).toHaveLength(1);
});

test('but a good while later it starts over: the result may have been lost', async () => {
	jest.useFakeTimers({ doNotFake: ['setImmediate'] });
	const { steps, work } = byHand<string>();
	const first = coalesce('d', work);
	steps[0].give('result');
	await first;
	jest.advanceTimersByTime(10_001);
	const second = coalesce('d', work);
	expect(steps).toHaveLength(2);
	steps[1].give('again');
	expect(await second).toBe('again');
	jest.useRealTimers();
});

test('work that takes long is not started a second time', async () => {
	jest.useFakeTimers({ doNotFake: ['setImmediate'] });
	const { steps, work } = byHand<string>();
	const first = coalesce('i', work);
	jest.advanceTimersByTime(60_000);
	expect(await coalesce('i', work)).toBeUndefined();
	expect(steps).toHaveLength(1);
	steps[0].give('result');
	expect(await first).toBe('result');
	jest.useRealTimers();
});

test('an error goes to the one who did the work, and the next one starts anew', async () => {
	const { steps, work } = byHand<string>();
	const first = coalesce('e', work);
	steps[0].fail(new Error('no'));
	await expect(first).rejects.toThrow('no');
	const second = coalesce('e', work);
	steps[1].give('result');
	expect(await second).toBe('result');
});

test('an error is not the end while somebody has joined', async () => {
	const { steps, work } = byHand<string>();
	const first = coalesce('f', work);
	await coalesce('f', work);
	steps[0].fail(new Error('no'));
	await settled();
	steps[1].give('result');
	expect(await first).toBe('result');
});

test('other executions are not touched', async () => {
	const { steps, work } = byHand<string>();
	const first = coalesce('g', work);
	const other = coalesce('h', work);
	steps[0].give('one');
	steps[1].give('other');
	expect(await first).toBe('one');
	expect(await other).toBe('other');
});

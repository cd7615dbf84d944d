import { allHave, allOver, busiest, sentOf, until } from '../support/batch.mts';
import {
	allManySent,
	allPoll,
	beginMany,
	expectEachPaidOnce,
	expectOwnImages,
	holdTasks,
	IMAGES,
	letTasksEnd,
	references,
	reusedIn,
	type Many,
} from '../support/many.mts';
import { figures, paths, queue } from '../support/stage.mts';

/** More than the node sends at once, and not all. */
const SENT_BEFORE_DEATH = 7;

/** Something dies, and a new execution gets the same items: every image comes out, and none is paid twice over both. */
export function reuseTests(): void {
	beforeEach(holdTasks);
	afterEach(letTasksEnd);

	test('after a worker was killed while it sent them: takes what was sent, and sends the rest', async () => {
		const { sandbox } = queue;
		sandbox.addFault({
			kind: 'delay',
			after: true,
			// Longer than a busy machine takes to kill a worker.
			delayMs: 5_000,
			method: 'POST',
			path: '/v1/kling/images/upscale',
			times: IMAGES,
		});
		const first = await beginMany(paths.pollManyWithReuse);
		await until('a part is sent', () => sentOf(queue, first.images).length >= SENT_BEFORE_DEATH);
		const { successor } = await killItsWorker(first);
		sandbox.clearFaults();
		const sent = sentOf(queue, first.images);
		expect(sent.length).toBeLessThan(IMAGES);
		const second = await beginMany(paths.pollManyWithReuse, first.images);
		await allManySent(second);
		letTasksEnd();
		const [ended] = await allOver(queue, [second]);
		await successor;
		await expectOwnImages(ended);
		expect(reusedIn(ended).toSorted()).toEqual(sent.toSorted());
		expectEachPaidOnce(second);
		figures.add(
			'killed while it sent 12 of one execution: sent before, and then reused',
			sent.length,
		);
	}, 300_000);

	test('after a worker was killed while it polled: takes all', async () => {
		const first = await beginMany(paths.pollManyWithReuse);
		await allPoll(first);
		const { successor } = await killItsWorker(first);
		const second = await beginMany(paths.pollManyWithReuse, first.images);
		await allPoll(second);
		letTasksEnd();
		const [ended] = await allOver(queue, [second]);
		await successor;
		await expectOwnImages(ended);
		expect(reusedIn(ended)).toEqual(references(first));
		expectEachPaidOnce(second);
	}, 300_000);

	test.each([
		['main was killed and restarted', async () => await queue.killAndRestartMain()],
		['Redis was restarted', async () => await queue.redis.restart()],
	])(
		'after %s: takes all, and the first goes on too',
		async (_name, die) => {
			const polled = await beginMany(paths.pollManyWithReuse);
			const paused = await beginMany(paths.pauseManyWithReuse);
			await allManySent(polled, paused);
			await allHave(queue, [paused], 'waiting');
			await die();
			const polledAgain = await beginMany(paths.pollManyWithReuse, polled.images);
			const pausedAgain = await beginMany(paths.pauseManyWithReuse, paused.images);
			await allPoll(polledAgain, pausedAgain);
			letTasksEnd();
			const ended = await allOver(queue, [polled, paused, polledAgain, pausedAgain]);
			for (const one of ended) await expectOwnImages(one);
			expect(ended.map(reusedIn)).toEqual([[], [], references(polled), references(paused)]);
			expectEachPaidOnce(polled);
			expectEachPaidOnce(paused);
		},
		300_000,
	);
}

/** @returns once it is dead; what is returned ends when its successor is there */
async function killItsWorker(many: Many): Promise<{ successor: Promise<unknown> }> {
	const { worker } = await busiest(queue, [many]);
	const successor = queue.replace(worker, 'kill', 'empty');
	await worker.n8n.process;
	return { successor };
}

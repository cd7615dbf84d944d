import {
	allOver,
	allSent,
	begin,
	expectPaidOnce,
	sentFor,
	sentOf,
	until,
} from '../support/batch.mts';
import {
	allPoll,
	beginMany,
	expectEachPaidOnce,
	expectOwnImages,
	holdTasks,
	IMAGES,
	letTasksEnd,
	references,
	reusedIn,
} from '../support/many.mts';
import { tellRedis } from '../support/services.mts';
import { allFinished, figures, LONG_JOB_MS, paths, queue, repeat } from '../support/stage.mts';

/** Bull's lists of jobs, in Redis. */
const ACTIVE = 'bull:jobs:active';
const WAITING = 'bull:jobs:wait';

/** n8n runs an execution again from its beginning, under its old ID: only Reuse Earlier Result helps there. */

export function limitTests(): void {
	/** Not ours to mend: should it fail one day, n8n has got better, and docs/scaling.md may say so. */
	test('a Redis without appendonly that is killed comes back with old jobs, and n8n runs them again', async () => {
		queue.sandbox.settings.jobMs = LONG_JOB_MS;
		const { redis } = queue;
		await tellRedis(redis.port, 'CONFIG SET appendonly no');
		const [plain, reusing] = await queue.withoutWorkers(async () => {
			const queued = [
				await begin(queue, repeat(5, paths.poll)),
				await begin(queue, repeat(5, paths.pollWithReuse)),
			];
			await tellRedis(redis.port, 'SAVE');
			return queued;
		});
		const begun = [...plain, ...reusing];
		await allSent(queue, begun);
		await redis.killAndRestart('--appendonly', 'no');
		await until('each has begun again', async () => {
			const turns = (await Promise.all(queue.workers.map((worker) => worker.turns()))).flat();
			return begun.every(
				({ id }) => turns.filter(({ executionId }) => executionId === id).length >= 2,
			);
		});
		await allOver(queue, begun);
		await allFinished();
		const twice = sentFor(queue, plain).length - plain.length;
		figures.add('Redis killed without appendonly: paid twice, of 5 images', twice);
		expect(twice).toBeGreaterThan(0);
		expectPaidOnce(queue, reusing);
	}, 300_000);

	test('a stalled job that Bull lets run again: nothing is paid again with Reuse Earlier Result, all without', async () => {
		holdTasks();
		const reusing = await beginMany(paths.pollManyWithReuse);
		const plain = await beginMany(paths.pollMany);
		const both = [reusing, plain];
		await allPoll(...both);
		const turns = (await Promise.all(queue.workers.map((worker) => worker.turns()))).flat();
		await Promise.all(
			queue.workers.map(async (worker) => await queue.replace(worker, 'kill', 'empty')),
		);
		// What Bull does where it allows a second run (moveStalledJobsToWait); n8n 2 allows none (maxStalledCount: 0).
		for (const { id } of both) {
			const { jobId } = turns.find(({ executionId }) => executionId === id)!;
			expect(await tellRedis(queue.redis.port, `LREM ${ACTIVE} 1 ${jobId}`)).toBe(':1\r\n');
			await tellRedis(queue.redis.port, `RPUSH ${WAITING} ${jobId}`);
		}
		await until('the one without has sent all again', () => {
			return sentOf(queue, plain.images).length >= 2 * IMAGES;
		});
		await allPoll(...both);
		letTasksEnd();
		const ended = await allOver(queue, both);
		for (const one of ended) await expectOwnImages(one);
		expect(ended.map(reusedIn)).toEqual([references(reusing), []]);
		expectEachPaidOnce(reusing);
		const paid = sentOf(queue, plain.images).length;
		figures.add('stalled job run again without reuse: paid, for 12 images', paid);
		expect(paid).toBe(2 * IMAGES);
	}, 300_000);
}

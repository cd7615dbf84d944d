import { itemsOf } from '../../../tools/n8n/restClient.mts';
import {
	accounts,
	allHave,
	allOver,
	allSent,
	begin,
	busiest,
	expectOwnResults,
	expectPaidOnce,
	killBusiest,
	sentFor,
	until,
	type Begun,
	type Killed,
} from '../support/batch.mts';
import {
	allFinished,
	figures,
	LONG_JOB_MS,
	lost,
	paths,
	queue,
	repeat,
} from '../support/stage.mts';
import { call, getMany, publish } from '../support/workflows.mts';

/** A process is killed, stopped or restarted while executions run, wait or are queued. */

export function deathTests(): void {
	describe('a worker is killed', () => {
		/** More than one worker has slots for, so that the other one has some. */
		const MANY = 12;

		/** What it had is looked at last; the others end as if nothing had happened. */
		async function killOne(
			doing: string,
			begun: Begun[],
			successor: 'empty' | 'same',
			turn?: number,
		): Promise<Killed[]> {
			const { killed, others } = await killBusiest(queue, begun, successor, turn);
			lost.push(...killed);
			figures.add(`executions on a worker that was killed while it ${doing}`, killed.length);
			expect(others).not.toHaveLength(0);
			await expectOwnResults(queue, others);
			expectPaidOnce(queue, begun);
			return killed;
		}

		test('while it polls: nothing is sent again, and Get Many finds what was paid', async () => {
			queue.sandbox.settings.jobMs = LONG_JOB_MS;
			const { api, credential, webhook } = queue;
			const since = new Date().toISOString();
			const begun = await begin(queue, repeat(MANY, paths.poll));
			await allSent(queue, begun);
			await killOne('polled', begun, 'empty');

			await allFinished();
			const collect = await publish(api, credential, getMany(since));
			const found = await Promise.all(
				accounts.map(async ({ email: account }) => {
					const id = await call(webhook.url, collect, { account });
					return itemsOf(await api.waitForExecution(id), 'Get Many');
				}),
			);
			expect(found.flat()).toHaveLength(begun.length);
		}, 300_000);

		test('while it submits: the jobs whose answers it never got are not sent again', async () => {
			queue.sandbox.addFault({
				kind: 'delay',
				after: true,
				delayMs: LONG_JOB_MS,
				method: 'POST',
				path: '/v1/kling/images/upscale',
				times: MANY,
			});
			const begun = await begin(queue, repeat(MANY, paths.poll));
			await allSent(queue, begun);
			// Back on its own folder, the worker itself knows what it has left undone.
			const seen = await allOver(queue, await killOne('submitted', begun, 'same'));
			expect(new Set(seen.map(({ execution }) => execution.status))).toEqual(new Set(['crashed']));

			// Whoever retries them by hand pays nothing again: the node looks first.
			const retried = await Promise.all(
				seen.map(async ({ id, body }) => ({
					body,
					...(await queue.api.request<{ id: string }>('POST', `/rest/executions/${id}/retry`, {})),
				})),
			);
			await expectOwnResults(queue, await allOver(queue, retried));
		}, 300_000);

		test('while suspended executions go on: the others go on', async () => {
			const begun = await begin(queue, repeat(MANY, paths.pauseAndWork));
			await killOne('went on with waiting ones', begun, 'empty', 2);
		}, 300_000);
	});

	test('a worker that is asked to stop finishes its executions first', async () => {
		const begun = await begin(queue, repeat(6, paths.poll));
		await allSent(queue, begun);
		const { worker } = await busiest(queue, begun);
		await queue.replace(worker, 'stop', 'empty');
		await expectOwnResults(queue, await allOver(queue, begun));
	}, 300_000);

	test('main is killed and restarted: what polls and what is suspended goes on', async () => {
		queue.sandbox.settings.jobMs = LONG_JOB_MS;
		const begun = await begin(queue, repeat(5, paths.poll, paths.pause, paths.send));
		await allSent(queue, begun);
		await queue.killAndRestartMain();
		await expectOwnResults(queue, await allOver(queue, begun));
	}, 300_000);

	describe('Redis', () => {
		/** More than there are worker slots: some run, some are suspended, some are still queued. */
		const many = () => repeat(15, paths.poll, paths.pause);

		test.each([
			['is restarted', 'restart' as const],
			['is killed, and has kept every change on disk (appendonly)', 'killAndRestart' as const],
		])(
			'%s: all go on',
			async (_name, how) => {
				queue.sandbox.settings.jobMs = LONG_JOB_MS;
				const begun = await begin(queue, many());
				await until('a part is sent', () => sentFor(queue, begun).length >= 20);
				await queue.redis[how]();
				await expectOwnResults(queue, await allOver(queue, begun));
			},
			300_000,
		);
	});

	test('calls that reach two processes at once let an execution go on once', async () => {
		const { sandbox, main, webhook } = queue;
		sandbox.settings.callbacks = 'none';
		const begun = await begin(queue, [paths.pause, paths.pause, paths.pause]);
		await allHave(queue, begun, 'waiting');
		await allFinished();
		sandbox.settings.callbacks = 'all';
		const urls = sandbox.requests
			.filter(({ method }) => method === 'POST')
			.slice(-begun.length)
			.map(({ body }) => (body as { replyUrl: string }).replyUrl);
		await Promise.all(
			urls.flatMap((url) =>
				[url, url.replace(webhook.url, main.url), url, url.replace(webhook.url, main.url)].map(
					async (each) => await fetch(each, { method: 'POST' }),
				),
			),
		);
		const ended = await allOver(queue, begun);
		await expectOwnResults(queue, ended);
		for (const { execution } of ended) expect(execution.resultData.runData.Get).toHaveLength(1);
	}, 180_000);
}

import { createHash } from 'node:crypto';
import { itemsOf } from '../../../tools/n8n/restClient.mts';
import { readExample, SAVED_WITH_1_0_0 } from '../../e2e/support/real-n8n.mts';
import { allOver, begin, expectOwnResults, until } from '../support/batch.mts';
import { figures, paths, queue, reference, repeat } from '../support/stage.mts';
import { byEmail, get, hash, publish, publishWorkflow, upscale } from '../support/workflows.mts';

/** Many executions at once, and files that several processes share. */

export function waitModeTests(): void {
	test('200 executions in every wait mode at once: each its own image, each paid once', async () => {
		const { api, credential, webhook, sandbox } = queue;
		const receive = await readExample(
			'upscale-and-hand-over-receive.json',
			credential,
			{},
			SAVED_WITH_1_0_0,
		);
		const parametersOf = (node: string) =>
			receive.nodes.find(({ name }) => name === node)!.parameters;
		// With several accounts the receiver has to know which one a task is of.
		parametersOf('Get Task').account = byEmail('={{ $json.query.account }}');
		const receiver = await publishWorkflow(api, receive);
		const receiverUrl = `${webhook.url}/webhook/${String(parametersOf('Called Back').path)}`;
		const replyUrl = `=${receiverUrl}?account={{ $json.body.account }}`;
		const handOver = await publish(
			api,
			credential,
			upscale({ wait: 'none', replyUrl, options: reference }),
		);

		const startMs = Date.now();
		const begun = await begin(
			queue,
			repeat(40, paths.poll, paths.pause, paths.send, handOver, paths.poll),
		);
		const startedMs = Date.now();
		const ended = await allOver(queue, begun);
		const endedMs = Date.now();
		await expectOwnResults(queue, ended);

		const handedOver = begun.filter((_, place) => place % 5 === 3);
		const received = await until('every image is handed over', async () => {
			const filter = encodeURIComponent(JSON.stringify({ workflowId: receiver }));
			const { results } = await api.request<{ results: Array<{ id: string }> }>(
				'GET',
				`/rest/executions?limit=100&filter=${filter}`,
			);
			const runs = await Promise.all(results.map(async ({ id }) => await api.getExecution(id)));
			const items = runs.flatMap((run) => itemsOf(run, 'Result'));
			return items.length >= handedOver.length && items;
		});
		expect(received.map(({ json }) => json.reference).toSorted()).toEqual(
			handedOver.map(({ body }) => body.reference).toSorted(),
		);
		expect(received.every(({ binary }) => binary?.data.mimeType === 'image/png')).toBe(true);

		// Whoever took a call about the end went on at that call, and not at the time limit.
		const paused = ended.filter((_, place) => place % 5 === 1);
		const wentOn = paused.filter(
			({ execution }) => itemsOf(execution, 'Upscale')[0].json.finished === true,
		);
		const tookCall = paused.filter(({ id }) =>
			sandbox.callbacks.some(
				({ url, statusName, answer }) =>
					url.includes(`/webhook-waiting/${id}?`) && statusName === 'succeed' && answer === 200,
			),
		);
		expect(tookCall.length).toBeGreaterThan(0);
		expect(wentOn).toEqual(expect.arrayContaining(tookCall));

		figures.add('200 executions started within', (startedMs - startMs) / 1000, 's');
		figures.add('and all ended after', (endedMs - startMs) / 1000, 's');
		figures.add('of 40 paused ones, went on at a call', wentOn.length);
		const turns = (await Promise.all(queue.workers.map((worker) => worker.turns()))).flat();
		const slotSeconds = (place: number) => {
			const ids = begun.filter((_, each) => each % 5 === place).map(({ id }) => id);
			const times = turns
				.filter(({ executionId }) => ids.includes(executionId))
				.map(({ fromMs, toMs }) => (toMs! - fromMs) / 1000);
			return times.reduce((sum, time) => sum + time, 0) / ids.length;
		};
		figures.add('worker slot per image, Wait Until Finished', slotSeconds(0), 's');
		figures.add('worker slot per image, Pause Until Called Back + Get', slotSeconds(1), 's');
		figures.add("worker slot per image, Don't Wait", slotSeconds(3), 's');
	}, 600_000);

	test('a file that one process has stored is read by the others, in every wait mode', async () => {
		const { api, credential, main } = queue;
		const paths = [
			await publish(api, credential, upscale({ download: true, options: reference }), hash),
			// Here the webhook process stores the file, and a worker reads it.
			await publish(
				api,
				credential,
				upscale({ wait: 'callback', download: true, options: reference }),
				hash,
			),
			await publish(
				api,
				credential,
				upscale({ wait: 'none', options: reference }),
				get({ download: true }),
				hash,
			),
		];
		const ended = await allOver(queue, await begin(queue, paths));
		await expectOwnResults(queue, ended);
		for (const { execution } of ended) {
			const names = Object.keys(execution.resultData.runData);
			const [{ binary }] = itemsOf(execution, names.at(-2)!);
			const [{ json }] = itemsOf(execution, 'Hash');
			const { id } = binary!.data as { id: string };
			expect(id).toMatch(/^database:/);
			const original = await fetch(String(json.imageUrl));
			expect(json.hash).toBe(sha256(await original.arrayBuffer()));
			const shown = await fetch(
				`${main.url}/rest/binary-data?id=${encodeURIComponent(id)}&action=view&mimeType=image/png&fileName=x.png`,
				{ headers: api.headers },
			);
			expect(sha256(await shown.arrayBuffer())).toBe(json.hash);
		}
	}, 180_000);
}

const sha256 = (bytes: ArrayBuffer) =>
	createHash('sha256').update(Buffer.from(bytes)).digest('hex');

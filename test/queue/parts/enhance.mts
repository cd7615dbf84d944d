import sharp from 'sharp';
import { itemsOf } from '../../../tools/n8n/restClient.mts';
import { allOver, begin, expectPaidOnce } from '../support/batch.mts';
import { queue, repeat } from '../support/stage.mts';
import { enhance, get, hash, picture, publish } from '../support/workflows.mts';

/** Pictures of the user's own: the file goes from process to process, up to the API, and comes back larger. */

export function enhanceTests(): void {
	test('a file is enhanced in every wait mode, uploaded and paid once each', async () => {
		const { api, credential, sandbox } = queue;
		const square = { width: 300, height: 300, channels: 3, background: 'teal' } as const;
		const file = picture(await sharp({ create: square }).png().toBuffer());
		const flows = [
			[enhance({ download: true })],
			// Here the webhook process stores the result.
			[enhance({ wait: 'callback', download: true })],
			[enhance({ wait: 'none' }), get({ download: true })],
		];
		const paths: string[] = [];
		for (const steps of flows) {
			paths.push(await publish(api, credential, ...file, ...steps, hash));
		}
		const uploads = () =>
			sandbox.requests.filter(({ path }) => path.startsWith('/v1/kling/assets')).length;
		const before = uploads();
		const begun = await begin(queue, repeat(5, ...paths));
		const ended = await allOver(queue, begun);
		for (const { id, execution } of ended) {
			const { status, resultData } = execution;
			expect({ id, status, error: resultData.error }).toEqual({ id, status: 'success' });
			const [{ json }] = itemsOf(execution, 'Hash');
			expect(json).toMatchObject({
				status: 'succeed',
				hash: expect.stringMatching(/^[0-9a-f]{64}$/),
			});
		}
		const tasks = ended.map(({ execution }) => itemsOf(execution, 'Hash')[0].json.taskId);
		expect(new Set(tasks).size).toBe(begun.length);
		expectPaidOnce(queue, ended);
		expect(uploads() - before).toBe(begun.length);
	}, 240_000);
}

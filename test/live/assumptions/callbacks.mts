// What useapi.net sends to a reply URL.
import type { Json } from '../../contract/support.mts';
import { need, test } from '../assumption.mts';
import type { Live } from '../live.mts';
import { idOf, isFinal, MINUTE_MS, type Paid } from '../paid.mts';

async function called(live: Live): Promise<Paid> {
	need(live.options.receive, 'needs KLING_SPEND=1 and KLING_REPLY_URL');
	const paid = await live.paid();
	need(paid.callbacks.length > 0, 'no call came; can the reply URL be reached from the internet?');
	return paid;
}

/** Where a value stands in an answer, e.g. `request.replyRef`. */
const pathTo = (wanted: string, value: Json, path = ''): string | undefined =>
	value === wanted
		? path
		: Object.entries(typeof value === 'object' ? (value ?? {}) : {})
				.map(([field, below]) => pathTo(wanted, below, path ? `${path}.${field}` : field))
				.find((found) => found !== undefined);

test('callback-model (D): a callback is a POST of JSON with the body that GET returns', async (live) => {
	const { callbacks, taskId } = await called(live);
	for (const { method, contentType, body } of callbacks) {
		expect([method, contentType]).toEqual(['POST', expect.stringContaining('json')]);
		expect(idOf(body)).toBe(taskId);
	}
});
test('callback-several (D): a task is reported several times, in order: progress, then the end', async (live) => {
	const finals = (await called(live)).callbacks.map(({ body }) => isFinal(body));
	expect(finals.length).toBeGreaterThan(1);
	expect(finals.indexOf(true)).toBe(finals.length - 1);
});
test('callback-reference (own): replyRef stands at the top level of a callback', async (live) => {
	const { callbacks, reference } = await called(live);
	const paths = callbacks.map(({ body }) => pathTo(reference, body));
	expect([...new Set(paths)]).toEqual(['replyRef']);
});
test('callback-lag (I): GET shows a finished task at most a minute after its final callback', async (live) => {
	const { callbacks, looks, final } = await called(live);
	const call = callbacks.find(({ body }) => isFinal(body));
	need(call, 'no call said that the task is finished');
	const late = looks.findLast(({ status, body }) => status === 200 && !isFinal(body));
	expect((late?.atMs ?? 0) - call.atMs).toBeLessThanOrEqual(MINUTE_MS);
	need(final, 'the upscale was not seen to its end');
});

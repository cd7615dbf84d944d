// What accounts have left, uploads, and what one paid enhance shows.
import model from '../../contract/documented/model.json';
import { isNewField, misfits } from '../../contract/support/shapes.mts';
import type { Json } from '../../contract/support/documented.mts';
import { need, test } from '../assumption.mts';
import { entryOf, SCHEDULER, told, type Live } from '../live.mts';
import { jobsOf, type Paid } from '../paid.mts';

const balance = async (live: Live): Promise<Json> =>
	(await live.read(await live.accountPath())).balance;

/** For what an accepted POST shows. */
async function accepted(live: Live): Promise<Paid & { image: string; totals: number[] }> {
	const { upload, image, paid, totals } = await live.enhanced();
	need(image && paid, `the upload was not accepted: ${told(upload)}`);
	need(paid.post.status === 200, `the POST was not accepted: ${told(paid.post)}`);
	return { ...paid, image, totals };
}

test('balance (D): GET /v1/kling/accounts/{email} tells balance.total and the points it is made of', async (live) =>
	expect(await balance(live)).toMatchObject({
		points: expect.any(Array),
		total: expect.any(Number),
	}));
test('points-times (I): points begin and end at epoch milliseconds', async (live) => {
	const { points } = await balance(live);
	need(points?.length > 0, 'needs credits');
	for (const { startTime, endTime } of points) {
		const years = [startTime, endTime].map((time) => new Date(time).getFullYear());
		expect(years.filter((year) => !(year >= 2024 && year < 2100))).toEqual([]);
	}
});
test('scheduler-available (D): GET /v1/kling/scheduler/available tells maxJobs, executing and available of each account', async (live) => {
	const emails = await live.accounts();
	need(emails.length > 0, 'needs a connected Kling account');
	const { available } = await live.read(`${SCHEDULER}/available`);
	const number = expect.any(Number);
	const slots = emails.map((email) => ({
		email,
		maxJobs: number,
		executing: number,
		available: number,
	}));
	for (const slot of slots) expect(available).toContainEqual(slot);
});
test('asset-upload (D): an uploaded JPEG is answered with 200 and the url of the file', async (live) => {
	const { upload } = await live.enhanced();
	expect([told(upload), upload.body?.url]).toEqual(['HTTP 200', expect.stringMatching(/^http/)]);
});
test('asset-costs-nothing (V): an upload costs nothing', async (live) => {
	const [before, after] = (await live.enhanced()).totals;
	need(Number.isFinite(before), 'the balance is not told');
	expect(after).toBe(before);
});
test('asset-own-account (V): an uploaded file can be used with its own account only');
test('enhance-accepted (I): an accepted enhance answers with the Model, submitted, and ends with one image', async (live) => {
	const { post, final } = await accepted(live);
	expect(misfits(post.body, model).filter((misfit) => !isNewField(misfit))).toEqual([]);
	expect(post.body).toMatchObject({ status_name: 'submitted', works: [] });
	need(final?.status_name !== 'failed', 'the enhance failed');
	if (final) expect(final.works).toMatchObject([{ contentType: 'image' }]);
});
test('enhance-tells-input-url (I): taskInfo.inputs[].url of an enhance is the url that was sent', async (live) => {
	const { post, final, image } = await accepted(live);
	for (const body of [post.body, final ?? post.body]) {
		expect(entryOf(body).inputs.map(({ url }) => url)).toContain(image);
	}
});
test('enhance-reply-url (I): an enhance takes replyUrl and replyRef as an upscale does', async (live) => {
	const { scheduler, reference, callbacks, taskId } = await accepted(live);
	const job = jobsOf(scheduler).find(({ id }) => String(id) === taskId);
	need(job, 'the enhance was not in the scheduler');
	expect(job.replyRef).toBe(reference);
	if (live.options.receive) expect(callbacks).not.toEqual([]);
});
test('enhance-cannot-fetch (I): an image that cannot be fetched is refused and costs nothing');
test('points-are-hundredths (V): an enhance at 2k, which costs 1 credit, takes 100 from the balance', async (live) => {
	const [, before, after] = (await accepted(live)).totals;
	need(Number.isFinite(before), 'the balance is not told');
	expect(before - after).toBe(100);
});
test('user-points (I): userPoints.total of a task is the balance, unless its points are an empty list', async (live) => {
	const { post, looks, totals } = await accepted(live);
	const told = [post, ...looks]
		.map(({ body }) => body?.userPoints)
		.filter((one) => one?.points?.length);
	need(told.length > 0, 'points was an empty list');
	for (const { total } of told) expect(totals).toContain(total);
});
test('out-of-credits (V): a job for which the credits are not enough is accepted, and then a 404');

import type { PaidCall, PaidJob } from '../../../../../nodes/Kling/job/submission/attempt.ts';
import {
	answered,
	FakeExecution,
	FakeKling,
	realTime,
	through,
	virtualTime,
	type ExecutionSettings,
} from '../../../../support/fakes.mts';
import { jobOf, submitterOf } from '../../../support/submitting.mts';

/** Jobs that are of a file, which has another link at each upload, or of a link that somebody has written. */

beforeEach(virtualTime);
afterEach(realTime);

const LINK = 'https://shop.example.com/shoe.jpg';
const UPLOADED = (number: number) => `https://s21.example.com/upload ${number}.png`;
const image = { field: 'data', mimeType: 'image/png', bytes: 3, linkName: 'image' };

const callOf = (content: string, changes: Partial<PaidCall> = {}): PaidCall => ({
	operation: 'enhance',
	request: { resolution: '2k' },
	fingerprint: content,
	wanted: { otherArgs: { resolution: '4k' } },
	upload: { ...image, sha256: content },
	...changes,
});
const file = jobOf({ call: callOf('a') });
const link = jobOf({
	call: callOf(LINK, {
		request: { image: LINK, resolution: '2k' },
		wanted: { inputUrl: LINK, otherArgs: { resolution: '4k' } },
		upload: undefined,
	}),
});
const DAY_MS = 24 * 3_600_000;
const sentLinks = ({ posts }: FakeKling) => posts.map((post) => post.image);
const uploads = ({ calls }: FakeKling) => calls.filter((call) => call.startsWith('upload')).length;

const submitIn = async (
	execution: FakeExecution,
	job: PaidJob,
	changes: ExecutionSettings = {},
) => {
	const { submitter } = submitterOf(execution.kling, execution.context(changes));
	return await through(submitter.submit(job, 0));
};

test('a file is uploaded once its turn has come, and its link is sent and kept', async () => {
	const kling = new FakeKling(answered(429, {}));
	const { call } = await submitIn(new FakeExecution(kling), file);
	expect(kling.calls).toEqual(['upload 1', 'POST', 'POST']);
	expect(sentLinks(kling)).toEqual([UPLOADED(1), UPLOADED(1)]);
	expect(call.upload).toBeUndefined();
	expect(call.request).toEqual({ image: UPLOADED(1), resolution: '2k' });
	expect(call.wanted.inputUrl).toBe(UPLOADED(1));
	expect(call.fingerprint).toBe('a');
});

test('a failed upload sends nothing and notes nothing', async () => {
	const kling = new FakeKling();
	kling.api.upload = async () => answered(400, { error: 'No' });
	const execution = new FakeExecution(kling);
	await expect(submitIn(execution, file)).rejects.toThrow('The file could not be uploaded: No');
	expect(kling.posts).toEqual([]);
	expect(JSON.stringify(execution.flow)).not.toContain('unknown');
});

describe('a lost answer', () => {
	async function lose(kling: FakeKling, job: PaidJob): Promise<FakeExecution> {
		const execution = new FakeExecution(kling);
		kling.answers.push('accept and lose');
		kling.listFault = answered(402, {});
		await expect(submitIn(execution, job)).rejects.toThrow('It is unknown whether');
		kling.listFault = undefined;
		return execution;
	}

	test.each([
		['another try', (execution: FakeExecution) => execution],
		['a person', (execution: FakeExecution) => execution.byHand()],
	])('is found by %s, by the link of then', async (_who, retry) => {
		for (const [job, image] of [
			[file, UPLOADED(1)],
			[link, LINK],
		] as const) {
			const kling = new FakeKling();
			const { ref, call } = await submitIn(retry(await lose(kling, job)), job);
			expect(ref.taskId).toBe('501');
			expect(call.request.image).toBe(image);
			expect(kling.posts).toHaveLength(1);
			expect(uploads(kling)).toBe(job === file ? 1 : 0);
		}
	});

	test('of a file that nobody has accepted is sent by a person, after another upload', async () => {
		const kling = new FakeKling();
		const execution = await lose(kling, file);
		kling.jobs.splice(0);
		kling.add({ workId: '9' });
		await jest.advanceTimersByTimeAsync(60_000);
		const { call } = await submitIn(execution.byHand(), file);
		expect(call.request.image).toBe(UPLOADED(2));
		expect(sentLinks(kling)).toEqual([UPLOADED(1), UPLOADED(2)]);
	});

	test('is not taken for the job of the same link that is known to be another', async () => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling);
		const large = { ...link, call: { ...link.call, fingerprint: '4k' } };
		await submitIn(execution, large);
		// Nobody tells what was asked for.
		kling.jobs.forEach((job) => (job.args = {}));
		kling.answers.push('accept and lose');
		expect((await submitIn(execution, link)).ref.taskId).toBe('502');
	});
});

describe('a task that has failed', () => {
	test.each([
		['a file, uploaded again', file, UPLOADED(2)],
		['a file that is gone, by the link of then', undefined, UPLOADED(1)],
		['a link', link, LINK],
	])('is sent again by a person: %s', async (_name, job, image) => {
		const kling = new FakeKling();
		const execution = new FakeExecution(kling);
		const sent = await submitIn(execution, job ?? file);
		kling.jobs[0].end = 'failed';
		await jest.advanceTimersByTimeAsync(60_000);
		const again = job ?? { ...file, call: sent.call };
		expect((await submitIn(execution.byHand(), again)).ref.taskId).toBe('502');
		expect(sentLinks(kling).at(-1)).toBe(image);
	});
});

describe('an execution that noted nothing, retried by a person', () => {
	const person = { mode: 'retry', id: '2' };

	test.each<[string, PaidJob, number, string]>([
		['a link of the last day is found', link, DAY_MS - 60_000, '501'],
		['of an older one nobody knows what it led to', link, DAY_MS + 300_000, '502'],
		['a file has no link to look for', file, 0, '502'],
	])('%s', async (_name, job, ageMs, taskId) => {
		const kling = new FakeKling();
		await submitIn(new FakeExecution(kling), job);
		await jest.advanceTimersByTimeAsync(ageMs);
		const { ref } = await submitIn(new FakeExecution(kling), job, person);
		expect(ref).toMatchObject({ taskId });
		expect(ref).not.toHaveProperty('reused');
	});
});

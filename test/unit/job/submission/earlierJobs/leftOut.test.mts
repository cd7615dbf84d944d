import fc from 'fast-check';

import {
	answered,
	FakeKling,
	realTime,
	START_MS,
	UPSCALE_TYPE,
	virtualTime,
} from '../../../../support/fakes.mts';
import { ago, earlierJobs } from './find.mts';

/** What one of the API's lists leaves out, another or the task itself may tell. */

beforeEach(virtualTime);
afterEach(realTime);

describe('what the lists leave out', () => {
	/** What one place tells of the job. That it is there, and how it is doing, is always told. */
	interface Tells {
		inputs: boolean;
		type: boolean;
		files: boolean;
		/** When it was made, epoch ms; by default now. */
		madeMs?: number;
	}
	const everything = { inputs: true, type: true, files: true };
	const nothing = { inputs: false, type: false, files: false };

	interface More {
		/** The list of tasks has it. */
		isListed?: boolean;
		/** The list of running jobs has it. */
		runs?: boolean;
		sinceMs?: number;
	}

	/** Looks for a job; by default for one that was just sent. */
	async function findSent(status: string, inList: Tells, inTask: Tells, more: More = {}) {
		const { isListed = true, runs = status === 'processing' } = more;
		const { sinceMs } = { sinceMs: START_MS, ...more };
		const modelOf = ({ inputs, type, files, madeMs = START_MS }: Tells) => ({
			status_name: status,
			status_final: status !== 'processing',
			works: [
				{
					workId: '7771',
					taskId: '777',
					createTime: madeMs,
					...(type && { type: UPSCALE_TYPE }),
					...(inputs && { taskInfo: { inputs: [{ fromWorkId: '2' }] } }),
					...(files && { resource: { resource: 'https://s21.example.com/7.png' } }),
				},
			],
		});
		const kling = new FakeKling();
		kling.add({ taskId: '601', workId: '9', ...ago(0) });
		const { getTask, getTasks } = kling.api;
		kling.api.getTask = async (taskId) =>
			taskId === '777' ? answered(200, modelOf(inTask)) : await getTask(taskId);
		kling.api.getRunningJobs = async () => answered(200, runs ? [{ id: 777 }] : []);
		kling.api.getTasks = async (query) => {
			const { body } = (await getTasks(query)) as { body: { history: object[] } };
			return answered(200, { history: [...(isListed ? [modelOf(inList)] : []), ...body.history] });
		};
		return (await earlierJobs(kling)({ sinceMs })).is;
	}

	test.each<[string, string, Tells, Tells, string]>([
		['a success has no file yet', 'succeed', { ...everything, files: false }, nothing, 'found'],
		['only the task tells all', 'succeed', nothing, everything, 'found'],
		['only the running task tells all', 'processing', nothing, everything, 'found'],
		['nobody tells anything', 'succeed', nothing, nothing, 'untold'],
	])('%s', async (_name, status, inList, inTask, is) => {
		expect(await findSent(status, inList, inTask)).toBe(is);
	});

	test('only the task tells of a file, and the list of running jobs has it still', async () => {
		const inList = { ...everything, files: false };
		const more = { runs: true, sinceMs: undefined };
		expect(await findSent('succeed', inList, everything, more)).toBe('found');
	});

	test('only the task tells when it was made: long before', async () => {
		const inTask = { ...everything, madeMs: START_MS - 3_600_000 };
		const inList = { ...everything, madeMs: 0 };
		expect(await findSent('succeed', inList, inTask, { runs: true })).toBe('absent');
	});

	test('a job of the image that tells no type may be the one', async () => {
		const noType = { ...everything, type: false };
		expect(await findSent('succeed', noType, noType)).not.toBe('absent');
	});

	test('whatever it is, a job that was sent and has not failed is never called absent', async () => {
		const tells = fc.record({ inputs: fc.boolean(), type: fc.boolean(), files: fc.boolean() });
		const status = fc.constantFrom('processing', 'succeed');
		await fc.assert(
			fc.asyncProperty(status, tells, tells, fc.boolean(), async (name, inList, inTask, listed) => {
				const isListed = listed || name !== 'processing';
				expect(await findSent(name, inList, inTask, { isListed })).not.toBe('absent');
			}),
		);
	});
});
